"""What a pattern refers to: groups by number, from the place of the reference on, or by name."""

import re
from dataclasses import dataclass, field

NAME = r"[A-Za-z_]\w*"
_NOWHERE = 10**9  # more groups than a pattern has
_number = re.compile(r"([+-]?)([0-9]+)").fullmatch


@dataclass(slots=True)
class References:
    """The groups of a pattern so far, and what it refers to. Where groups share a number, more are counted than are."""

    groups: int = 0
    names: set[str] = field(default_factory=set)
    _wanted: list[tuple[int | str, str, int]] = field(default_factory=list)

    def add(self, target: str, text: str, at: int) -> None:
        """Refer to a group. `text` is how the pattern says it, `at` its place."""
        number = _number(target)
        if number is None:
            self._wanted.append((target, text, at))
            return
        sign, distance = number[1], int(number[2])
        # Counted from here, forward to groups that may come, and back to those that were.
        wanted = {"": distance, "+": self.groups + distance, "-": self.groups - distance + 1}[sign]
        self._wanted.append((wanted if wanted > 0 or not sign else _NOWHERE, text, at))

    def flaw(self) -> str | None:
        """The first reference to a group that the pattern has not, once all of it was read."""
        for wanted, text, at in self._wanted:
            there = wanted in self.names if isinstance(wanted, str) else wanted <= self.groups
            if not there:
                return f"'{text}' at {at + 1} refers to a group that is not there"
        return None
