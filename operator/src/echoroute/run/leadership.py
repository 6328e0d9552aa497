"""When this process writes: always, or while it is the elected one of several replicas; and where people see that."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Counter, Gauge

from echoroute.engine.announcer import Announcer
from echoroute.engine.engine import Lead, always
from echoroute.net.fence import Fence
from echoroute.net.trouble import Trouble
from echoroute.run.server import Check

leader = Gauge("echoroute_leader", "1 while this replica leads: of several replicas, one writes; 0 otherwise.")
transitions_total = Counter("echoroute_leader_transitions_total", "Times that this replica began to lead.")


class Election(Protocol):
    """What there is to know of an election; `run` is the one of `Lead`."""

    identity: str
    trouble: Trouble

    @property
    def holder(self) -> str: ...

    async def run(self, term: Callable[[], Awaitable[None]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Leadership:
    """Decides when this process writes, and tells in `/readyz?verbose` who does."""

    lead: Lead
    check: Callable[[], Check]


def alone(fence: Fence) -> Leadership:
    """There is one replica."""
    fence.open()
    leader.set(1)
    return Leadership(always, lambda: Check("leader", ok=True, detail="the only replica"))


def elected(election: Election, announcer: Announcer) -> Leadership:
    """There may be several, of which one leads."""
    leader.set(0)

    async def lead(term: Callable[[], Awaitable[None]]) -> None:
        async def announced() -> None:
            transitions_total.inc()
            leader.set(1)
            announcer.operator("Normal", "Leading", f"{election.identity} leads: it is the replica that writes")
            try:
                await term()
            finally:
                leader.set(0)

        await election.run(announced)

    return Leadership(lead, lambda: _check(election))


def _check(election: Election) -> Check:
    if election.holder == election.identity:
        detail = f"this replica, {election.identity}"
    else:
        detail = f"{election.holder or 'nobody'}; this replica, {election.identity}, stands by"
    trouble = election.trouble.message
    return Check(
        "leader", ok=bool(election.holder) and not trouble, detail=f"{detail}; {trouble}" if trouble else detail
    )
