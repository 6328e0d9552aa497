"""The state as code sees it: read, waited for, and heard of."""

import os
import threading
import time

import pytest
from consul_init import Registered, Settings, State, consul_lifespan
from consul_init.log import LOGGER
from consul_init.registration import FoundInstance
from consul_init.state import REGISTERED, Observed
from starlette.applications import Starlette

from .fake_consul import wait_for

PASSING = frozenset({State.PASSING})


def test_waiting_for_it(settings, consul):
    """What a readiness probe means by `passing`."""
    consul.status, consul.output = "critical", "HTTP GET: 503"
    with Registered(settings, handle_signals=False) as registered:
        assert registered.wait_registered(30)
        assert not registered.wait_passing(0.2)
        assert (registered.state, registered.output) == (State.CRITICAL, "HTTP GET: 503")
        consul.status = "passing"
        assert registered.wait_passing(30)
        assert registered.state is State.PASSING
    assert registered.state is State.LEFT
    assert not registered.wait_registered(None), "it never will be again: no wait without end"


def test_who_waits_is_woken_when_it_leaves(settings, consul):
    consul.status = "critical"
    with Registered(settings, handle_signals=False) as registered:
        outcome: list[bool] = []
        waiting = threading.Thread(target=lambda: outcome.append(registered.wait_passing(None)))
        waiting.start()
        assert registered.wait_registered(30)
        registered.leave()
        waiting.join(5 * 1.0)
        assert outcome == [False]


async def test_each_change_is_heard_of_once_and_a_failing_listener_stops_nothing(settings, consul, caplog):
    heard: list[tuple[State, str]] = []

    def on_change(state: State, output: str) -> None:
        heard.append((state, output))
        raise ValueError("a mistake of the application's")

    app = Starlette(lifespan=consul_lifespan(settings=settings, on_change=on_change))
    async with app.router.lifespan_context(app):
        wait_for(lambda: (State.PASSING, consul.output) in heard)
    assert [state for state, _ in heard] == [State.PASSING, State.LEFT]
    assert "on_change failed" in caplog.text


@pytest.mark.parametrize(
    ("variables", "state"), [({"SERVICE_REGISTER": "false"}, State.OFF), ({}, State.WAITING)], ids=["off", "waiting"]
)
def test_where_nothing_is_registered_here(settings, variables, state):
    with Registered(settings, handle_signals=False):
        other = Settings.from_env(variables) if variables else settings
        with Registered(other, handle_signals=False) as registered:
            assert registered.state is state
            assert not registered.wait_registered(None if state is State.OFF else 0.1), "no wait without end"


def test_maintenance_is_no_traffic():
    """Somebody who operates the cluster has taken it out, with `consul maint`."""
    observed = Observed(LOGGER)
    observed.notice(
        FoundInstance(
            name="a", address="b", port=1, tags=(), meta={}, status="maintenance", node="node1", checks={}, output=""
        )
    )
    assert observed.wait_for(REGISTERED, 0)
    assert not observed.wait_for(PASSING, 0)


def test_a_ready_that_is_asked_before_anything_is_registered(settings, consul):
    ready = [False]
    with Registered(settings, handle_signals=False, ready=lambda: ready[0]) as registered:
        assert not registered.wait_registered(0.3)
        ready[0] = True
        assert registered.wait_registered(30)


def test_a_forked_child_that_leaves_the_block_waits_for_nothing_and_deregisters_nothing(settings, consul):
    with Registered(settings) as registered:
        assert registered.wait_registered(30)
        child = os.fork()
        if child == 0:
            began = time.monotonic()
            registered.__exit__(None, None, None)
            os._exit(0 if time.monotonic() - began < 3 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert list(consul.held) == ["echo-10.0.0.7-8000"]
