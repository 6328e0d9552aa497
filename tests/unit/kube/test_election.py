"""Elections against a Lease in memory, in virtual time: who leads, from when on, and never two at once."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import NamedTuple

import pytest
from echoroute.kube.election import Election
from echoroute.kube.lease import Lease
from echoroute.net.fence import LONGEST_LEASE, Fence

from .electing import A_MOMENT, DEADLINE, RENEW, Replica, World, played
from .leases import DURATION, Client, Server


async def _two(world: World) -> tuple[Replica, Replica]:
    first = world.start("first")
    await world.until(lambda: first.leads, A_MOMENT)
    second = world.start("second")
    await asyncio.sleep(60)
    assert first.leads
    assert not second.leads
    return first, second


async def stopped(world: World) -> None:
    first, second = await _two(world)
    await first.stop()
    assert await world.until(lambda: second.leads, 0.5) < 0.5


async def killed(world: World) -> None:
    first, second = await _two(world)
    await first.kill()
    took = await world.until(lambda: second.leads, DURATION + A_MOMENT)
    assert took > DEADLINE


async def killed_with_a_deaf_watch(world: World) -> None:
    first, second = await _two(world)
    second.client.deaf = True
    await asyncio.sleep(40)
    assert first.leads
    await first.kill()
    await world.until(lambda: second.leads, 2 * DURATION)


async def cut_off(world: World) -> None:
    first, second = await _two(world)
    first.client.cut = True
    await world.until(lambda: not first.fence.is_open, DEADLINE + A_MOMENT)
    await world.until(lambda: not first.leads, A_MOMENT)
    await world.until(lambda: second.leads, DURATION)
    first.client.cut = False
    await world.never(lambda: first.leads, 100)
    assert second.leads


async def nobody_reaches_the_server(world: World) -> None:
    first, second = await _two(world)
    first.client.cut = second.client.cut = True
    await world.until(lambda: not first.fence.is_open, DEADLINE + A_MOMENT)
    await world.never(lambda: bool(world.writers()), 100)
    first.client.cut = second.client.cut = False
    await world.until(lambda: len(world.writers()) == 1, DURATION)


async def a_short_outage(world: World) -> None:
    first, second = await _two(world)
    first.client.cut = second.client.cut = True
    await asyncio.sleep(DEADLINE - RENEW - 1)
    first.client.cut = second.client.cut = False
    await world.never(lambda: not first.leads, 60)


async def deleted(world: World) -> None:
    first, _ = await _two(world)
    for _ in range(5):
        world.server.write(None)
        await world.never(lambda: not first.leads, 7.3)
    assert world.server.lease is not None


async def deleted_while_the_leader_is_cut_off(world: World) -> None:
    first, second = await _two(world)
    first.client.cut = True
    world.server.write(None)
    await world.until(lambda: second.leads, DURATION + A_MOMENT)


async def deleted_as_another_one_starts(world: World) -> None:
    first = world.start("first")
    await world.until(lambda: first.leads, A_MOMENT)
    await asyncio.sleep(2 * RENEW + RENEW / 2)
    world.server.write(None)
    second = world.start("second")
    await world.until(lambda: second.leads, A_MOMENT)
    await world.until(lambda: not first.leads, A_MOMENT)


async def given_to_somebody_else(world: World) -> None:
    first, second = await _two(world)
    world.server.write(Lease("somebody", DURATION, 7, 0))
    await world.until(lambda: not first.fence.is_open, A_MOMENT)
    await world.until(lambda: not first.leads, A_MOMENT)
    await world.until(lambda: first.leads or second.leads, DURATION)


async def answers_are_lost(world: World) -> None:
    first, _ = await _two(world)
    first.client.answers_lost = True
    await asyncio.sleep(6)
    first.client.answers_lost = False
    await world.never(lambda: not first.leads, 60)


async def restored_from_a_backup(world: World) -> None:
    first, _ = await _two(world)
    world.server.version = 0
    world.server.lease = Lease("long gone", DURATION, 0, 0)
    await world.until(lambda: not first.leads, RENEW + A_MOMENT)
    await world.until(lambda: len(world.writers()) == 1, DURATION + RENEW)


async def restarted(world: World) -> None:
    first = world.start("pod")
    await world.until(lambda: first.leads, A_MOMENT)
    await first.kill()
    again = world.start("pod")
    assert await world.until(lambda: again.leads, DURATION + A_MOMENT) > DEADLINE


async def the_lease_of_a_dead_one(world: World) -> None:
    world.server.write(Lease("dead", 40.0, 3, 0))
    only = world.start("only")
    await world.never(lambda: only.leads, 39.9)
    await world.until(lambda: only.leads, 0.2)
    assert world.server.lease is not None
    assert world.server.lease.transitions == 4


async def a_lease_without_a_duration(world: World) -> None:
    world.server.write(Lease("odd", 0.0, 0, 0))
    only = world.start("only")
    await world.never(lambda: only.leads, DURATION - 0.1)
    await world.until(lambda: only.leads, 0.2)


async def a_holder_for_ever(world: World) -> None:
    edited = {
        "metadata": {"resourceVersion": "7"},
        "spec": {"holderIdentity": "odd", "leaseDurationSeconds": 2**31 - 1},
    }
    world.server.write(Lease.from_raw(edited))
    only = world.start("only")
    await world.never(lambda: only.leads, LONGEST_LEASE - 0.1)
    await world.until(lambda: only.leads, 0.2)


async def three_at_once(world: World) -> None:
    for pod in ("a", "b", "c"):
        world.start(pod)
    await world.until(lambda: len(world.writers()) == 1, A_MOMENT)
    await world.writers()[0].stop()
    await world.until(lambda: len(world.writers()) == 1, 0.5)


class Case(NamedTuple):
    play: Callable[[World], Coroutine[object, object, None]]
    why: str


CASES = [
    Case(stopped, "it has released the Lease, and a watch tells of that"),
    Case(killed, "nobody released it: it is free when its duration is over, and not before"),
    Case(killed_with_a_deaf_watch, "a connection that died without a word tells of no renewal, and proves nothing"),
    Case(cut_off, "who cannot renew ends its term by itself, before another one begins"),
    Case(nobody_reaches_the_server, "one writer or none: while nobody can hold the Lease nothing is written"),
    Case(a_short_outage, "an outage shorter than the renew deadline costs nobody a term"),
    Case(deleted, "a Lease that was deleted is made again by who held it, and a standby leaves it the time to"),
    Case(deleted_while_the_leader_is_cut_off, "who cannot make it again has its time, and no more"),
    Case(deleted_as_another_one_starts, "who starts knows of nobody's time; who led hears of it at once"),
    Case(given_to_somebody_else, "whoever edits the Lease by hand is believed, as soon as the watch tells"),
    Case(answers_are_lost, "a renewal whose answer was lost has been made, and counts as one once it was read"),
    Case(restored_from_a_backup, "versions that went back are those of another history"),
    Case(restarted, "a container that starts again in its pod is another process"),
    Case(the_lease_of_a_dead_one, "the duration that its holder wrote counts, from when it was seen on"),
    Case(a_lease_without_a_duration, "where the holder wrote none, ours counts"),
    Case(
        a_holder_for_ever, "no replica of ours may lead for longer than the setting allows: so long is waited at most"
    ),
    Case(three_at_once, "of updates of one version one is made"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.play.__name__ for case in CASES])
def test_who_leads(case: Case) -> None:
    played(case.play)


async def test_what_ends_the_work_ends_the_run_and_the_lease_is_released() -> None:
    server = Server()

    async def fails() -> None:
        raise RuntimeError("a bug")

    fence = Fence()
    election = Election(Client(server), identity="me", duration=DURATION, fence=fence)
    with pytest.raises(RuntimeError, match="a bug"):
        await election.run(fails)
    assert server.lease is not None
    assert server.lease.holder == ""
    assert not fence.is_open
