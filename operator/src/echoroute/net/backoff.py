"""Exponential backoff with full jitter on the upper half: retries of many keys must not march in step."""

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Delays in seconds: first, twice that, and so on up to the limit, each shortened by up to a half at random."""

    first: float
    limit: float
    _failures: dict[object, int] = field(default_factory=dict)

    def next(self, key: object = None) -> float:
        """The delay before the next try, one step longer than the one before."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(self.limit, self.first * 2.0 ** min(failures, 60))
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing

    def reset(self, key: object = None) -> None:
        """Start over: the key has succeeded, or is gone."""
        self._failures.pop(key, None)
