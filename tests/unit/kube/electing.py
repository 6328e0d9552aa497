"""Replicas of an operator that are elected in virtual time, and what they may never do meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine

from echoroute.kube.election import Election, identity
from echoroute.net.fence import Fence

from ..simulation.virtual_time import run_in_virtual_time
from .leases import DURATION, Client, Server

RENEW = 2.0
DEADLINE = 10.0
A_MOMENT = 0.1


class Replica:
    """One process of the operator, as far as elections are concerned."""

    def __init__(self, server: Server, pod: str) -> None:
        loop = asyncio.get_running_loop()
        self.pod = pod
        self.client = Client(server)
        self.fence = Fence(loop.time)
        self.election = Election(
            self.client, identity=identity(pod), duration=DURATION, fence=self.fence, clock=loop.time
        )
        self.leads = False
        self.task = asyncio.create_task(self.election.run(self._lead))

    async def _lead(self) -> None:
        self.leads = True
        try:
            await asyncio.Event().wait()
        finally:
            self.leads = False

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def kill(self) -> None:
        """No request of it arrives any more, a release neither."""
        self.client.cut = True
        await self.stop()


class World:
    """Replicas of one server, and what was ever seen: two that may write are an error at once."""

    def __init__(self) -> None:
        self.server = Server()
        self.replicas: list[Replica] = []
        self.violations: list[str] = []

    def start(self, pod: str) -> Replica:
        self.replicas.append(Replica(self.server, pod))
        return self.replicas[-1]

    def writers(self) -> list[Replica]:
        return [each for each in self.replicas if each.fence.is_open]

    async def look(self) -> None:
        while True:
            if len(self.writers()) > 1:
                self.violations.append(f"at {asyncio.get_running_loop().time():.2f} s two may write")
            for each in self.replicas:
                if each.leads and not each.fence.is_open and not each.task.done():
                    # A timer has its resolution: longer than that nobody works on behind a closed fence.
                    await asyncio.sleep(A_MOMENT)
                    if each.leads and not each.fence.is_open:
                        self.violations.append(f"{each.pod} works though it may not write")
            await asyncio.sleep(0.05)

    async def until(self, true: Callable[[], bool], within: float) -> float:
        """Wait for it; gives the seconds that it took."""
        began = asyncio.get_running_loop().time()
        while not true():
            assert asyncio.get_running_loop().time() - began < within, f"not within {within:g} s"
            await asyncio.sleep(0.01)
        return asyncio.get_running_loop().time() - began

    async def never(self, true: Callable[[], bool], within: float) -> None:
        ends = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < ends:
            assert not true()
            await asyncio.sleep(0.01)


def played(play: Callable[[World], Coroutine[object, object, None]]) -> World:
    async def whole() -> World:
        world = World()
        looking = asyncio.create_task(world.look())
        try:
            await play(world)
        finally:
            looking.cancel()
            for each in world.replicas:
                await each.stop()
        return world

    world = run_in_virtual_time(whole())
    assert not world.violations
    return world
