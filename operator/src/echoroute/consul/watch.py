"""What the follower knows of one service, and what an answer adds to it."""

import asyncio
from enum import Enum, auto
from typing import Final

from echoroute.api.selection import Service
from echoroute.consul.client import Answer
from echoroute.core.instances import Instance

DOUBT: Final = 60.0
"""Seconds for which an empty answer must hold after the index went backwards: a Consul that was restored, or has lost
its data, knows its services again when their agents have told it of them."""

LONG_AGO: Final = float("-inf")


class News(Enum):
    """What an answer means."""

    NONE = auto()
    KNOWN = auto()
    """Other instances than before: they are to be told."""
    DOUBTFUL = auto()
    """No instance any more, in another history: to be believed, if it still holds, at `doubted_until`."""
    UNSURE = auto()
    """Another history, or a loss that may be for want of rights: to be asked for at once, without an index."""


class Watch:
    """One service: what is known of it, and where its next query waits, or is under way."""

    __slots__ = (
        "_newest",
        "_vanished",
        "asked_at",
        "doubted_until",
        "empty_wake_at",
        "index",
        "instances",
        "lane",
        "query",
        "resolved",
        "service",
        "sure",
        "turn_at",
    )

    def __init__(self, service: Service, *, resolved: bool = False) -> None:
        self.service = service
        self.resolved = resolved
        """Whether the operator resolves it, so that its news are in the way of requests."""
        self.instances: tuple[Instance, ...] | None = None
        self.index = 0
        """To wait behind; 0: the next query answers at once."""
        self.sure = False
        """Whether the next query is for the leader."""
        self._newest = 0  # of all answers, whatever failed since
        self.doubted_until = LONG_AGO  # on the loop's clock
        self._vanished = False
        self.empty_wake_at = LONG_AGO
        self.asked_at = LONG_AGO
        self.turn_at: float | None = None
        """When it had its last turn in the rotation."""
        self.lane: object | None = None
        """Where its next query waits, or is under way."""
        self.query: asyncio.Task[None] | None = None

    def fail(self) -> None:
        """No answer came: the next query does not wait, and what was in doubt is asked for again."""
        self.index = 0
        self._vanished = False

    def take(self, answer: Answer, now: float) -> News:
        """Take an answer."""
        waited, self.index = self.index, answer.index
        rewound = answer.index < self._newest
        self._newest = answer.index
        if rewound:
            self.doubted_until = now + DOUBT
            if waited:
                # A restored or new Consul, or a server that lags behind. Waiting for its index to grow past the old one
                # would miss all changes until then.
                self.index = 0
                return News.UNSURE
        if answer.instances is None:
            return News.NONE
        if answer.streamed and self._loses(answer.instances):
            # What the token may not read is left out of a stream without a word. The leader is asked, since another
            # server may lag behind.
            self.index, self.sure = 0, True
            return News.UNSURE
        self.sure = False
        if not answer.instances and self.instances and now < self.doubted_until:
            known, self._vanished = self._vanished, True
            return News.NONE if known else News.DOUBTFUL
        self._vanished = False
        if answer.instances == self.instances:
            return News.NONE
        self.instances = answer.instances
        return News.KNOWN

    def _loses(self, instances: tuple[Instance, ...]) -> bool:
        return not {one.endpoint for one in self.instances or ()} <= {one.endpoint for one in instances}

    def believe(self) -> bool:
        """The doubt ends: whether the service has no instance any more, and that is news."""
        if self._vanished:
            self.instances, self._vanished = (), False
            return True
        return False
