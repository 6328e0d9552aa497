"""What stands behind a backslash."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from echoroute.api.regex.references import NAME

PLACES = "bBAzZGK"
"""Escapes that stand for a place and not for a character."""
SETS = "dDsSwWhHvVpP"
"""Escapes that stand for one of several characters."""

_GENERAL_CATEGORIES = (
    "c cc cf cn co cs l l& lc ll lm lo lt lu m mc me mn n nd nl no p pc pd pe pf pi po ps s sc sk sm so z zl zp zs "
    "any xan xps xsp xuc xwd"
)
_SCRIPTS_OF_BYTES = "latin latn common zyyy"
_PROPERTIES = frozenset(f"{_GENERAL_CATEGORIES} {_SCRIPTS_OF_BYTES}".split())
_LARGEST_BYTE = 0xFF
_utf = re.compile(r"(?:\(\*[A-Z_=0-9]+\))*\(\*UTF").match


class Escape(NamedTuple):
    """One escape: where it ends, what is wrong with it, the group that it refers to, and the character that it is."""

    end: int
    flaw: str | None = None
    group: str | None = None
    character: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where escapes stand: letters that PCRE does not know there, and how those go on that need more than a letter.

    PCRE2 takes blanks inside braces from 10.43 on.
    """

    unknown: str
    forms: dict[str, re.Pattern[str]]


def _forms(**forms: str) -> dict[str, re.Pattern[str]]:
    return {letter: re.compile(form) for letters, form in forms.items() for letter in letters}


_CHARACTERS = _forms(
    pP=r"\\[pP](?:\{(?P<name>[^}]*)\}|(?P<letter>[A-Za-z]))",
    x=r"\\x(?:\{ *(?P<hex>[0-9A-Fa-f]+) *\}|(?P<two>[0-9A-Fa-f]{1,2})|(?!\{))",
    o=r"\\o\{ *(?P<octal>[0-7]+) *\}",
    c=r"\\c[ -~]",
)
_DIGITS = {digit: re.compile(r"\\(?P<digits>[0-9]+)") for digit in "123456789"}
_REFERENCES = _forms(
    g=rf"\\g(?:\{{ *(?P<braced>[+-]?[0-9]+|{NAME}) *\}}|(?P<bare>[+-]?[0-9]+)|<(?P<angled>[^>]+)>|'(?P<quoted>[^']+)')",
    k=rf"\\k(?:\{{ *(?P<braced>{NAME}) *\}}|<(?P<angled>{NAME})>|'(?P<quoted>{NAME})')",
    N=r"\\N(?:(?!\{)|(?=\{[0-9, ]+\})|\{U\+(?P<unicode>[0-9A-Fa-f]+)\})",
)
_UNKNOWN = "ijmqyIJMOTYlLuUF"
IN_A_CLASS = Place(_UNKNOWN + "kzABCGKNRXZ", _CHARACTERS)
OUTSIDE = Place(_UNKNOWN, _CHARACTERS | _DIGITS | _REFERENCES)


def escape(pattern: str, at: int, place: Place) -> Escape:
    """The escape at a backslash."""
    letter = pattern[at + 1 : at + 2]
    if not letter:
        return Escape(at + 1, "it ends with a single '\\'")
    form = place.forms.get(letter)
    found = form.match(pattern, at) if form else None
    end = found.end() if found else at + 2
    if letter in place.unknown or (form and not found):
        return Escape(end, f"'{pattern[at:end]}' at {at + 1} is no escape that PCRE knows here")
    if found is None:
        return Escape(end, character=ord(letter) if letter.isascii() and not letter.isalnum() else None)
    return _judged(end, found, at, utf=_utf(pattern) is not None)


def _judged(end: int, found: re.Match[str], at: int, *, utf: bool) -> Escape:
    parts = {name: part for name, part in found.groupdict().items() if part is not None}
    shown = f"'{found[0]}' at {at + 1}"
    name = re.sub(r"[ _^-]", "", parts.get("name", parts.get("letter", "any"))).lower()
    if name not in _PROPERTIES and not utf:
        return Escape(end, f"{shown} must have a general category, such as \\p{{L}} or \\p{{Lu}}: bytes are compared")
    character = _character(parts)
    if not utf and ("unicode" in parts or (character or 0) > _LARGEST_BYTE):
        return Escape(end, f"{shown} is above \\xff or by its Unicode number: bytes are compared")
    return Escape(end, None, _group(parts), character)


def _character(parts: dict[str, str]) -> int | None:
    for part, base in (("hex", 16), ("two", 16), ("octal", 8)):
        if part in parts:
            return int(parts[part], base)
    return None


def _group(parts: dict[str, str]) -> str | None:
    """What it refers to: a number from 10 to 79 may be an octal one."""
    digits = parts.get("digits", "")
    if digits:
        return digits if len(digits) == 1 or digits[0] in "89" else None
    return next((parts[part] for part in ("braced", "bare", "angled", "quoted") if part in parts), None)
