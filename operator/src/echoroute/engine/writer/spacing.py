"""How soon after a write the next one may be made: of an EchoRoute, and of the nodes of one Upstream.

The first one is made at once, and so is the first change of an Upstream's nodes, whatever else was written of its
EchoRoute. A service that flaps costs each Upstream one write a second, and no Route.
"""

from collections.abc import Callable
from dataclasses import replace

from echoroute.core.changes import Change, Put
from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.core.plan import KeyPlan

OF_A_KEY = 0.5
"""Seconds between two writes of one key: who edits ten times a second is served the newest twice a second."""

OF_NODES = 1.0
"""Seconds between two writes of one Upstream's nodes."""

_MANY = 1_000
"""With the times of more than these, and than twice as many as were left the last time, those that are over are
forgotten: not at each write, of which there may be thousands a second.
"""


class Spacing:
    """`clock` gives the event loop's time in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wrote_at: dict[Key | ObjectRef, float] = {}
        self._most = _MANY

    def due(self, key: Key, plan: KeyPlan) -> tuple[KeyPlan, float]:
        """What of a plan may be done now, and in how many seconds the rest may be (0: there is none)."""
        if plan.writes_route or plan.removes_route:
            pause = self._pause(key, OF_A_KEY)
            return (KeyPlan(), pause) if pause > 0 else (plan, 0.0)
        pauses = [(put, self._pause(put.ref, OF_NODES)) for put in plan.writes]
        now = tuple(put for put, pause in pauses if pause <= 0)
        return replace(plan, writes=now), min((pause for _, pause in pauses if pause > 0), default=0.0)

    def note(self, key: Key, change: Change) -> None:
        """A change is being made."""
        now = self._clock()
        self._wrote_at[change.ref] = now
        if not (isinstance(change, Put) and change.ref.kind is Kind.UPSTREAM):
            self._wrote_at[key] = now
        if len(self._wrote_at) > self._most:
            self._wrote_at = {one: at for one, at in self._wrote_at.items() if at > now - OF_NODES}
            self._most = max(_MANY, 2 * len(self._wrote_at))

    def _pause(self, what: Key | ObjectRef, spacing: float) -> float:
        return self._wrote_at.get(what, float("-inf")) + spacing - self._clock()
