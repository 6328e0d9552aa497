"""Elections under whatever happens to renewals, watches and processes: never two that may write, in the end one."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from .electing import World, played
from .leases import DURATION


async def _act(world: World, fault: str, number: int) -> None:
    """Let something happen to the newest process of a pod."""
    replica = [each for each in world.replicas if each.pod == f"pod-{number}"][-1]
    match fault:
        case "kill":
            await replica.kill()
        case "stop":
            await replica.stop()
        case "start" if replica.task.done():
            world.start(replica.pod)
        case "heal":
            replica.client.cut = replica.client.answers_lost = replica.client.deaf = False
        case "cut" | "answers_lost" | "deaf":
            setattr(replica.client, fault, True)


_FAULTS = st.sampled_from(["cut", "answers_lost", "deaf", "heal", "kill", "stop", "start"])


@given(st.lists(st.tuples(_FAULTS, st.integers(0, 2), st.floats(0.0, 20.0)), max_size=25))
def test_whatever_happens_no_two_may_write_and_in_the_end_one_does(schedule: list[tuple[str, int, float]]) -> None:
    async def play(world: World) -> None:
        for number in range(3):
            world.start(f"pod-{number}")
        for fault, number, pause in schedule:
            await _act(world, fault, number)
            await asyncio.sleep(pause)
        for number in range(3):
            await _act(world, "heal", number)
            await _act(world, "start", number)
        await world.until(lambda: len(world.writers()) == 1, 4 * DURATION)

    played(play)
