"""Equal paths and priorities: the route that the gateway saw first wins, after its restart the one with the smaller id.

The recordings cannot say so, since a replay starts no APISIX; the order before a restart is in them.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .standin import StandIn, running_standin

_NO_CONSUL = "http://127.0.0.1:1"


def _put(gateway: StandIn, route: str, *, status: int = 1) -> None:
    """A route that answers with its own name."""
    abort = {"http_status": 200, "body": route}
    body = {"uri": "/t", "status": status, "plugins": {"fault-injection": {"abort": abort}}}
    gateway.target.admin("PUT", f"/routes/{route}", json.dumps(body)).raise_for_status()


def _delete(gateway: StandIn, route: str) -> None:
    gateway.target.admin("DELETE", f"/routes/{route}").raise_for_status()


def _switch(gateway: StandIn, route: str) -> None:
    _put(gateway, route, status=0)
    _put(gateway, route)


def _make_anew(gateway: StandIn, route: str) -> None:
    _delete(gateway, route)
    _put(gateway, route)


def _winner(gateway: StandIn) -> str:
    return gateway.target.request("/t").text


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        pytest.param(lambda _: None, "9", "10", id="ids are compared as texts"),
        pytest.param(lambda gateway: _put(gateway, "9"), "9", "10", id="one that is written again keeps its place"),
        pytest.param(lambda gateway: _switch(gateway, "9"), "9", "10", id="one that was switched off, too"),
        pytest.param(lambda gateway: _make_anew(gateway, "9"), "2", "10", id="one that is made anew comes last"),
        pytest.param(lambda gateway: _delete(gateway, "10"), "9", "2", id="one that is gone has no place"),
    ],
)
def test_a_tie(tmp_path: Path, change: Callable[[StandIn], None], before: str, after: str) -> None:
    data = f"--data={tmp_path / 'objects'}"
    with running_standin(tmp_path, _NO_CONSUL, data) as gateway:
        for route in ("9", "2", "10"):
            _put(gateway, route)
        change(gateway)
        assert _winner(gateway) == before
    with running_standin(tmp_path, _NO_CONSUL, data) as gateway:
        assert _winner(gateway) == after
        _put(gateway, "1")
        assert _winner(gateway) == after, "what comes after the start comes last"
