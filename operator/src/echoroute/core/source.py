"""What a source of EchoRoutes gives beside the objects: complete lists, and the place that they come from."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from echoroute.core.objects import Key
from echoroute.core.seen import Seen


@dataclass(slots=True)
class Listing:
    """A complete list: the version that it was made at, the version of every object, and what was read of them."""

    version: int = 0
    versions: dict[Key, int] = field(default_factory=dict)
    objects: list[Seen] = field(default_factory=list)


class Origin(Protocol):
    """Where EchoRoutes come from, as it is now: the CRD in a cluster, the folder in file mode.

    When it goes, its EchoRoutes go with it, and nobody asked for that.
    """

    @property
    def identity(self) -> str:
        """What tells it apart from another one, and from another life of it."""
        ...

    @property
    def stands(self) -> bool:
        """Whether it is there to stay; otherwise nothing is deleted."""
        ...

    @property
    def complete(self) -> bool:
        """Whether all of it could be read; otherwise nothing counts as missing."""
        ...

    def explains(self, created: datetime) -> bool:
        """Whether an EchoRoute that was created at `created` lived in this origin, so that its deletion was meant."""
        ...

    def doubt(self, oldest_owned: datetime | None) -> str | None:
        """Why its EchoRoutes may not be all that were meant, judged by the oldest gateway object that is ours."""
        ...
