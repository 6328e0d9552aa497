"""What decides on deletions, in a world of its own: a clock, an API server with the CRD, lists and delete events."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

from echoroute.core.brake import Verdict
from echoroute.core.changes import Stored
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.core.seen import Entry, Seen
from echoroute.engine.confirmation import Confirmation
from echoroute.engine.origin import OriginReader
from echoroute.engine.queue import Item, Priority, WorkQueue
from echoroute.engine.store import Store
from echoroute.engine.writer.actual import Actual
from echoroute.engine.writer.deletions import Deletions, Permit
from echoroute.kube.echoroutes import Crd

MADE = datetime(2026, 1, 1, tzinfo=UTC)
CRD = Crd(created=MADE, deleting=False, uid="crd-1")
BORN = MADE + timedelta(days=1)
CART, PAY = Key("shop", "cart"), Key("shop", "pay")
ENTRY = Entry(uid="1", generation=1, created=BORN, spec=b"{}", status=b"{}")


class World:
    """A clock that the test turns, an API server that answers with `crd`, and the keys that were queued again."""

    def __init__(self, confirmed: str | None = None) -> None:
        self.now = 100.0
        self.crd: Crd | Exception | None = CRD
        self.reads = 0
        self.others: set[Key] = set()
        self.queue = WorkQueue()
        self.gate = asyncio.Event()
        self.gate.set()
        self.store = Store()
        self.versions = count(1)
        self.origin = OriginReader(self.read_origin, lambda: self.now)
        self.deletions = Deletions(
            store=self.store,
            origin=self.origin,
            queue=self.queue,
            confirmation=Confirmation(confirmed),
            of_others=lambda key: key in self.others,
        )
        self.actual = Actual(lambda body: Key("shop", str(body["name"])), lambda: self.now)

    async def read_origin(self) -> Crd | None:
        self.reads += 1
        answer = self.crd
        await self.gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def requeued_key(self) -> Key:
        item = await asyncio.wait_for(self.queue.get(), 5.0)
        self.queue.done(item.key)
        return item.key

    def ask(
        self, key: Key, *, exists: bool = False, priority: Priority = Priority.CHANGE, removals: Iterable[str] = ("r",)
    ) -> Permit:
        refs = (ObjectRef(Kind.UPSTREAM, name) for name in removals)
        return self.deletions.permit(Item(key, priority), refs, exists=exists)

    async def permit(self, key: Key, *, exists: bool = False) -> Permit:
        """Ask, wait for the read, ask again."""
        assert self.ask(key, exists=exists) is Permit.PENDING
        self.now += 1.5
        assert await self.requeued_key() == key
        return self.ask(key, exists=exists)

    def own(self, *names: str, created: datetime = BORN) -> None:
        listed: dict[ObjectRef, Stored] = {}
        for name in names:
            body: JsonObject = {"name": name}
            listed[ObjectRef(Kind.ROUTE, name)] = Stored(body, int(created.timestamp()), 1)
        self.now += 5.0
        self.actual.replace(listed, began=self.now)

    def deleted(self, key: Key, created: datetime = BORN) -> None:
        """A delete event comes."""
        self.store.offer(Seen(key, next(self.versions), None, ended=created))

    async def judge(self, *existing: str) -> Verdict:
        self.now += 5.0
        version = next(self.versions)
        there = [Seen(Key("shop", name), version, ENTRY) for name in existing]
        self.store.offer_list({seen.key: version for seen in there}, there, version)
        return await self.deletions.judge_orphans(self.actual)


NEW_CRD = Crd(created=BORN + timedelta(days=9), deleting=False, uid="crd-2")
