"""Schedules with two replicas: all that happens to one operator, and freezes, kills, stops and cut wires besides."""

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar

from echoroute.core.brake import Held
from echoroute.core.objects import Key

from ..kube.leases import DURATION
from .replica import Both, Replica
from .schedules import Schedule
from .watched import WatchedWorld

_MISHAPS = 0.25
"""The share of steps that are about a replica."""


@dataclass
class SharedWorld(WatchedWorld):
    """A world of replicas: what one of them is told is nobody else's, and a breach of one is one of all."""

    both: Both = field(init=False)

    def __post_init__(self) -> None:
        self.both = Both(self.cluster, self.gateway)
        self.rules = self.both.new_rules()


@dataclass
class Replicated(Schedule):
    """One cluster and one gateway, with two replicas."""

    worlds: ClassVar = SharedWorld
    world: SharedWorld
    _heard: dict[Key, list[Replica]] = field(default_factory=dict)
    """Who could hear of the last deletion of each EchoRoute."""

    @property
    def both(self) -> Both:
        return self.world.both

    @property
    def has_ended(self) -> bool:
        return not self.both.replicas or any(replica.has_ended for replica in self.both.replicas)

    @property
    def held(self) -> Held | None:
        writers = (replica.engine.writer for replica in self.both.replicas)
        return next((writer.deletions._held for writer in writers if writer), None)

    def may_be_held(self, key: Key) -> bool:
        """Who leads may have come after the deletion, though a standby knows of it."""
        leader_heard = any(replica.leads for replica in self._heard.get(key, ()))
        return super().may_be_held(key) or (self.held is not None and not leader_heard)

    def start(self) -> None:
        while len(self.both.replicas) < 2:
            self.both.start()

    async def stop(self) -> None:
        for replica in list(self.both.replicas):
            await self._end(replica, release=True)

    async def _end(self, replica: Replica, *, release: bool) -> None:
        others = [other for other in self.both.replicas if other is not replica]
        self.excused |= any(not set(others).intersection(self._heard.get(key, ())) for key in self.left)
        await replica.end(release=release)

    async def restart(self) -> None:
        """End one of them, or kill it, and start another one."""
        await self._end(self.chance.choice(self.both.replicas), release=self.chance.random() < 0.5)
        self.start()

    async def succeed(self) -> None:
        """The leader is killed, and the other one takes over."""
        for replica in [replica for replica in self.both.replicas if replica.leads]:
            await self._end(replica, release=False)
        await asyncio.sleep(DURATION)
        self.start()

    async def set_token(self, token: str) -> None:
        self.both.confirm_deletion = token
        await self.stop()
        self.start()

    def _end_life(self, key: Key) -> None:
        if self.asked.get(key, "elsewhere") != "elsewhere":
            self._heard[key] = [replica for replica in self.both.replicas if replica.engine.lists.listed]
        super()._end_life(key)

    def _hears(self) -> bool:
        return any(replica.engine.lists.listed for replica in self.both.replicas)

    def restore_cluster(self) -> None:
        super().restore_cluster()
        for replica in self.both.replicas:
            replica.thaw()  # who sleeps until the versions are where they were cannot tell
            replica.rules.told.go_back()
            replica.rules.unsure_until = self.rules.unsure_until

    async def step(self) -> None:
        if self.chance.random() > _MISHAPS:
            await super().step()
            return
        replica = self.chance.choice(self.both.replicas)
        match self.chance.choice(["freeze", "freeze", "wake", "wake", "cut", "mend", "lose answers", "restart"]):
            case "freeze":
                replica.freeze()
            case "wake":
                replica.thaw()
            case "cut":
                replica.lease.cut = True
            case "mend":
                replica.lease.cut = not replica.freezer.awake.is_set()
                replica.lease.answers_lost = False
            case "lose answers":
                replica.lease.answers_lost = True
            case _:
                await self.restart()

    def heal(self) -> None:
        super().heal()
        for replica in self.both.replicas:
            replica.lease.answers_lost = False
            replica.thaw()
