"""What stands between brackets."""

import re

from echoroute.api.regex.escapes import IN_A_CLASS, SETS, escape

_SET, _SOME = -1, -2
"""In the place of a character: several, and one that is not known here."""
_POSIX = re.compile(r"\[([:.=])(\^?[^\]\\]{0,32})\1\]").match
_POSIX_NAMES = (
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
)  # fmt: skip

Item = tuple[int, int, str | None]
"""Where it ends, the character that it is, and what is wrong with it."""


def character_class(pattern: str, start: int) -> tuple[int, str | None]:
    """Where the class that begins at a '[' ends, and what is wrong with it."""
    outside = _POSIX(pattern, start)
    if outside is not None:
        return outside.end(), f"'{outside[0]}' at {start + 1} must stand in a class: '[[:alpha:]]'"
    at = first = start + 1 + pattern.startswith("^", start + 1)
    before: tuple[int, int] | None = None  # what a range may begin with: its place, and the character
    while at < len(pattern):
        if pattern[at] == "]" and at > first:  # as the first one it stands for itself
            return at + 1, None
        is_range = pattern[at] == "-" and not pattern.startswith("]", at + 1)
        begins, smaller = before if before and is_range else (at, None)
        at, item, wrong = _item(pattern, at + (smaller is not None))
        if smaller is not None:
            wrong = wrong or _range(pattern[begins:at], smaller, item, begins)
        if wrong is not None:
            return at, wrong
        before = None if smaller is not None else (begins, item)
    return at, f"'[' at {start + 1} has no ']'"


def _item(pattern: str, at: int) -> Item:
    posix = _POSIX(pattern, at)
    if posix is not None:
        known = posix[1] == ":" and posix[2].removeprefix("^") in _POSIX_NAMES
        return posix.end(), _SET, None if known else f"'{posix[0]}' at {at + 1} is no class that PCRE knows"
    if pattern[at : at + 1] == "\\":
        escaped = escape(pattern, at, IN_A_CLASS)
        several = pattern[at + 1 : at + 2] in SETS
        return escaped.end, _SET if several else _SOME if escaped.character is None else escaped.character, escaped.flaw
    character = pattern[at : at + 1]
    return at + 1, ord(character) if character and character.isascii() else _SOME, None


def _range(text: str, first: int, last: int, at: int) -> str | None:
    if _SET in {first, last}:
        return f"'{text}' at {at + 1} is a range of more than two characters; write '-' as the last one"
    backwards = _SOME not in {first, last} and first > last
    return f"'{text}' at {at + 1} must have the smaller character first" if backwards else None
