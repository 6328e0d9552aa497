"""A Lease in memory, and the ways to it, which fail one by one."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

from echoroute.errors import KubernetesError
from echoroute.kube.lease import Lease

DURATION = 15.0


@dataclass
class Server:
    """The API server's Lease, and who watches it."""

    lease: Lease | None = None
    version: int = 0
    watchers: set[asyncio.Queue[Lease | None]] = field(default_factory=set)

    def write(self, lease: Lease | None) -> None:
        self.version += 1
        self.lease = replace(lease, version=self.version) if lease else None
        for watcher in self.watchers:
            watcher.put_nowait(self.lease)


class Client:
    """One replica's way to the server. Implements `Leases`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.cut = False
        """Requests are not answered, and do not arrive."""
        self.answers_lost = False
        """Requests arrive, and are not answered."""
        self.deaf = False
        """The watch tells of nothing."""

    async def _arrive(self) -> None:
        if self.cut:
            await asyncio.sleep(1000)
        await asyncio.sleep(0.001)

    async def _answer(self) -> Lease:
        if self.answers_lost:
            await asyncio.sleep(1000)
        await asyncio.sleep(0.001)
        assert self._server.lease is not None
        return self._server.lease

    async def read(self) -> Lease | None:
        await self._arrive()
        return self._server.lease

    async def watch(self, since: Lease | None) -> AsyncGenerator[Lease | None]:
        await self._arrive()
        events: asyncio.Queue[Lease | None] = asyncio.Queue()
        if self._server.lease is not None and since != self._server.lease:
            events.put_nowait(self._server.lease)
        self._server.watchers.add(events)
        try:
            while True:
                event = await events.get()
                if self.cut:
                    await asyncio.sleep(2 * DURATION)
                    raise KubernetesError("silence", status=0)
                if not self.deaf:
                    yield event
        finally:
            self._server.watchers.discard(events)

    async def take(self, before: Lease | None, holder: str) -> Lease:
        transitions = before.transitions + 1 if before else 0
        return await self._replace(before, Lease(holder, DURATION, transitions, 0))

    async def renew(self, before: Lease) -> Lease:
        return await self._replace(before, before)

    async def release(self, before: Lease) -> Lease:
        return await self._replace(before, replace(before, holder=""))

    async def _replace(self, before: Lease | None, after: Lease) -> Lease:
        await self._arrive()
        now = self._server.lease
        if before is not None and now is None:
            raise KubernetesError("not found", status=404)
        if now is not None and (before is None or before.version != now.version):
            raise KubernetesError("another version", status=409)
        self._server.write(after)
        return await self._answer()
