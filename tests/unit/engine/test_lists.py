"""Complete lists of the EchoRoutes: what is read for one counts at once, whatever becomes of the rest of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from echoroute.core.objects import JsonObject, Key
from echoroute.core.seen import Seen
from echoroute.core.source import Listing
from echoroute.engine.lists import EchoRouteLists
from echoroute.engine.store import Store, Transition
from echoroute.engine.watching import Watching
from echoroute.errors import SourceError

from .sides import seen

BACKENDS: list[JsonObject] = [{"service": "echo"}]
CART, PAY = Key("shop", "cart"), Key("shop", "pay")


async def answer() -> None: ...


async def fail() -> None:
    raise SourceError("connection reset", status=0)


@dataclass
class Kept:
    """EchoRoutes, cart before pay; `pay` is awaited before a read of the second one is answered."""

    objects: dict[Key, Seen] = field(default_factory=dict)
    version: int = 0
    pay: Callable[[], Awaitable[None]] = answer
    deletions_are_told: bool = True

    def put(self, *names: str, version: int) -> None:
        self.version = version
        self.objects |= {Key("shop", name): seen(name, version, BACKENDS) for name in names}

    async def list(self, *, metadata_only: bool) -> Listing:
        read = [] if metadata_only else list(self.objects.values())
        return Listing(self.version, {key: one.version for key, one in self.objects.items()}, read)

    async def read(self, key: Key) -> Seen | None:
        if key == PAY:
            await self.pay()
        return self.objects.get(key)


@dataclass
class World:
    kept: Kept
    store: Store
    lists: EchoRouteLists
    followed: list[Transition]


async def listed_once() -> World:
    """Both were listed; since then cart has gone, as an event told, and both were applied."""
    kept, store, followed = Kept(), Store(), list[Transition]()
    watching = Watching()
    watching.tells_from = float("-inf")
    clock = asyncio.get_running_loop().time
    lists = EchoRouteLists(lister=kept, store=store, clock=clock, follow=followed.append, watching=watching)
    kept.put("cart", "pay", version=1)
    assert await lists.refresh()
    store.offer(seen("cart", 2, None))
    assert store.ended(CART)
    kept.put("cart", "pay", version=3)
    followed.clear()
    return World(kept, store, lists, followed)


async def test_what_was_read_counts_though_the_next_read_fails() -> None:
    """Or the deletion of its life before would explain why it is gone, once it is."""
    world = await listed_once()
    world.kept.pay = fail
    assert not await world.lists.refresh()
    assert world.store.version(CART) == 3
    assert [transition.key for transition in world.followed] == [CART]
    assert world.store.ended(CART) is None
    del world.kept.objects[CART]
    world.kept.version, world.kept.pay = 4, answer
    assert await world.lists.refresh()
    assert world.store.get(CART) is None
    assert world.store.ended(CART) is None, "nobody told of the end of this life: it needs a second list"


async def test_what_was_read_counts_before_the_next_read_is_answered() -> None:
    """A status that is computed meanwhile would be of what was there before."""
    world = await listed_once()
    asked, go = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        asked.set()
        await go.wait()

    world.kept.pay = wait
    listing = asyncio.create_task(world.lists.refresh())
    await asked.wait()
    assert world.store.version(CART) == 3
    assert [transition.key for transition in world.followed] == [CART]
    assert world.store.is_unread(PAY)
    go.set()
    assert await listing
    assert [transition.key for transition in world.followed] == [CART, PAY], "each once"


async def test_a_list_brings_back_what_the_one_before_lacked() -> None:
    world = await listed_once()
    assert await world.lists.refresh()
    found = world.kept.objects.pop(PAY)
    world.kept.version = 4
    assert await world.lists.refresh()
    assert world.store.get(PAY) is None
    world.kept.objects[PAY] = found
    assert await world.lists.refresh()
    assert world.store.get(PAY) == found.entry, "its version is older than the list that lacked it"


@pytest.mark.parametrize("error", [KeyError("hidden"), TimeoutError("hidden")], ids=repr)
async def test_whatever_a_list_raises_puts_off_lists_alone(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """A bug must not end the process; what it says may hold values of users."""
    world = await listed_once()

    async def raise_() -> None:
        raise error

    world.kept.pay = raise_
    began = world.lists.began
    running = asyncio.create_task(world.lists.run(0.05))
    await asyncio.sleep(0.02)
    assert world.lists.trouble.message, "it counts as a list that failed"
    assert world.lists.began == began
    assert type(error).__name__ in caplog.text
    assert "hidden" not in caplog.text
    world.kept.pay = answer
    await asyncio.sleep(0.3)
    assert not running.done()
    assert world.lists.trouble.message == ""
    assert world.lists.began > began, "it goes on after the backoff"
    running.cancel()
