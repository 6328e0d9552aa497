"""Each open plugin at work: an EchoRoute's config, as the operator translates it, and requests that show it."""

import http.client
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from echoroute.cli.render import render_manifest
from echoroute.core.plugins import OPEN
from echoroute.core.policy import Policy
from pydantic import JsonValue

from .asking import Answer, ask
from .at_work.answers import ANSWERS
from .at_work.authentication import AUTHENTICATION
from .at_work.case import Ask
from .at_work.requests import REQUESTS
from .at_work.restrictions import RESTRICTIONS
from .backends import Backends
from .scope import NOT_AT_WORK
from .target import Target

CASES = {**ANSWERS, **AUTHENTICATION, **REQUESTS, **RESTRICTIONS}
_OWNER = "0a1b2c3d"
_ALONE = {"limit-conn", "proxy-buffering", "proxy-control"}  # shown by a test of their own


def _program(target: Target, plugins: dict[str, dict[str, JsonValue]]) -> None:
    """Makes the gateway serve an EchoRoute with these plugins."""
    manifest = {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "metadata": {"name": "shop", "namespace": "team"},
        "spec": {"match": {"paths": ["/shop/*"]}, "backends": [{"service": "dp-c"}], "plugins": plugins},
    }
    (rendered,) = render_manifest(json.dumps(manifest), namespace="", owner=_OWNER, policy=Policy())
    assert rendered.problems == ()
    (body,) = rendered.bodies
    answer = target.admin("PUT", f"/routes/{body['id']}", json.dumps(body))
    assert answer.status_code == 201, answer.text
    time.sleep(target.settle)


def _compare(why: str, wanted: dict[str, str | None], found: dict[str, str]) -> None:
    for name, pattern in wanted.items():
        value = found.get(name)
        if pattern is None:
            assert value is None, f"{why}: {name}: {value}"
        else:
            assert value is not None, f"{why}: {name} is not in {found}"
            assert re.fullmatch(pattern, value), f"{why}: {name}: {value}"


def _seen(answer: Answer) -> dict[str, str]:
    """What the node saw, headers beside the rest."""
    told = json.loads(answer.text)
    return {**{name.lower(): value for name, value in told.pop("headers").items()}, **told}


def _check(one: Ask, answer: Answer) -> None:
    assert answer.status == one.status, f"{one.why}: {answer}"
    _compare(one.why, one.told, answer.headers)
    if one.says:
        assert re.search(one.says, answer.body.decode("latin-1")), f"{one.why}: {answer}"
    if one.saw:
        _compare(one.why, one.saw, _seen(answer))


def _skip_unknown(name: str, target: Target) -> None:
    if target.is_standin and name in NOT_AT_WORK:
        pytest.skip(NOT_AT_WORK[name])


@pytest.mark.parametrize("name", CASES)
def test_a_plugin_does_what_it_says(name: str, empty: Target, nodes: Backends, consumers: None) -> None:
    _skip_unknown(name, empty)
    _program(empty, CASES[name].plugins)
    for one in CASES[name].asks:
        headers = one.headers if isinstance(one.headers, dict) else one.headers()
        _check(one, ask(empty, one.method, one.path, headers, one.body))


def test_limit_conn_counts_requests_at_once(empty: Target, nodes: Backends) -> None:
    _skip_unknown("limit-conn", empty)
    config = {
        "conn": 1, "burst": 0, "default_conn_delay": 0.1, "only_use_default_delay": True, "key": "remote_addr",
        "key_type": "var", "policy": "local", "rejected_code": 429, "rejected_msg": "busy", "allow_degradation": False,
    }  # fmt: skip
    _program(empty, {"limit-conn": config})
    with ThreadPoolExecutor(2) as clients:
        answers = [*clients.map(lambda _: ask(empty, "GET", "/shop/a?sleep=0.5"), range(2))]
    assert sorted(answer.status for answer in answers) == [200, 429]
    assert any("busy" in answer.text for answer in answers)
    assert ask(empty, "GET", "/shop/a").status == 200


def test_proxy_control_passes_a_request_on_as_it_comes(empty: Target, nodes: Backends) -> None:
    """The node answers when it has the headers, and the client has sent half of its body."""
    _skip_unknown("proxy-control", empty)
    _program(empty, {"proxy-control": {"request_buffering": False}})
    connection = http.client.HTTPConnection(urlsplit(empty.gateway_url).netloc, timeout=5)
    connection.putrequest("POST", "/shop/a?early=1")
    connection.putheader("Content-Length", "10")
    connection.endheaders(b"12345")
    try:
        assert connection.getresponse().status == 200
    finally:
        connection.close()


def test_proxy_buffering_passes_an_answer_on_as_it_is_read(empty: Target, nodes: Backends) -> None:
    """The client does not read, so the node cannot write: the gateway keeps nothing for later."""
    _program(empty, {"proxy-buffering": {"disable_proxy_buffering": True}})
    connection = http.client.HTTPConnection(urlsplit(empty.gateway_url).netloc, timeout=5)
    connection.request("GET", "/shop/a?large=64")
    try:
        answer = connection.getresponse()
        time.sleep(1.5)
        assert int(ask(empty, "GET", "/shop/a?written=1").text) < 64
        assert len(answer.read()) == 64 * 1024 * 1024
    finally:
        connection.close()


def test_each_open_plugin_is_shown() -> None:
    assert CASES.keys() | _ALONE == OPEN.keys()
    assert all(name in case.plugins for name, case in CASES.items())


def test_what_is_not_tried_on_the_stand_in_is_an_open_plugin() -> None:
    assert NOT_AT_WORK.keys() <= OPEN.keys()
