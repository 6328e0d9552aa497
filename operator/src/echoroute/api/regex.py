"""Whether a regular expression can be one at all, for places where the gateway takes a broken one without a word.

APISIX compiles the patterns of expressions when a request comes: a broken one never matches, and negated it always
does. Only PCRE itself can judge all of PCRE. This looks at what people get wrong: brackets, and what is repeated.
"""

import re

_COUNT = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_MOST_REPEATS = 65_535
_ASIDE = re.compile(r"\(\*[A-Za-z_][^)]*\)|\(\?#[^)]*\)")  # a verb or a comment
_HEAD = re.compile(r"\(\?[^()]?")  # what follows says which kind of group it is
_EXTENDED = re.compile(r"\(\?[A-Za-z]*x")  # has comments, in which brackets mean nothing
_PLACES = "bBAzZG"  # escapes that stand for a place and not for a character
_POSIX_CLASS = re.compile(r"\[([:.=])[^\]\\]*\1\]")


def flaw(pattern: str) -> str | None:
    """What is wrong with a pattern, with the place (from 1); None where nothing is that this can see."""
    return None if _EXTENDED.search(pattern) else _Scan(pattern).run()


class _Scan:
    """One walk over a pattern, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._open: list[int] = []
        self._repeatable = False
        self._repeated = False  # then '?' and '+' say how

    def run(self) -> str | None:
        while self._at < len(self._pattern):
            wrong = self._step(self._pattern[self._at])
            if wrong is not None:
                return wrong
        return f"'(' at {self._open[-1] + 1} has no ')'" if self._open else None

    def _step(self, character: str) -> str | None:
        wrong = None
        match character:
            case "\\":
                wrong = self._escape()
            case "[":
                wrong = self._class()
            case "(":
                self._group()
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

    def _take(self, length: int, *, repeatable: bool = True, repeated: bool = False) -> None:
        self._at += length
        self._repeatable, self._repeated = repeatable, repeated

    def _escape(self) -> str | None:
        if self._at + 1 == len(self._pattern):
            return "it ends with a single '\\'"
        escaped = self._pattern[self._at + 1]
        if escaped == "Q":
            end = self._pattern.find("\\E", self._at)
            self._take((len(self._pattern) if end < 0 else end + 2) - self._at)
        else:
            self._take(2, repeatable=escaped not in _PLACES)
        return None

    def _class(self) -> str | None:
        start = self._at
        at = start + 1 + self._pattern.startswith("^", start + 1)
        at += self._pattern.startswith("]", at)  # as the first character it stands for itself
        while at < len(self._pattern) and self._pattern[at] != "]":
            named = _POSIX_CLASS.match(self._pattern, at)
            at = named.end() if named else at + (2 if self._pattern[at] == "\\" else 1)
        if at >= len(self._pattern):
            return f"'[' at {start + 1} has no ']'"
        self._take(at + 1 - start)
        return None

    def _group(self) -> None:
        aside = _ASIDE.match(self._pattern, self._at)
        if aside is None:
            self._open.append(self._at)
        start = aside or _HEAD.match(self._pattern, self._at)
        self._take(len(start.group()) if start else 1, repeatable=False)

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
        if not self._repeatable:
            return f"'{character}' at {self._at + 1} has nothing before it to repeat"
        self._take(1, repeatable=False, repeated=True)
        return None

    def _count(self, count: re.Match[str]) -> str | None:
        least = int(count[1])
        most = int(count[3]) if count[3] else least
        if not self._repeatable:
            return f"'{count[0]}' at {self._at + 1} has nothing before it to repeat"
        if max(least, most) > _MOST_REPEATS or most < least:
            return f"'{count[0]}' at {self._at + 1} must have numbers up to {_MOST_REPEATS:,}, the smaller one first"
        self._take(len(count[0]), repeatable=False, repeated=True)
        return None
