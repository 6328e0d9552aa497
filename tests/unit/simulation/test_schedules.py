"""Schedules made up from seeds: some in each run, many by `make simulate`. Bugs that are planted are found by them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .bugs import (
    Plant,
    a_route_comes_before_its_upstreams,
    a_term_ends_late,
    a_token_is_good_for_names,
    an_outage_repaints,
    an_upstream_goes_though_it_is_named,
    delete_events_after_a_list_are_lost,
    no_floor,
    said_too_early,
    the_first_answer_is_no_news,
)
from .planted import first
from .play import play
from .replicated import Replicated
from .several import Several
from .wide import Wide

_ROOT = Path(__file__).parents[3]


_WENT_WRONG = (1484, 3654, 3893, 4164, 4880, 5126, 5200, 5283, 13161, 13189, 13886, 14030)
"""They did once: by names of holders, two that serve one path, a list that counted twice, was not read or not heard."""
_EDITED_UNDER_WAY = (5657, 6228)
"""They did once: an edit made a spec invalid while its Route was on its way, and another one was let in beside it."""
_KNEW_TOO_LITTLE = (40677, 42410, 42974)
"""They did: a double was withdrawn whose newest write had no answer, and an orphan released that had just come back."""
_BOTH_SERVE = (61444,)
"""It did: of two that serve one path, since the gateway rejects the spec that gave it up, a restart withdrew one."""
_ENDED_TWICE = (73138,)
"""It did: what was deleted again after a restore went by a read of the CRD from before."""
_LEFT = (71926,)
"""It did: what came again was withdrawn for what it had served before a write that had no answer."""
_EDITED_BY_HAND = (143478,)
"""It did: somebody edited the Route of one that the gateway rejects, and only a restart learnt what that serves."""
_TOLD_BY_RULES = (70485, 72138, 72391, 113608)
"""They did, by rules that did not hear what a read says, or who is of another class or in the place of another one."""
_WENT_WRONG_WITH_TWO = (41435, 41776, 41939, 70343, 70488, 73209)
"""By reads that counted after a list, by a list of before a backup, by what a restart gave to others, and by a rule."""
_WENT_WRONG_WITH_SEVERAL = (8, 27, 29, 66, 90292, 90439)
"""By what an outage unsaid after a restart, by a clock that stood still, and by a list between two writes."""
_TOLD_BY_RULES_WITH_SEVERAL = (111432, 112312, 112446, 112645, 113920, 114027, 130084, 135324, 170461)
"""They did, by rules: of what the brake holds, of who waits beside who got its path, and of what is not heard yet."""


_WENT_WRONG_WITH_PATHS = (170524, 170853, 171588, 171904, 172405, 173589, 181026)
"""By an answer that nobody read, a wipe that was learnt of one by one, doubles on one of two paths, and other slots."""
_OF_ONE = (
    *_WENT_WRONG, *_EDITED_UNDER_WAY, *_KNEW_TOO_LITTLE, *_BOTH_SERVE, *_ENDED_TWICE, *_LEFT, *_EDITED_BY_HAND,
    *_TOLD_BY_RULES,
)  # fmt: skip


@pytest.mark.parametrize("seed", [*range(12), *_OF_ONE])
def test_a_schedule_ends_well(seed: int) -> None:
    assert play(seed) == []


@pytest.mark.parametrize("seed", [*range(6), *_WENT_WRONG_WITH_TWO])
def test_a_schedule_with_two_replicas_ends_well(seed: int) -> None:
    assert play(seed, Replicated) == []


@pytest.mark.parametrize("seed", [*range(6), *_WENT_WRONG_WITH_SEVERAL, *_TOLD_BY_RULES_WITH_SEVERAL])
def test_a_schedule_with_several_backends_ends_well(seed: int) -> None:
    assert play(seed, Several) == []


@pytest.mark.parametrize("seed", [*range(6), *_WENT_WRONG_WITH_PATHS])
def test_a_schedule_with_several_paths_ends_well(seed: int) -> None:
    assert play(seed, Wide) == []


@pytest.mark.timeout(600)  # a whole window takes half a minute of CPU, and others may use that, too
@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (no_floor, "two full lists within"),
        (said_too_early, "no answer of the gateway has said so"),
        (an_outage_repaints, "is repainted to False/Gateway"),
        (a_token_is_good_for_names, "without a brake"),
        (delete_events_after_a_list_are_lost, "the brake holds"),
        (a_term_ends_late, "one writes, and another one may"),
        (an_upstream_goes_though_it_is_named, "upstreams"),
        (a_route_comes_before_its_upstreams, "which is not there"),
        (the_first_answer_is_no_news, "with 'version:"),
    ],
)
def test_a_planted_bug_is_found(plant: Plant, told: str) -> None:
    """A window of 100 seeds, until one finds it; `make soak` plants all there are, and looks further."""
    assert first(plant, range(100), told) is not None, plant.__doc__


_TRACE = """
import logging, sys
sys.path.insert(0, "tests")
logging.disable(logging.CRITICAL)
from unit.simulation.play import play
from unit.simulation.schedules import Schedule
from unit.simulation.several import Several
worlds = []
for kind in (Schedule, Several):
    kind.new = lambda seed, new=kind.new: worlds.append(new(seed)) or worlds[-1]
    for seed in (3, 7, 10):
        print(play(seed, kind), worlds[-1].gateway.tried[-20:], worlds[-1].cluster._version)
"""


def test_a_seed_is_enough() -> None:
    """Nothing of a schedule depends on the process or the time of day, so that what went wrong can be looked at."""

    def traced(hashes: str) -> str:
        command = [sys.executable, "-c", _TRACE]
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=_ROOT).stdout

    assert traced("1") == traced("2") != ""
