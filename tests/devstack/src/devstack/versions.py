"""Versions of programs, as they print them themselves."""

import re
from dataclasses import dataclass

_VERSION = re.compile(r"\bv?(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, order=True, slots=True)
class Version:
    major: int
    minor: int
    patch: int = 0

    @classmethod
    def find(cls, text: str) -> "Version | None":
        """The first `1.2.3` or `v1.2.3` in a text; suffixes (`-rc.1`, `+ent`) are left out."""
        match = _VERSION.search(text)
        return None if match is None else cls(*(int(number) for number in match.groups()))

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"
