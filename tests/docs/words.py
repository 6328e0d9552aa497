"""Words of ours that the field has a better word for. docs/glossary.md explains the field's."""

import re

REPLACED = {
    r"left-?overs?\b": "orphan",
    r"\bway out\b|\bways out\b": "egress",
    r"\bteam's leave\b|\bwith(?:out)? leave\b": "approval",
    r"\bleaves? before the stop\b|\bleaves well\b": "deregister",
    r"\btells? of\b|\btold of\b": "shows, reports, describes",
    r"\bmakes? of it\b": "turns it into",
    r"\bit is worth that\b": "it pays off",
    r"\brounds? running\b": "consecutive rounds",
    r"\bas told\b": "as described",
    r"\b(?:the|its) rooms?\b": "layer, package",
    r"\bworth an alert\b": "alert on",
}

_PATTERNS = {re.compile(pattern, re.IGNORECASE): better for pattern, better in REPLACED.items()}


def found_in(text: str) -> list[str]:
    """Each replaced word in a text, with the word to use."""
    return [f"{match[0]!r}: {better}" for pattern, better in _PATTERNS.items() for match in pattern.finditer(text)]
