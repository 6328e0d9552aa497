"""Progress: each transition marks the status, and what was said of an older revision counts for nothing."""

from echoroute.core.facts import Failed, Programmed
from echoroute.core.objects import Key
from echoroute.core.reasons import Reason
from echoroute.engine.progress import Progress
from echoroute.engine.queue import Priority

KEY = Key("shop", "cart")
AWAY = Failed(Reason.GATEWAY_UNREACHABLE, "HTTP 503")


class World:
    def __init__(self) -> None:
        self.now = 100.0
        self.marked: list[Priority] = []
        self.progress = Progress(lambda: self.now, lambda key, priority: self.marked.append(priority))


def test_each_transition_marks_the_status() -> None:
    world = World()
    progress = world.progress
    progress.begin(KEY)
    progress.fail(KEY, AWAY, Priority.RETRY)
    assert progress.settle(KEY, progress.revision(KEY), Programmed(), Priority.CHANGE)
    progress.end(KEY)
    assert world.marked == [Priority.BULK, Priority.RETRY, Priority.CHANGE, Priority.BULK]


def test_an_answer_for_an_older_revision_settles_nothing() -> None:
    world = World()
    progress = world.progress
    progress.begin(KEY)
    old = progress.revision(KEY)
    progress.begin(KEY)
    world.marked.clear()
    assert not progress.settle(KEY, old, Programmed(), Priority.CHANGE)
    assert progress.outcome(KEY) is None
    assert list(progress.unsettled()) == [KEY]
    assert world.marked == []


def test_a_new_revision_knows_nothing_of_the_one_before() -> None:
    world = World()
    progress = world.progress
    progress.begin(KEY)
    progress.sent(KEY)
    world.now = 101.0
    progress.sent(KEY)
    step = progress.get(KEY)
    assert step is not None
    assert step.sent == 100.0, "the first one counts: the status waits from there"
    progress.fail(KEY, AWAY, Priority.RETRY)
    progress.begin(KEY)
    step = progress.get(KEY)
    assert step is not None
    assert (step.sent, step.trouble, step.begun) == (None, None, 101.0)


def test_of_what_is_gone_nothing_is_kept() -> None:
    world = World()
    progress = world.progress
    progress.begin(KEY)
    progress.end(KEY)
    progress.sent(KEY)
    progress.fail(KEY, AWAY, Priority.RETRY)
    assert not progress.settle(KEY, 0, Programmed(), Priority.CHANGE)
    assert (progress.get(KEY), progress.revision(KEY)) == (None, 0)


def test_what_failed_beside_an_outage_is_nothing_of_its_own() -> None:
    """It begins or ends: neither a failed write of before counts, nor what a list has shown after it."""
    world = World()
    progress = world.progress
    progress.begin(KEY)
    progress.untaken(KEY)
    progress.excuse_all()
    progress.miss(KEY)
    step = progress.get(KEY)
    assert step is not None
    assert not step.missing
    progress.untaken(KEY)
    progress.miss(KEY)
    assert step.missing
    progress.excuse_all()
    assert not step.missing
    progress.untaken(KEY)
    progress.miss(KEY)
    assert step.missing, "it is said again when it has failed again"
