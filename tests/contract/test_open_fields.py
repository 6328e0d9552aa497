"""What the operator's policy takes, the gateway takes: each open field at its bounds, and made-up configs."""

import http.client
import json
import re
import time
from collections.abc import Iterator

import pytest
from echoroute.core.plugins import OPEN
from echoroute.core.policy import refusals
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from ..unit.core.plugins.extremes import extremes, extremes_of_meta
from ..unit.core.plugins.strategies import expressions, right
from .asking import ask
from .backends import Backends
from .consumers import SHOP_KEY
from .target import Target

Config = dict[str, JsonValue]

_EXAMPLES = settings.default.max_examples // 6  # for each plugin; the profile `wide` has more
_BROKEN = re.compile("regex|pcre")
_CONSUMER = {"acl", "consumer-restriction"}  # they judge who key-auth has found

_CLOSED = 0  # the connection was closed without an answer
_CLOSING = {408, 444, 499}
_FAULTS = {_CLOSED, 500, 501, 502, 504}
_HEADERS = {
    "Origin": "https://www.example.com", "Referer": "https://www.example.com/a", "User-Agent": "curl/8",
    "apikey": SHOP_KEY, "Accept-Encoding": "gzip", "X-A": "a", "Cookie": "c=1", "Content-Type": "application/grpc-web",
}  # fmt: skip


def _made_up(strategy: st.SearchStrategy[Config], name: str) -> list[Config]:
    found: list[Config] = []

    @settings(max_examples=_EXAMPLES, phases=[Phase.generate], database=None)
    @given(strategy)
    def collect(config: Config) -> None:
        if refusals({name: config}, allowed=frozenset()) == ():
            found.append(config)

    collect()
    return found


def _of_plugin(name: str) -> Iterator[tuple[str, Config]]:
    yield from extremes(name)
    yield from (("made up", config) for config in _made_up(right(name), name))


def _of_meta() -> Iterator[tuple[str, Config]]:
    yield from extremes_of_meta()
    filters = expressions.map(lambda expression: {"body": "x", "_meta": {"filter": expression}})
    yield from (("made up", config) for config in _made_up(filters, "echo"))


def _has_broken_regex(value: JsonValue) -> bool:
    """Whether some text is no regular expression; what Python refuses here, PCRE refuses, too."""
    if isinstance(value, dict | list):
        return any(map(_has_broken_regex, value.values() if isinstance(value, dict) else value))
    try:
        return isinstance(value, str) and re.compile(value) is None
    except re.error:
        return True


def _waits(config: Config) -> bool:
    """Whether the config makes a client wait for long."""
    delay = config.get("delay")
    seconds = delay.get("duration") if isinstance(delay, dict) else delay
    return isinstance(seconds, int | float) and seconds > 1


def _put(target: Target, nodes: Backends, name: str, configs: list[tuple[str, Config]]) -> list[tuple[int, Config]]:
    """Makes a route of each config; those that the gateway took. Fails where it refuses another than a broken regex."""
    taken = []
    upstream = {"type": "roundrobin", "nodes": {nodes.addresses["inst1"]: 1}}
    for number, (place, config) in enumerate(configs):
        plugins = {name: config, **({"key-auth": {}} if name in _CONSUMER else {})}
        route = json.dumps({"uri": f"/{number}", "plugins": plugins, "upstream": upstream})
        answer = target.admin("PUT", f"/routes/{number}", route)
        if answer.status_code == 201:
            taken.append((number, config))
        else:
            assert answer.status_code == 400, (place, config, answer.text)
            assert _BROKEN.search(answer.text), (place, config, answer.text)
            assert _has_broken_regex(config), (place, config, answer.text)
    time.sleep(target.settle)
    return taken


def _ask(target: Target, taken: list[tuple[int, Config]]) -> None:
    for number, config in taken:
        if _waits(config):
            continue
        for method, body in (("GET", None), ("POST", "a")):
            status = _status(target, method, number, body)
            assert status in _numbers(config) or status not in _FAULTS, (config, status)


def _status(target: Target, method: str, number: int, body: str | None) -> int:
    try:
        return ask(target, method, f"/{number}?a=1&b=2", _HEADERS, body).status
    except http.client.RemoteDisconnected:
        return _CLOSED


def _numbers(config: JsonValue) -> set[int]:
    """The numbers in a config, of which one may be the status; nginx closes the connection for some of these."""
    found = {int(number) for number in re.findall(r"\b[0-9]{3}\b", json.dumps(config))}
    return found | ({_CLOSED} if found & _CLOSING else set())


@pytest.mark.parametrize("name", OPEN)
def test_what_is_open_is_taken_and_fails_no_request(name: str, empty: Target, nodes: Backends, consumers: None) -> None:
    configs = [*_of_plugin(name)]
    seen = {re.split(r"[.[{]", place)[0] for place, _ in configs}
    assert OPEN[name].schema["properties"].keys() <= seen
    taken = _put(empty, nodes, name, configs)
    assert len(taken) > len(configs) / 2
    _ask(empty, taken)


def test_so_is_meta(empty: Target, nodes: Backends) -> None:
    taken = _put(empty, nodes, "echo", [*_of_meta()])
    assert taken
    _ask(empty, taken)
