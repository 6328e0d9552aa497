"""Schedules made up from seeds: some in each run, many by `make simulate`. Bugs that are planted are found by them."""

from collections.abc import Callable

import pytest
from echoroute.core.facts import Programmed
from echoroute.core.objects import Key
from echoroute.engine.progress import Progress
from echoroute.engine.queue import Priority
from echoroute.engine.writer import rhythm
from echoroute.engine.writer.gateway_lane import GatewayLane

from .schedules import play

Plant = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.parametrize("seed", range(12))
def test_a_schedule_ends_well(seed: int) -> None:
    assert play(seed) == []


def _no_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists that fail are repeated at once."""
    monkeypatch.setattr(rhythm, "FLOOR", 0.5)


def _said_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """A generation is called programmed when its write is sent."""
    sent = Progress.sent

    def too_early(self: Progress, key: Key) -> None:
        sent(self, key)
        self.settle(key, self.revision(key), Programmed(), Priority.CHANGE)

    monkeypatch.setattr(Progress, "sent", too_early)


def _given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has failed is not tried again."""
    monkeypatch.setattr(GatewayLane, "_retry", lambda self, item, trouble, *, at_least=0.0: None)


@pytest.mark.parametrize("plant", [_no_floor, _said_too_early, _given_up])
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    assert any(play(seed) for seed in range(100)), plant.__doc__
