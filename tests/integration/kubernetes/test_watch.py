"""kopf's watch beside a real API server: who waits for it hears at once that it has ended, and ends it at once."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from devstack.echoroutes import create, create_with_plugins, route
from devstack.handles.answers import at
from devstack.handles.kube import Kube
from devstack.product import install
from devstack.stack import Stack
from echoroute.kube.account import Account
from echoroute.kube.watch import Watch

_PATIENCE = 4.0
"""Seconds: kopf gives 5 s to tasks that outlive what has ended it."""
_NESTED = '{"mocking": {"a": ' + "[" * 3_000 + "]" * 3_000 + "}}"
"""Plugins that are nested deeper than kopf's parser goes."""


@pytest.fixture
def kube(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Kube:
    install(stack)
    monkeypatch.setenv("KUBECONFIG", str(stack.kubeconfig))
    return stack.kube


def _kopf_runs() -> bool:
    return any(thread.name == "kopf" for thread in threading.enumerate())


async def _until(holds: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - kopf is in another thread
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_what_ends_kopf_is_known_at_once(kube: Kube, namespace: str, when: str) -> None:
    """Until somebody knows, nothing finds changes but the rounds."""
    seen: list[str] = []
    create(kube, [route("watched", namespace, "/watched")])
    if when == "before":
        create_with_plugins(kube, "deep", namespace, "/deep", _NESTED)
    watch = Watch(await Account.open(), lambda raw, _: seen.append(str(at(raw, "metadata", "name"))), [namespace])
    running = asyncio.create_task(watch.run())
    if when == "meanwhile":
        await _until(lambda: "watched" in seen, 30)
        create_with_plugins(kube, "deep", namespace, "/deep", _NESTED)
    began = time.monotonic()
    with pytest.raises(Exception, match="RecursionError"):
        await asyncio.wait_for(running, 30)
    assert time.monotonic() - began < _PATIENCE
    await _until(lambda: not _kopf_runs(), _PATIENCE)


async def test_who_ends_the_watch_ends_kopf_at_once(kube: Kube, namespace: str) -> None:
    seen: list[str] = []
    create(kube, [route("watched", namespace, "/watched")])
    watch = Watch(await Account.open(), lambda raw, _: seen.append(str(at(raw, "metadata", "name"))), [namespace])
    running = asyncio.create_task(watch.run())
    await _until(lambda: "watched" in seen, 30)
    assert _kopf_runs()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await _until(lambda: not _kopf_runs(), _PATIENCE)


async def test_a_watch_that_is_ended_before_it_has_begun_leaves_nothing(kube: Kube, namespace: str) -> None:
    watch = Watch(await Account.open(), lambda raw, deleted: None, [namespace])
    running = asyncio.create_task(watch.run())
    await asyncio.sleep(0)  # its thread is started, and kopf's loop is not
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await _until(lambda: not _kopf_runs(), _PATIENCE)
