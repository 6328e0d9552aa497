"""What the gateway lane, the status lane and the rounds of one term of office share."""

from collections.abc import Callable
from dataclasses import dataclass

from echoroute.engine.progress import Progress
from echoroute.engine.queue import WorkQueue
from echoroute.engine.table import Table
from echoroute.engine.writer.actual import Actual
from echoroute.engine.writer.deletions import Deletions
from echoroute.engine.writer.outage import OutageGate
from echoroute.engine.writer.rejected import Rejected


@dataclass(frozen=True, slots=True)
class TermParts:
    """`table` and `progress` are the desired side's and outlive the term; all else is made for it."""

    table: Table
    progress: Progress
    actual: Actual
    gate: OutageGate
    deletions: Deletions
    queue: WorkQueue
    """The keys that wait for a worker of the gateway lane."""
    rejected: Rejected
    clock: Callable[[], float]
    """Gives the event loop's time in seconds."""
