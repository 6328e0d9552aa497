"""Shares of requests without state: whose each of the 4,096 values of a request id's first three hex digits is.

APISIX's own weights are state of a worker, of which little is kept: with 1,000 weighted routes a backend of 10 % got
0.2 % of the requests. A pattern on `$request_id`, which nginx makes up for each request, is exact in the mean for any
number of routes, in each worker, and untouched by writes.
"""

from collections.abc import Sequence
from itertools import accumulate

PARTS = 4096
_DIGITS = "0123456789abcdef"


def shares(weights: Sequence[int]) -> list[int]:
    """The share of each weight in 1/4096, by largest remainder (of equal ones the earlier); in sum 4,096.

    Each gets at least 1, taken from the largest. Weights are above 0, and at most 4,096 of them.
    """
    total = sum(weights)
    parts = [PARTS * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: -(PARTS * weights[at] % total))
    for at in by_remainder[: PARTS - sum(parts)]:
        parts[at] += 1
    for at, part in enumerate(parts):
        if part == 0:
            parts[parts.index(max(parts))] -= 1
            parts[at] = 1
    return parts


def thresholds(weights: Sequence[int]) -> list[int]:
    """For each but the first weight, in order: below which value of 4,096 a request is its, or of one before it.

    The first takes what is left.
    """
    return list(accumulate(shares(weights)[1:]))


def pattern(threshold: int) -> str:
    """A regular expression for ids whose first three hex digits are below a threshold of 1 to 4,095."""
    digits = [threshold >> 8, threshold >> 4 & 15, threshold & 15]
    while digits and digits[-1] == 0:
        digits.pop()
    branches = [
        "".join(_DIGITS[digit] for digit in digits[:place]) + _below(digits[place])
        for place in range(len(digits))
        if digits[place]
    ]
    return f"^(?:{'|'.join(branches)})"


def _below(digit: int) -> str:
    """A class of the hex digits below one that is not 0."""
    last = digit - 1
    if last == 0:
        return "0"
    if last < 10:
        return f"[0-{last}]"
    letters = "a" if last == 10 else f"a-{_DIGITS[last]}"
    return f"[0-9{letters}]"
