"""The recorded cases of the data plane, replayed."""

import json
import re
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from pydantic import JsonValue

from .asking import ask
from .backends import NAMES, Backends, in_consul
from .recorded import Case, DataPlaneExchange, case_lines
from .scope import NOT_FOLLOWED
from .target import Target

_RECORDED_NODES = {"127.0.0.1:31001": "inst1", "127.0.0.1:31002": "inst2", "127.0.0.1:31003": "inst3"}
_RECORDED_DEAD = "127.0.0.1:31009"
_RECORDED_GATEWAY = "127.0.0.1:9080"
_NAMES = {json.loads(line)["case"]: line for line in case_lines()}


def _here(line: str, target: Target, nodes: Backends) -> Case:
    """A recorded case with the addresses of this run, also where host and port are apart."""
    gateway = urlsplit(target.gateway_url).netloc
    here = {recorded: nodes.addresses[name] for recorded, name in _RECORDED_NODES.items()}
    here |= {_RECORDED_DEAD: nodes.dead, _RECORDED_GATEWAY: gateway}
    for recorded, address in here.items():
        line = line.replace(recorded, address)
        line = re.sub(rf'("[Pp]ort": ?){_port(recorded)}\b', rf"\g<1>{_port(address)}", line)
    line = re.sub(rf'("X-Forwarded-Port": ?)"{_port(_RECORDED_GATEWAY)}"', rf'\1"{_port(gateway)}"', line)
    return Case.model_validate_json(line)


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _mime(headers: dict[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0]


def _body(content: JsonValue, text: str, mime: str) -> JsonValue:
    """A body as far as it is compared: JSON as a value, an HTML page by its title, other text as it is.

    A client that sends no body may say its length and type or not. Letter case of header names does not count.
    """
    if mime == "text/html":
        title = re.search("<title>(.*?)</title>", text)
        return title[1] if title else text
    headers = content.get("headers") if isinstance(content, dict) else None
    if isinstance(content, dict) and isinstance(headers, dict) and not content.get("body"):
        headers = {name: value for name, value in headers.items() if name not in {"Content-Length", "Content-Type"}}
    if isinstance(content, dict) and isinstance(headers, dict):
        return content | {"headers": {name.lower(): value for name, value in headers.items()}}
    return text if content is None else content


def _answer(status: int, headers: dict[str, str], body: JsonValue, told: set[str]) -> str:
    """An answer as text, so that equal ones can be counted; of the headers those that were recorded.

    The port of a redirect to https is compared only as there or not: it is the one at which the gateway listens.
    """
    kept = {name: value for name, value in headers.items() if name in told and name != "content-type"}
    kept |= {name: re.sub(r"^(https://[^/:]+):\d+", r"\1:9443", value) for name, value in kept.items()}
    return json.dumps([status, _mime(headers), kept, body], sort_keys=True)


def _told(exchange: DataPlaneExchange) -> dict[str, str]:
    headers = {name.lower(): value for name, value in exchange.response_headers.items()}
    del headers["server"]
    return headers


def _expected(exchange: DataPlaneExchange) -> str:
    headers = _told(exchange)
    return _answer(exchange.status, headers, _body(exchange.content, exchange.text or "", _mime(headers)), set(headers))


def _ask(target: Target, exchange: DataPlaneExchange) -> str:
    answer = ask(target, exchange.method, exchange.path, exchange.headers, exchange.body)
    assert answer.headers["server"].startswith("APISIX/")
    try:
        content = json.loads(answer.text)
    except ValueError:
        content = None
    # What a recorded answer does not have, but this one might: a header that says something went wrong.
    told = set(_told(exchange)) | {"x-apisix-upstream-status"}
    return _answer(answer.status, answer.headers, _body(content, answer.text, _mime(answer.headers)), told)


def _put(target: Target, case: Case) -> None:
    statuses = []
    for stored in case.objects:
        answer = target.admin("PUT", f"/{stored.kind}/{stored.id}", json.dumps(stored.doc))
        statuses.append(answer.status_code)
    assert statuses == case.admin_status
    time.sleep(target.settle)


Pairs = dict[str, list[tuple[str, str]]]


def _pairs(target: Target, case: Case) -> Pairs:
    """For each distinct request what was recorded and what was answered, each time it was made."""
    pairs: Pairs = {}
    for exchange in case.exchanges:
        request = exchange.model_dump_json(include={"method", "path", "headers", "body"})
        pairs.setdefault(request, []).append((_expected(exchange), _ask(target, exchange)))
    return pairs


def _agree_in_shares(pairs: Pairs) -> None:
    """The same answers to the same request, as often as recorded; one more or less, as turns start anywhere."""
    for request, answers in pairs.items():
        expected = Counter(recorded for recorded, _ in answers)
        found = Counter(answered for _, answered in answers)
        assert set(found) == set(expected), request
        for answer, times in expected.items():
            assert abs(found[answer] - times) <= 1, f"{request}: {found}, recorded: {expected}"


def _agree_but_for_the_node(pairs: Pairs) -> None:
    """Hashing: which node a key falls to is free, but the same key always falls to the same."""
    anyone = re.compile(f'"({"|".join(NAMES)})"')
    for request, answers in pairs.items():
        assert len({answered for _, answered in answers}) == 1, request
        for recorded, answered in answers:
            assert anyone.sub('"any"', recorded) == anyone.sub('"any"', answered), request


@pytest.mark.parametrize("name", _NAMES)
def test_a_case_is_answered_as_recorded(name: str, empty: Target, nodes: Backends) -> None:
    case = _here(_NAMES[name], empty, nodes)
    with in_consul(empty.consul_url, case.registrations):
        _put(empty, case)
        pairs = _pairs(empty, case)
    hashed = any('"chash"' in stored.model_dump_json() for stored in case.objects)
    check = _agree_but_for_the_node if hashed else _agree_in_shares
    if name in NOT_FOLLOWED and empty.is_standin:
        with pytest.raises(AssertionError):
            check(pairs)
    else:
        check(pairs)


def test_at_least_95_of_100_cases_are_followed() -> None:
    followed = [name for name in _NAMES if name not in NOT_FOLLOWED]
    assert len(followed) >= 0.95 * len(_NAMES)
