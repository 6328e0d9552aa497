"""One walk over a pattern, from left to right."""

import re

from echoroute.api.regex.classes import character_class
from echoroute.api.regex.escapes import OUTSIDE, PLACES, escape
from echoroute.api.regex.groups import head
from echoroute.api.regex.references import References

_COUNT = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_MOST_REPEATS = 65_535
_CLOSED = {"verb", "setting", "reference"}
"""Kinds of brackets that nothing stands in."""
_has_comments = re.compile(r"\(\?[\^A-Za-z-]*x").search
_quote = re.compile(r"\\[QE]").search
_plain = re.compile(r"[^\\\[()*+?{|^$]*").match  # what stands for itself


def flaw(pattern: str) -> str | None:
    """What is wrong with a pattern, with the place (from 1); None where nothing is that this can see."""
    bracket = pattern.find("[")
    # In comments, and in what is quoted in a class, brackets mean nothing.
    beyond = _has_comments(pattern) or (bracket >= 0 and _quote(pattern, bracket))
    return None if beyond else _Scan(pattern).run()


class _Scan:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._open: list[tuple[int, bool]] = []  # where, and whether what is in there needs an end to its length
        self._repeatable = False
        self._repeated = False  # then '?' and '+' say how
        self._references = References()

    def run(self) -> str | None:
        while self._take_plain() < len(self._pattern):
            wrong = self._step(self._pattern[self._at])
            if wrong is not None:
                return wrong
        if self._open:
            return f"'(' at {self._open[-1][0] + 1} has no ')'"
        return self._references.flaw()

    def _step(self, character: str) -> str | None:
        wrong = None
        match character:
            case "\\":
                wrong = self._escape()
            case "[":
                end, wrong = character_class(self._pattern, self._at)
                self._take(end - self._at)
            case "(":
                wrong = self._group()
            case ")":
                wrong = self._end_of_group()
            case "*" | "+" | "?":
                wrong = self._repeat(character)
            case "{" if count := _COUNT.match(self._pattern, self._at):
                wrong = self._count(count)
            case "|" | "^" | "$":
                self._take(1, repeatable=False)
            case _:
                self._take(1)
        return wrong

    def _take_plain(self) -> int:
        plain = _plain(self._pattern, self._at)
        if plain is not None and plain[0]:
            self._take(plain.end() - self._at)
        return self._at

    def _take(self, length: int, *, repeatable: bool = True, repeated: bool = False) -> None:
        self._at += length
        self._repeatable, self._repeated = repeatable, repeated

    def _escape(self) -> str | None:
        escaped = self._pattern[self._at + 1 : self._at + 2]
        if escaped == "Q":
            end = self._pattern.find("\\E", self._at)
            self._take((len(self._pattern) if end < 0 else end + 2) - self._at)
            return None
        if escaped == "E":  # closes nothing, and is nothing
            self._at += 2
            return None
        found = escape(self._pattern, self._at, OUTSIDE)
        if found.group is not None:
            self._references.add(found.group, self._pattern[self._at : found.end], self._at)
        self._take(found.end - self._at, repeatable=escaped not in PLACES)
        return found.flaw

    def _group(self) -> str | None:
        found = head(self._pattern, self._at)
        if found is None:
            return f"'{self._pattern[self._at : self._at + 4]}' at {self._at + 1} begins no group that PCRE knows"
        start, text = self._at, self._pattern[self._at : found.end]
        if found.kind == "comment":
            self._at = found.end
            return None
        self._take(found.end - start, repeatable=found.kind in {"reference", "verb"})
        if found.group is not None:
            self._references.add(found.group, text, start)
        if found.kind == "capture":
            self._references.groups += 1
            self._references.names.update([found.name] if found.name else ())
        if found.kind not in _CLOSED:
            inherits = found.kind in {"capture", "plain"} and bool(self._open) and self._open[-1][1]
            self._open.append((start, found.kind == "behind" or inherits))
        return None

    def _end_of_group(self) -> str | None:
        if not self._open:
            return f"')' at {self._at + 1} has no '('"
        self._open.pop()
        self._take(1)
        return None

    def _repeat(self, character: str) -> str | None:
        if self._repeated and character != "*":
            self._take(1, repeatable=False)  # lazy or possessive
            return None
        return self._repeats(character, without_end=character != "?")

    def _count(self, count: re.Match[str]) -> str | None:
        least = int(count[1])
        most = int(count[3]) if count[3] else least
        if self._repeatable and (max(least, most) > _MOST_REPEATS or most < least):
            return f"'{count[0]}' at {self._at + 1} must have numbers up to {_MOST_REPEATS:,}, the smaller one first"
        return self._repeats(count[0], without_end=count[2] == ",")

    def _repeats(self, text: str, *, without_end: bool) -> str | None:
        if not self._repeatable:
            return f"'{text}' at {self._at + 1} has nothing before it to repeat"
        if without_end and self._open and self._open[-1][1]:
            return f"'{text}' at {self._at + 1} has no end, and stands in a lookbehind, which needs one"
        self._take(len(text), repeatable=False, repeated=True)
        return None
