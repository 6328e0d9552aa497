"""Reading variables: one place for 'not set', durations, flags and lists, and for how a mistake is told."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from consul_init.durations import parse_duration
from consul_init.errors import SettingsError

_YES = frozenset({"1", "t", "true", "yes", "on"})
_NO = frozenset({"0", "f", "false", "no", "off"})


@dataclass(frozen=True)
class Environment:
    """Variables by name. Each method raises SettingsError with the variable's name in front."""

    variables: Mapping[str, str]

    def get(self, variable: str) -> str | None:
        """The value without space around it; None when it is not set or empty."""
        return self.variables.get(variable, "").strip() or None

    def with_defaults(self, defaults: Mapping[str, str]) -> "Environment":
        """The same, with values for what is not set."""
        return Environment({**defaults, **{name: value for name, value in self.variables.items() if value.strip()}})

    def require(self, variable: str, meaning: str) -> str:
        """The value, which must be there."""
        value = self.get(variable)
        if value is None:
            raise SettingsError(variable, f"is not set: {meaning}")
        return value

    def duration(self, variable: str, default: float, *, at_least: float = 0.0) -> float:
        """Seconds of a duration such as `500ms` or `2s`."""
        text = self.get(variable)
        if text is None:
            return default
        try:
            seconds = parse_duration(text)
        except ValueError as error:
            raise SettingsError(variable, f"is wrong: {error}") from None
        if seconds < at_least:
            raise SettingsError(variable, f"is {text!r}: it must be at least {at_least:g}s")
        return seconds

    def flag(self, variable: str, *, default: bool) -> bool:
        """A yes or no, as Go's strconv.ParseBool reads it, and the words people write."""
        text = self.get(variable)
        if text is None:
            return default
        if text.lower() in _YES:
            return True
        if text.lower() in _NO:
            return False
        raise SettingsError(variable, f"is {text!r}: write true or false")

    def items(self, variable: str) -> tuple[str, ...]:
        """The parts of a list separated by commas, in their order; empty parts are left out."""
        return tuple(part.strip() for part in (self.get(variable) or "").split(",") if part.strip())

    def file(self, variable: str) -> str | None:
        """The path of a file, which must be readable now."""
        path = self.get(variable)
        if path is not None and not os.access(path, os.R_OK):
            raise SettingsError(variable, f"is {path!r}: there is no such file, or it cannot be read")
        return path
