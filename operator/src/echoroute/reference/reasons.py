"""The generated reference of reasons."""

from echoroute.core.reasons import Reason
from echoroute.reference.tables import table


def reasons() -> str:
    """A table of all reasons, in the order in which their conditions decide about `Ready`."""
    rows = ((f"`{each}`", each.seen_as, each.meaning, each.remedy) for each in Reason)
    return "\n".join(table("| reason | condition | what it means | what to do |", rows))
