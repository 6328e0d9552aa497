"""Text that somebody else chose, made fit to be shown."""

import re

# Cc: control characters, C1 too (a terminal takes them for commands). Zl, Zp: line breaks. The rest changes the order
# in which a line is read (Unicode's bidirectional controls), or is nothing to see. And halves of characters.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""The text in one line, as it is read: hidden characters as `\u009b`, which JSON's strings know, too."""
    return _HIDDEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def escaped_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(map(escaped, text.split("\n")))


def counted(number: int, thing: str) -> str:
    """`1 instance`, `2 instances`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
