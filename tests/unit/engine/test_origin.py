"""Reads of the CRD: one for all that wait for it, a second apart, and begun after what it is to explain."""

import asyncio
import logging

import pytest
from echoroute.core.objects import Key
from echoroute.engine.writer.deletions import Permit
from echoroute.errors import KubernetesError

from .deleting import CART, CRD, PAY, World


async def test_one_read_serves_all_that_wait(world: World) -> None:
    world.gate.clear()
    for number in range(50):
        key = Key("shop", str(number))
        world.deleted(key)
        world.now += 0.001
        assert world.ask(key, exists=False) is Permit.PENDING
    await asyncio.sleep(0)
    world.gate.set()
    keys = {await world.requeued_key() for _ in range(50)}
    assert world.reads == 1
    assert {world.ask(key, exists=False) for key in keys} == {Permit.GRANTED}


async def test_an_event_during_a_read_needs_another_one(world: World) -> None:
    world.gate.clear()
    world.deleted(CART)
    world.now += 0.1
    world.ask(CART, exists=False)
    await asyncio.sleep(0.01)
    world.now += 2.0
    world.deleted(PAY)
    world.ask(PAY, exists=False)
    world.gate.set()
    assert {await world.requeued_key(), await world.requeued_key()} == {CART, PAY}
    assert world.ask(CART, exists=False) is Permit.GRANTED
    assert await world.permit(PAY) is Permit.GRANTED
    assert world.reads == 2, "the read began before the second event"


async def test_reads_are_a_second_apart(world: World) -> None:
    await world.origin.read()
    world.now += 0.9
    began = asyncio.get_running_loop().time()
    world.ask(CART, exists=True)
    await world.requeued_key()
    assert asyncio.get_running_loop().time() - began >= 0.09


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(KubernetesError("no route to host", status=0), id="the API server is away"),
        pytest.param(ValueError("no route to host"), id="a bug must not end the only reader"),
    ],
)
async def test_a_failed_read_delays_and_denies_nothing(
    world: World, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    world.crd = error
    world.deleted(CART)
    world.now += 0.1
    with caplog.at_level(logging.WARNING):
        assert world.ask(CART, exists=False) is Permit.PENDING
        await asyncio.sleep(0.01)
    assert ("no route to host" if isinstance(error, KubernetesError) else "ValueError, raised here:") in caplog.text
    assert not len(world.queue)
    world.crd, world.now = CRD, world.now + 5.0
    assert await world.requeued_key() == CART
    assert world.ask(CART, exists=False) is Permit.GRANTED
