"""Who leads, as metrics, `/readyz?verbose` and an Event tell it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from echoroute.net.fence import Fence
from echoroute.net.trouble import Trouble
from echoroute.run.announce import LogAnnouncer
from echoroute.run.leadership import alone, elected
from prometheus_client import REGISTRY


class Poll:
    """An election that begins and ends terms when it is told to."""

    identity = "pod-1_abcd"

    def __init__(self) -> None:
        self.trouble = Trouble("lease", "broken", "mended")
        self.holder = ""
        self.term: Callable[[], Awaitable[None]] | None = None

    async def run(self, term: Callable[[], Awaitable[None]]) -> None:
        self.term = term


class Announcer(LogAnnouncer):
    def __init__(self) -> None:
        self.told: list[str] = []

    def operator(self, severity: str, reason: str, message: str) -> None:
        self.told.append(f"{severity} {reason}: {message}")


def _metric(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


def test_a_single_replica_may_write_and_leads() -> None:
    fence = Fence()
    check = alone(fence).check()
    assert fence.is_open
    assert (check.ok, check.detail, check.gating) == (True, "the only replica", False)
    assert _metric("echoroute_leader") == 1


@pytest.mark.parametrize(
    ("holder", "trouble", "ok", "detail"),
    [
        ("pod-1_abcd", "", True, "this replica, pod-1_abcd"),
        ("pod-2_ef01", "", True, "pod-2_ef01; this replica, pod-1_abcd, stands by"),
        ("", "", False, "nobody; this replica, pod-1_abcd, stands by"),
        ("pod-2_ef01", "HTTP 500", False, "pod-2_ef01; this replica, pod-1_abcd, stands by; HTTP 500"),
    ],
)
def test_what_readyz_tells(holder: str, trouble: str, ok: bool, detail: str) -> None:
    poll = Poll()
    poll.holder = holder
    if trouble:
        poll.trouble.begin(trouble, status=500)
    check = elected(poll, Announcer()).check()
    assert (check.ok, check.detail, check.gating) == (ok, detail, False), "a standby is ready"


async def test_a_term_is_counted_and_told_and_ends_however_it_ends() -> None:
    poll, announcer = Poll(), Announcer()
    before = _metric("echoroute_leader_transitions_total")
    seen: list[float] = []

    async def term() -> None:
        seen.append(_metric("echoroute_leader"))
        await asyncio.Event().wait()

    await elected(poll, announcer).lead(term)
    assert poll.term is not None
    assert _metric("echoroute_leader") == 0
    for _ in range(2):
        running = asyncio.ensure_future(poll.term())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert seen == [1.0, 1.0]
    assert _metric("echoroute_leader") == 0
    assert _metric("echoroute_leader_transitions_total") - before == 2
    assert announcer.told == ["Normal Leading: pod-1_abcd leads: it is the replica that writes"] * 2
