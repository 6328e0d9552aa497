"""What stands behind an opening bracket."""

import re
from typing import NamedTuple

from echoroute.api.regex.references import NAME

_VERBS = "ACCEPT|COMMIT|FAIL|F|MARK|PRUNE|SKIP|THEN"
_SETTINGS = (
    "UTF8?|UCP|NOTEMPTY(?:_ATSTART)?|NO_[A-Z_]+|LIMIT_[A-Z]+=[0-9]+|CR|LF|CRLF|ANY|ANYCRLF|NUL|BSR_[A-Z]+|"
    "CASELESS_RESTRICT|TURKISH_CASING"
)
_OPTIONS = r"\^?[imsxnJUraDSWPT]*(?:-[imsxnJUraDSWPT]*)?"
_AHEAD = "pla|nla|napla|positive_lookahead|negative_lookahead|non_atomic_positive_lookahead"
_BEHIND = "plb|nlb|naplb|positive_lookbehind|negative_lookbehind|non_atomic_positive_lookbehind"
_PLAIN = "atomic|sr|asr|script_run|atomic_script_run|scan_substring|scs"
_TARGET = rf"(?P<group>[+-]?[0-9]+)|<(?P<angled>{NAME})>|'(?P<quoted>{NAME})'"

_HEAD = re.compile(
    rf"""
      (?P<capture>   \((?!\?|\*[A-Za-z:]) | \(\?(?:P?<(?P<name>{NAME})>|'(?P<name_too>{NAME})') )
    | (?P<comment>   \(\?\#[^)]*\) )
    | (?P<verb>      \(\*(?:(?:{_VERBS})(?::[^)]*)?|:[^)]+)\) )
    | (?P<setting>   \(\?(?:{_OPTIONS}|C[^)]*)\) | \(\*(?:{_SETTINGS})\) )
    | (?P<reference> \(\?(?:R|&(?P<called>{NAME})|P[>=](?P<named>{NAME})|(?P<number>[+-]?[0-9]+))\) )
    | (?P<condition> \(\?(?:(?=\(\?|\(\*)|\((?:{_TARGET}|R[0-9]*|R&{NAME}|{NAME}|VERSION>?=[0-9.]+)\)) )
    | (?P<behind>    \(\?<[=!*] | \(\*(?:{_BEHIND}): )
    | (?P<ahead>     \(\?[=!*] | \(\*(?:{_AHEAD}): )
    | (?P<plain>     \(\?(?:[|>]|(?:{_OPTIONS}):) | \(\*(?:{_PLAIN}): )
    """,
    re.VERBOSE,
).match


class Head(NamedTuple):
    """How a group begins: the kind, where that ends, the group that it refers to, and the name that it gives itself."""

    kind: str
    end: int
    group: str | None = None
    name: str | None = None


_TARGETS = ("group", "angled", "quoted", "called", "named", "number")


def head(pattern: str, at: int) -> Head | None:
    """What begins at a '('; None where PCRE knows nothing that begins so."""
    found = _HEAD(pattern, at)
    if found is None:
        return None
    kind, end = str(found.lastgroup), found.end()
    if end == at + 1:
        return Head(kind, end)
    target = next((found[one] for one in _TARGETS if found[one] is not None), None)
    return Head(kind, end, target, found["name"] or found["name_too"])
