"""What is told to people beside statuses, metrics and logs: transitions, and what concerns the operator itself."""

from typing import Literal, Protocol

from echoroute.core.objects import JsonObject, Key

Severity = Literal["Normal", "Warning"]


class Announcer(Protocol):
    """Kubernetes Events in a cluster, log lines without one. No method waits or raises."""

    def transition(self, key: Key, uid: str, before: JsonObject, after: JsonObject, expected: bool) -> None:
        """A status was written: `before` and `after` are whole statuses.

        `expected`: it is one of many, or of an object from before this term. Then nobody waits for its first Ready.
        """
        ...

    def contested(self, key: Key) -> None:
        """Somebody else keeps changing the key's gateway objects."""
        ...

    def operator(self, severity: Severity, reason: str, message: str) -> None:
        """Something about the operator itself: an outage, its end, held deletions."""
        ...
