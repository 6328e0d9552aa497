"""The folder as a source: lists, the watch, and what it says of what is missing."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from echoroute.core.objects import Key
from echoroute.errors import FolderError
from echoroute.folder import echoroutes, files
from echoroute.folder.echoroutes import FolderEchoRoutes

ONE = "apiVersion: echoroute.dev/v1alpha1\nkind: EchoRoute\nmetadata: {name: %s}\nspec: {}\n---\n"
A, B = Key("default", "a"), Key("default", "b")


class World:
    """A folder, what the watch told of it, and how often it asked for a round."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = FolderEchoRoutes(folder, gateway_class="apisix")
        self.offered: list[Key] = []
        self.rounds = 0

    def write(self, name: str, *keys: Key, text: str = "", age: float = 60.0) -> None:
        file = self.folder / name
        file.write_text(text or "".join(ONE % key.name for key in keys))
        os.utime(file, (time.time() - age, time.time() - age))

    async def keys(self) -> set[Key]:
        return set((await self.source.list(metadata_only=False)).versions)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        def compare() -> None:
            self.rounds += 1

        watch = asyncio.create_task(self.source.watch(lambda seen: self.offered.append(seen.key), compare))
        yield
        watch.cancel()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():  # noqa: ASYNC110 - files have no events here
                await asyncio.sleep(0.01)

    async def until_rounds(self, count: int) -> None:
        await self.until(lambda: self.rounds >= count)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(echoroutes, "POLL", 0.02)
    for module in (echoroutes, files):
        monkeypatch.setattr(module, "SETTLE", 0.05)
    return World(tmp_path)


async def test_the_first_list_waits_for_what_is_being_written(world: World) -> None:
    world.write("a.yaml", A)
    world.write("b.yaml", B, age=0.0)
    assert await world.keys() == {A, B}


async def test_a_list_made_later_does_not_wait(world: World) -> None:
    world.write("a.yaml", A)
    await world.keys()
    world.write("b.yaml", B)
    assert await world.keys() == {A}
    origin = await world.source.read_origin()
    assert origin is not None
    assert not origin.complete, "something is being written: nothing counts as missing"


async def test_the_watch_tells_of_changes_and_asks_for_two_rounds_where_something_is_gone(world: World) -> None:
    world.write("a.yaml", A)
    await world.keys()
    async with world.watching():
        world.write("b.yaml", B)
        await world.until(lambda: B in world.offered)
        assert world.rounds == 0, "a change needs no round"
        (world.folder / "a.yaml").unlink()
        await world.until_rounds(2)
        await asyncio.sleep(0.2)
    assert world.rounds == 2
    assert await world.keys() == {B}


async def test_what_another_scan_has_found_is_told_by_the_watch(world: World) -> None:
    """The engine asks for the origin before a deletion: a change seen by that must not wait for the next round."""
    world.write("a.yaml", A)
    await world.keys()
    world.write("b.yaml", B)
    await world.source.read_origin()
    await asyncio.sleep(0.06)
    await world.source.read_origin()
    async with world.watching():
        await asyncio.sleep(0.05)
    assert B in world.offered


async def test_a_folder_that_comes_back_is_compared_at_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.write("a.yaml", A)
    await world.keys()
    away = world.folder.with_name("away")
    async with world.watching():
        world.folder.rename(away)
        await asyncio.sleep(0.2)
        assert "cannot be read" in world.source.problems()
        with pytest.raises(FolderError):
            await world.source.list(metadata_only=True)
        assert await world.source.read_origin() is None, "nothing is deleted"
        assert world.rounds == 0
        away.rename(world.folder)
        await world.until_rounds(2)
    assert world.source.problems() == ""
    assert caplog.text.count("cannot be read") == 1, "said once, not each second"
    assert [one.key for one in (await world.source.list(metadata_only=True)).objects] == [A]


async def test_a_broken_file_makes_it_incomplete_until_it_is_mended(world: World) -> None:
    world.write("a.yaml", A)
    world.write("b.yaml", text="a: [")
    await world.keys()
    origin = await world.source.read_origin()
    assert origin is not None
    assert (origin.stands, origin.complete, origin.empty) == (True, False, False)
    assert "b.yaml is not YAML" in world.source.problems()
    async with world.watching():
        world.write("b.yaml", B)
        await world.until_rounds(2)
    origin = await world.source.read_origin()
    assert origin is not None
    assert origin.complete


async def test_a_name_that_is_no_unicode_is_written_out(world: World) -> None:
    """It stands in statuses and on the page, which are JSON."""
    world.write("a.yaml", A)
    world.write(os.fsdecode(b"\xff.yaml"), A)
    [seen] = (await world.source.list(metadata_only=False)).objects
    assert seen.entry is not None
    assert seen.entry.fault == r"stands more than once, in \udcff.yaml, a.yaml; keep one"
    await world.source.patch_status(A, seen.entry.uid, {"message": seen.entry.fault})
    assert [file.name for file in world.source.page().folder.files] == [r"\udcff.yaml", "a.yaml"]
    assert world.source.page().model_dump_json()


@pytest.mark.parametrize("oldest", [None, datetime(2026, 1, 1, tzinfo=UTC)])
async def test_a_folder_without_an_echoroute_is_in_doubt(world: World, oldest: datetime | None) -> None:
    await world.keys()
    origin = await world.source.read_origin()
    assert origin is not None
    assert origin.doubt(oldest) == f"the folder {world.folder} has no EchoRoute (is it mounted?)"
    assert not origin.explains(datetime.now(UTC)), "there are no delete events"
    world.write("a.yaml", A)
    await asyncio.sleep(0)
    await world.source.read_origin()
    await asyncio.sleep(0.06)
    origin = await world.source.read_origin()
    assert origin is not None
    assert origin.doubt(oldest) is None
