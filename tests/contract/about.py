"""What APISIX's messages are about: the fields they name and the kind of complaint, not their wording.

The order in which APISIX finds errors, and some of its wording, differ from one start to the next.
"""

import re

# A name in a message: of a property, a plugin, an id in brackets, an unknown field.
_SUBJECTS = re.compile(
    r'property "(?P<property>[^"]*)"'
    r"|item (?P<item>\d+)"
    r"|(?:configuration of plugin|for plugin|unknown plugin) \[?(?P<plugin>[\w-]+)"
    r"|\[(?P<id>[\w.-]+)\]"
    r"|additional properties forbidden, found (?P<unknown>[\w-]+)"
    r"|failed to validate (?P<member>\S+) \(matching"
    r"|forbidden:\s+(?P<forbidden>[\w.]+)"
    r"|`(?P<quoted>\w+)`"
)
# The complaints, each by words that APISIX says for it.
_COMPLAINTS = (
    "wrong type", "string too short", "string too long", "to be at least", "to be at most", "to be greater than",
    "is required", "matches none of the enum values", "should match only one schema", "matches none of the required",
    "wasn't supposed to match", "failed to match pattern", "expected unique items", "expect array to have at least",
    "expect object to have at least", "additional properties forbidden", "property is forbidden", "invalid operator",
    "invalid expression", "should be wrapped inside brackets", "rule too short", "then clause did not match",
    "else clause did not match", "invalid regex", "even number", "missing key", "invalid port", "invalid request body",
    "missing configurations", "maximum size", "only one of", "can not set '*'", "can't be empty", "failed to fetch",
    "still using it", "do not need it", "failed to load", "unknown plugin", "invalid plugin conf",
    "failed to check token", "missing apikey", "wrong apikey", "invalid method for role", "Unsupported resource type",
    "Key not found", "missing route id", "wrong route id", "missing upstream id", "wrong upstream id",
)  # fmt: skip

# Where two things are wrong, or two of a set are missing, either may be named: one of these for each.
EITHER = {
    205: ({"read"}, {"send"}),
    273: ({"methods", "1"}, {"priority"}, {"nosuch"}),
}


def subjects(message: str) -> list[str]:
    """The names in a message, in order: `upstream`, `timeout`, `connect` for a bad connect timeout."""
    return [
        next(filter(None, found.groupdict().values())) for found in _SUBJECTS.finditer(message) if any(found.groups())
    ]


def complaints(message: str) -> list[str]:
    """What a message complains of; never empty, so that an unknown complaint is noticed."""
    found = [complaint for complaint in _COMPLAINTS if complaint in message]
    return found or [f"unknown complaint: {message}"]


def disagreement(n: int, recorded: str, answered: str) -> str | None:
    """How the messages of exchange `n` are about different things; None when they are about the same."""
    if n in EITHER:
        names = set(subjects(answered))
        same = any(expected <= names for expected in EITHER[n])
    else:
        same = subjects(recorded) == subjects(answered) and complaints(recorded) == complaints(answered)
    return None if same else f"the message is about something else: {answered!r}, recorded: {recorded!r}"
