"""Shares of requests: patterns that take exactly their part, and sums that are right."""

import re
from itertools import pairwise

import pytest
from echoroute.core.shares import PARTS, pattern, shares, thresholds
from hypothesis import given
from hypothesis import strategies as st

_PREFIXES = [f"{value:03x}" for value in range(PARTS)]
_weights = st.lists(st.integers(1, 1_000_000) | st.sampled_from([1, 10, 90, 1_000_000]), min_size=1, max_size=16)


def test_each_pattern_takes_exactly_the_prefixes_below_its_threshold():
    text = "\n".join(_PREFIXES)
    for threshold in range(1, PARTS):
        found = re.compile(pattern(threshold), re.MULTILINE).findall(text)
        # So many, and none of those from the threshold on.
        assert len(found) == threshold
        assert re.compile(pattern(threshold), re.MULTILINE).search(text, 4 * threshold) is None, threshold


@pytest.mark.parametrize("threshold", [1, 15, 16, 17, 255, 256, 257, 410, 2047, 2048, 3000, 3840, 4080, 4095])
def test_of_a_whole_id_the_first_three_digits_count(threshold):
    matches = re.compile(pattern(threshold)).search
    ids = [f"{prefix}00000000{prefix}" for prefix in _PREFIXES]
    assert [id_ for id_ in ids if matches(id_)] == ids[:threshold]


def test_each_pattern_is_short_and_of_its_own():
    patterns = [pattern(threshold) for threshold in range(1, PARTS)]
    assert max(map(len, patterns)) <= 34
    assert len(set(patterns)) == PARTS - 1, "nginx keeps 8,192 compiled ones for all routes"


def test_the_pattern_of_a_tenth():
    assert pattern(410) == "^(?:0|1[0-8]|19[0-9])"


@pytest.mark.parametrize(
    ("why", "weights", "expected"),
    [
        ("one has all", [7], [4096]),
        ("halves", [1, 1], [2048, 2048]),
        ("of equal remainders the earlier one gets the rest", [1, 1, 1], [1366, 1365, 1365]),
        ("a tenth", [90, 10], [3686, 410]),
        ("the largest remainder gets it, wherever it is", [10, 90], [410, 3686]),
        ("four", [40, 30, 20, 10], [1638, 1229, 819, 410]),
        ("what would be nothing is 1, taken from the largest", [1, 1_000_000], [1, 4095]),
        ("each of them", [1, 1_000_000, 1, 1], [1, 4093, 1, 1]),
        ("sixteen", [1] * 16, [256] * 16),
    ],
)
def test_shares(why, weights, expected):
    assert shares(weights) == expected, why


@given(_weights)
def test_shares_are_all_and_each_has_some(weights):
    parts = shares(weights)
    assert sum(parts) == PARTS
    assert min(parts) >= 1
    exact = [PARTS * weight / sum(weights) for weight in weights]
    raised = sum(share < 1 for share in exact)  # taken from the largest
    assert all(share - 1 - raised < part < share + 1 or part == 1 for part, share in zip(parts, exact, strict=True))


@given(_weights)
def test_rules_in_order_give_each_its_share(weights):
    """As the gateway reads them: the first that holds decides, and the first backend takes the rest."""
    bounds = thresholds(weights)
    assert all(low < high for low, high in pairwise([0, *bounds, PARTS]))
    rules = [re.compile(pattern(bound)).search for bound in bounds]
    taken = [0] * len(weights)
    for prefix in _PREFIXES:
        winner = next((at for at, holds in enumerate(rules, start=1) if holds(prefix)), 0)
        taken[winner] += 1
    assert taken == shares(weights)
