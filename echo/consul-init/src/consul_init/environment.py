"""Reading variables: one place for 'not set', durations, flags and lists, and for how a mistake is told."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from consul_init.durations import parse_duration
from consul_init.errors import SettingsError

Choice = TypeVar("Choice", bound=StrEnum)

_YES = frozenset({"1", "t", "true", "yes", "on"})
_NO = frozenset({"0", "f", "false", "no", "off"})
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Environment:
    """Variables by name. Each method raises SettingsError with the variable's name in front."""

    variables: Mapping[str, str]

    def get(self, variable: str) -> str | None:
        """The value without space around it; None when it is not set or empty."""
        value = self.variables.get(variable, "").strip()
        if not is_unicode(value):  # os.environ has bytes that are no UTF-8 as half characters, which cannot be sent
            raise SettingsError(variable, "(not shown) is no UTF-8")
        return value or None

    def with_defaults(self, defaults: Mapping[str, str]) -> "Environment":
        """The same, with values for what is not set."""
        return Environment({**defaults, **{name: value for name, value in self.variables.items() if value.strip()}})

    def require(self, variable: str, meaning: str) -> str:
        """The value, which must be there."""
        value = self.get(variable)
        if value is None:
            raise SettingsError(variable, f"is not set: {meaning}")
        return value

    def duration(self, variable: str, default: float) -> float:
        """Seconds of a duration such as `500ms` or `2s`."""
        text = self.get(variable)
        if text is None:
            return default
        try:
            return parse_duration(text)
        except ValueError as error:
            raise SettingsError(variable, f"is wrong: {error}") from None

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

    def number(self, variable: str) -> int | None:
        """A whole number; None when it is not set."""
        text = self.get(variable)
        if text is not None and not _NUMBER.fullmatch(text):
            raise SettingsError(variable, f"is {text[:20]!r}: it must be a whole number of nine digits at most")
        return None if text is None else int(text)

    def choice(self, variable: str, choices: type[Choice], default: Choice) -> Choice:
        """One of a few words."""
        text = self.get(variable)
        try:
            return default if text is None else choices(text.lower())
        except ValueError:
            known = ", ".join(each.value for each in choices)
            raise SettingsError(variable, f"is {text!r}: it must be one of {known}") from None

    def items(self, variable: str) -> tuple[str, ...]:
        """The parts of a list, in their order: separated by commas, empty ones left out, or a JSON list of strings."""
        text = self.get(variable) or ""
        if not _is_json(text):
            return tuple(part.strip() for part in text.split(",") if part.strip())
        found = _json(variable, text)
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise SettingsError(variable, 'is no list of strings: write ["a", "b,c"], or a,b')
        return tuple(found)

    def pairs(self, variable: str) -> tuple[tuple[str, str], ...]:
        """Keys and values: `key=value,key=value`, or a JSON object of strings."""
        if _is_json(self.get(variable) or ""):
            return tuple(self.mapping(variable).items())
        parts = [(item, *item.partition("=")) for item in self.items(variable)]
        for item, _key, equals, _value in parts:
            if not equals:
                raise SettingsError(variable, f"has {item!r}: write key=value,key=value or a JSON object")
        return tuple((key, value) for _item, key, _equals, value in parts)

    def mapping(self, variable: str) -> dict[str, str]:
        """A JSON object of strings. No value is shown."""
        text = self.get(variable)
        found = {} if text is None else _json(variable, text)
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            raise SettingsError(variable, 'is no object of strings: write {"key": "value"}')
        return found

    def file(self, variable: str) -> str | None:
        """The path of a file, which must be readable now."""
        path = self.get(variable)
        if path is not None and not os.access(path, os.R_OK):
            raise SettingsError(variable, f"is {path!r}: there is no such file, or it cannot be read")
        return path


def is_unicode(text: str) -> bool:
    """Whether it can be sent: Python's strings can hold halves of characters."""
    return not any("\ud800" <= each <= "\udfff" for each in text)


def _is_json(text: str) -> bool:
    return text.startswith(("[", "{"))


def _json(variable: str, text: str) -> object:
    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _value in found]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise SettingsError(variable, f"has the key {twice!r} twice")
        return dict(found)

    try:
        found: object = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise SettingsError(variable, f"is no JSON: {error}") from None
    return found
