"""The recorded exchanges with the Admin API, replayed."""

import time
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import httpx
import pytest

from .compare import differences
from .recorded import Exchange, exchanges
from .scope import NOT_FOLLOWED, REPLAYS, WITHOUT_DIRECTORIES, left_out
from .standin import StandIn
from .target import Target

_SHARE = 0.95


class Outcome(NamedTuple):
    exchange: Exchange
    problems: list[str]

    def __str__(self) -> str:
        return f"n={self.exchange.n} {self.exchange.group} | {self.exchange.name}: {'; '.join(self.problems)}"


def _send(client: httpx.Client, target: Target, exchange: Exchange) -> httpx.Response:
    request = exchange.request
    headers = {name: target.with_keys(value) for name, value in request.headers.items()}
    url = httpx.URL(target.admin_url).copy_with(raw_path=target.with_keys(request.path).encode())
    return client.request(request.method, url, content=request.text, headers=headers)


def _settled(client: httpx.Client, target: Target, exchange: Exchange) -> httpx.Response:
    """The answer; APISIX learns only a moment later that an upstream is no longer in use, so that is asked again."""
    deadline = time.monotonic() + target.settle
    while True:
        answer = _send(client, target, exchange)
        stale = exchange.response.status == 200 and answer.status_code == 400 and "still using it" in answer.text
        if not stale or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


def _replay(target: Target, replay: str) -> list[Outcome]:
    wanted = [exchange for exchange in exchanges() if exchange.group in REPLAYS[replay] and left_out(exchange) is None]
    outcomes = []
    with httpx.Client(trust_env=False, timeout=30) as client:
        for exchange in wanted:
            answer = _settled(client, target, exchange)
            outcomes.append(Outcome(exchange, list(differences(exchange.n, exchange.response, answer))))
    return outcomes


@pytest.fixture(params=REPLAYS)
def outcomes(request: pytest.FixtureRequest, empty: Target) -> Iterator[list[Outcome]]:
    """The exchanges of one replay with what is not as it was recorded."""
    if request.param != WITHOUT_DIRECTORIES:
        yield _replay(empty, request.param)
        return
    if not empty.is_standin:
        pytest.skip("its etcd is not ours to replace")
    standin: StandIn = request.getfixturevalue("standin")
    standin.control("POST", "/wipe?directories=true")
    yield _replay(empty, request.param)
    standin.control("POST", "/wipe")


def test_the_gateway_answers_as_recorded(outcomes: list[Outcome]) -> None:
    unexpected = [outcome for outcome in outcomes if outcome.problems and outcome.exchange.n not in NOT_FOLLOWED]
    assert not unexpected, "\n".join(map(str, unexpected))
    agreed = [outcome for outcome in outcomes if not outcome.problems]
    assert len(agreed) >= _SHARE * len(outcomes)


def test_what_the_table_calls_different_is_different(outcomes: list[Outcome], target: Target) -> None:
    """Of the stand-in; a real APISIX answers as recorded."""
    if target.is_standin:
        listed = [outcome for outcome in outcomes if outcome.exchange.n in NOT_FOLLOWED]
        assert all(outcome.problems for outcome in listed), [str(one) for one in listed if not one.problems]


def test_every_recorded_group_is_replayed() -> None:
    recorded = {group for group, _ in groupby(exchanges(), lambda exchange: exchange.group)}
    assert recorded == {group for groups in REPLAYS.values() for group in groups}
