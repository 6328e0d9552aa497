"""`$` in header values: what the operator lets pass arrives, and what it refuses would vanish."""

import json
import time

import pytest

from .backends import Backends
from .target import Target

_ARRIVES = {
    "$host": "127.0.0.1",
    "a$remote_addr": "a127.0.0.1",
    "$request_method$scheme": "GEThttp",
    "$arg_q-$http_x_in": "Q-I",
    "${host}.example": "127.0.0.1.example",
    "${ arg_none ?? none }": "none",
    "$cookie_a": "C",
    "$request_uri": "/d/one?q=Q",
    "$1": "one",
    "${1}x": "onex",
    "$1x": "onex",
    "$1}x": "onex",
    "cost: $": "cost: $",
    "5 $ more": "5 $ more",
    "$-": "$-",
    "\\$KI": "\\$KI",
    "${}": "${}",
}
_VANISHES = {
    "E$KI=x$$5": "E=x$",
    "a$nosuch": "a",
    "a${nosuch}": "a",
    "a$host.example": "a",
    "from $remote_addr.": "from",
    "a$hostx": "a",
    "a$2": "a",
    "a$http_host.example": "a",
}


# Refused, since the client writes the variable's name: by the path that is asked for.
_BY_THE_CLIENT = {
    ("$1", "$arg_q"): "Q",
    ("$$1", "arg_q"): "Q",
    ("$arg$1", "_q"): "Q",
    ("${arg_$1", "q}"): "Q",
    ("$host$1", "x"): "",
    ("${host}$1", "x"): "127.0.0.1x",
}


def _route(target: Target, nodes: Backends, written: dict[str, str]) -> None:
    host, port = nodes.addresses["inst1"].split(":")
    route = {
        "uri": "/d/*",
        "upstream": {"type": "roundrobin", "nodes": [{"host": host, "port": int(port), "weight": 1}]},
        "plugins": {"proxy-rewrite": {"regex_uri": ["^/d/(.*)", "/$1"], "headers": {"set": written}}},
    }
    target.admin("PUT", "/routes/v", json.dumps(route)).raise_for_status()
    time.sleep(target.settle)


@pytest.fixture
def headers(empty: Target, nodes: Backends) -> dict[str, str]:
    """What arrives at a node, by what was written."""
    written = {f"X-V{n}": text for n, text in enumerate((*_ARRIVES, *_VANISHES))}
    _route(empty, nodes, written)
    answer = empty.request("/d/one?q=Q", headers={"X-In": "I", "Cookie": "a=C"})
    told = {name.lower(): value for name, value in answer.json()["headers"].items()}
    return {text: told.get(name.lower(), "") for name, text in written.items()}


def test_what_arrives_and_what_vanishes(headers: dict[str, str]) -> None:
    assert headers == _ARRIVES | _VANISHES


@pytest.mark.parametrize(("text", "asked"), _BY_THE_CLIENT)
def test_a_group_is_looked_through_for_variables(empty: Target, nodes: Backends, text: str, asked: str) -> None:
    """So the operator takes only groups that hold no '$', and none right behind a name."""
    _route(empty, nodes, {"X-V": text})
    told = {name.lower(): value for name, value in empty.request(f"/d/{asked}?q=Q").json()["headers"].items()}
    assert told.get("x-v", "") == _BY_THE_CLIENT[text, asked]
