"""How far the gateway has followed each EchoRoute: the only owner of that, with a few transitions and no other way.

Each transition marks the key's status, so that no path can forget to.

    begin ──▶ sent ──▶ settle(Programmed)           the gateway is as asked
      │         ├────▶ settle(Failed)               rejected (tried again rarely), or a foreign object
      │         └────▶ fail                         an outage, or a failure of this key alone: tried again
      │         └────▶ untaken ──▶ miss             a write of it alone failed, and a list shows no Route of it
      ├──────────────▶ wait                         what it needs is not known: tried again when it is
      └──────────────▶ settle                       found as asked, or nothing is to be done for it
    end                                             the EchoRoute is gone
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from echoroute.core.facts import Failed, Programmed, Unreached
from echoroute.core.objects import Key
from echoroute.engine.queue import Priority


@dataclass(slots=True)
class Step:
    """Where one EchoRoute is. A new spec or a new verdict is a new `revision`, for which nothing is settled yet."""

    revision: int
    begun: float
    sent: float | None = None
    """When its first write of this revision was sent; times are the event loop's."""
    outcome: Programmed | Failed | None = None
    trouble: Failed | Unreached | None = None
    """Why the last try did not settle it."""
    untaken: bool = False
    """Whether a write of it failed by its own fault: the gateway could be used then, and can be since."""
    missing: bool = False
    """Whether a list that came after such a write shows that the gateway holds no Route of it."""


class Progress:
    """`mark` is called with each key whose status may have changed, and how urgent that is."""

    def __init__(self, clock: Callable[[], float], mark: Callable[[Key, Priority], None]) -> None:
        self._clock = clock
        self._mark = mark
        self._steps: dict[Key, Step] = {}
        self._revisions = count(1)

    def get(self, key: Key) -> Step | None:
        """To be read, never to be changed."""
        return self._steps.get(key)

    def revision(self, key: Key) -> int:
        """The newest revision; 0 where the EchoRoute is gone."""
        step = self._steps.get(key)
        return step.revision if step else 0

    def begun(self, key: Key) -> float:
        """Since when it asks for what it does now."""
        step = self._steps.get(key)
        return step.begun if step else float("-inf")

    def outcome(self, key: Key) -> Programmed | Failed | None:
        step = self._steps.get(key)
        return step.outcome if step else None

    def is_troubled(self, key: Key) -> bool:
        """Whether the last try failed, or has to wait: there may be no write for long."""
        step = self._steps.get(key)
        return step is not None and (step.trouble is not None or isinstance(step.outcome, Failed))

    def unsettled(self) -> Iterator[Key]:
        return (key for key, step in self._steps.items() if step.outcome is None)

    def begin(self, key: Key) -> None:
        """Something else is asked for than before."""
        self._steps[key] = Step(next(self._revisions), self._clock())
        self._mark(key, Priority.BULK)

    def begin_all(self) -> None:
        """Nobody knows any more what the gateway holds of any of them."""
        for key in self._steps:
            self.begin(key)

    def touch(self, key: Key) -> None:
        """Nothing else is asked for, and yet its status may say something else."""
        self._mark(key, Priority.BULK)

    def end(self, key: Key) -> None:
        """The EchoRoute is gone."""
        self._steps.pop(key, None)
        self._mark(key, Priority.BULK)

    def sent(self, key: Key) -> None:
        """A write is on its way."""
        step = self._steps.get(key)
        if step is not None and step.sent is None:
            step.sent = self._clock()

    def found(self, key: Key) -> None:
        """Something of it has turned up in the gateway, or all is lost, which nobody here has done."""
        self._mark(key, Priority.BULK)

    def settle(self, key: Key, revision: int, outcome: Programmed | Failed, priority: Priority) -> bool:
        """The gateway has answered a revision; False for one that is not the newest any more."""
        step = self._steps.get(key)
        if step is None or step.revision != revision:
            return False
        step.outcome, step.trouble, step.untaken, step.missing = outcome, None, False, False
        self._mark(key, priority)
        return True

    def wait(self, key: Key, trouble: Failed, priority: Priority) -> None:
        """It waits for something that is not known; what was settled before counts no more."""
        step = self._steps.get(key)
        if step is not None:
            step.outcome = None
        self.fail(key, trouble, priority)

    def fail(self, key: Key, trouble: Failed | Unreached, priority: Priority) -> None:
        """A try did not settle it; there will be another one."""
        step = self._steps.get(key)
        if step is not None:
            step.trouble = trouble
            self._mark(key, priority)

    def untaken(self, key: Key) -> None:
        """A write of it has failed, though the gateway can be used."""
        step = self._steps.get(key)
        if step is not None:
            step.untaken = True

    def excuse_all(self) -> None:
        """An outage has begun or ended: what has failed until now may have been its fault."""
        for step in self._steps.values():
            step.untaken = step.missing = False

    def miss(self, key: Key) -> None:
        """A list shows no Route of it: where it cannot be written either, what was confirmed holds no more."""
        step = self._steps.get(key)
        if step is not None and step.untaken and not step.missing:
            step.outcome, step.missing = None, True
            self._mark(key, Priority.BULK)
