"""Drift: what a list of the gateway shows to be otherwise than it is asked for, whoever made it so. It is mended.

Most keys are as asked in nearly each round. Once a list has shown that, a key is at rest: it is not compared again
until something else is asked for, or something else is known of what the gateway holds of it. That leans on one fact:
another verdict on an EchoRoute is another revision of it (`Progress.begin`).
"""

from collections.abc import Mapping
from typing import NamedTuple

from prometheus_client import Counter

from echoroute.core.changes import Stored
from echoroute.core.facts import Failed, Programmed
from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.core.plan import AS_DESIRED, Comparison, Wanted, compare, serves_as_desired, unnamed
from echoroute.core.reasons import Reason
from echoroute.core.text import counted
from echoroute.engine.announcer import Announcer
from echoroute.engine.queue import Priority
from echoroute.engine.route import Route
from echoroute.engine.writer.spacing import OF_NODES
from echoroute.engine.writer.term import TermParts

_STUBBORN = 3
"""Repairs of a key that was changed, with no round between that found it as asked: somebody else is writing it, too."""

_WAITS = (1, 1, 1, 2, 4, 8, 10)
"""Rounds from each repair of what somebody has changed to the next; from then on as after the last one."""

drift_repaired_total = Counter(
    "echoroute_drift_repaired_total", "EchoRoutes whose gateway objects a round found changed and wrote again."
)


class _Repairs(NamedTuple):
    """How often a change of a key was repaired since a round found it as asked, and from which round on it is again."""

    changes: int = 0
    due: int = 0


class Drift:
    """Compares each list of the gateway with what is asked for."""

    def __init__(self, term: TermParts, announcer: Announcer) -> None:
        self._table = term.table
        self._progress = term.progress
        self._actual = term.actual
        self._queue = term.queue
        self._rejected = term.rejected
        self._announcer = announcer
        self._rounds = 0
        self._repairs: dict[Key, _Repairs] = {}
        self._at_rest: dict[Key, tuple[int, Wanted]] = {}
        """The revision of each key at rest, and what it asked for then."""

    def compare(self, listed: Mapping[ObjectRef, Stored]) -> None:
        """Queue every key for which the gateway is not as desired; settle the others."""
        self._rounds += 1
        self._repairs = {key: repairs for key, repairs in self._repairs.items() if self._table.get(key)}
        rested, self._at_rest = self._at_rest, {}
        moved = self._actual.take_moved()
        gone = changed = 0
        for key, route in self._table.items():
            now = self._progress.revision(key), route.wanted
            as_before = rested.get(key) == now and key not in moved
            if as_before and isinstance(self._progress.outcome(key), Programmed):
                self._at_rest[key] = now
                continue
            self._learn_what_stands(key, route, listed)
            if self._has_its_turn(key):
                continue
            outcome, found = self._progress.outcome(key), self._found(key, route)
            if serves_as_desired(found):
                if self._settle(key, outcome, found):
                    self._at_rest[key] = now
                continue
            is_lost = any(ref not in self._actual.known for ref in (*found.puts, *found.missing))
            if self._worth_a_try(key, outcome, is_lost=is_lost):
                self._queue.add(key, Priority.BULK)
                if isinstance(outcome, Programmed) and not self._progress.is_troubled(key):
                    gone += is_lost
                    changed += not is_lost
        self._tell_drift(gone, changed)

    def _has_its_turn(self, key: Key) -> bool:
        """Whether the key's own write is under way, or is still to come: what a list shows of it is nobody's doing.

        A key may also wait for minutes for the removal of a leftover Upstream, which holds up no repair.
        """
        is_settled = isinstance(self._progress.outcome(key), Programmed)
        return self._queue.due_in(key) <= OF_NODES if is_settled else self._queue.busy(key)

    def _settle(self, key: Key, outcome: Programmed | Failed | None, found: Comparison) -> bool:
        """Settle a key that serves as desired; gives whether there was nothing to do for it."""
        self._repairs.pop(key, None)
        if found.deletes and not self._queue.busy(key):
            self._queue.add(key, Priority.BULK)
        if not isinstance(outcome, Programmed):
            if self._table.refusal(key) is None:
                self._let_in(self._table.serves(key, self._table.claimed(key)))
            self._table.settle(key, self._progress.revision(key), Programmed(), Priority.BULK)
            return False
        return found is AS_DESIRED and not self._table.claims.is_unsure(key)

    def _learn_what_stands(self, key: Key, route: Route, listed: Mapping[ObjectRef, Stored]) -> None:
        if not self._actual.holds(key):
            self._let_in(self._table.holds_nothing(key))
            self._progress.miss(key)
            return
        wanted, is_unsure = self._table.wanted(key, route), self._table.claims.is_unsure(key)
        if wanted is not None and not is_unsure and isinstance(self._progress.outcome(key), Programmed):
            return  # it is as asked, or is written again at once
        may_stay = wanted is None or is_unsure or self._progress.is_troubled(key)
        for ref in self._actual.owned[key]:
            known, stored = self._actual.known[ref], listed.get(ref)
            if ref.kind is not Kind.ROUTE or not stored or known.modified_index != stored.modified_index:
                continue
            if may_stay:
                # Whatever was tried or edited, it serves what was listed: no write of it may come to tell.
                self._let_in(self._table.serves_as_listed(key, stored.body))
            if wanted is None or wanted.digests.get(ref, known.digest) != known.digest:
                self._let_in(self._table.judge_what_stands(key, stored.body))

    def _found(self, key: Key, route: Route) -> Comparison:
        """How the gateway differs from what is asked for."""
        wanted = self._table.wanted(key, route)
        if wanted is None:
            return Comparison(deletes=unnamed(key, self._actual.around(key, ())))
        return compare(key, wanted, self._actual.around(key, wanted.refs()))

    def _let_in(self, keys: set[Key]) -> None:
        for key in keys:
            self._queue.add(key, Priority.BULK)

    def _tell_drift(self, gone: int, changed: int) -> None:
        """Say what is mended once for all: each is a plain write in the log, and in no status."""
        found = [
            f"the gateway had lost the objects of {counted(gone, 'EchoRoute')}" if gone else "",
            f"somebody else had changed the gateway objects of {counted(changed, 'EchoRoute')}" if changed else "",
        ]
        if gone or changed:
            drift_repaired_total.inc(gone + changed)
            text = "; ".join(filter(None, found))
            self._announcer.operator("Warning", "DriftRepaired", f"{text}; they are written again")

    def _worth_a_try(self, key: Key, outcome: Programmed | Failed | None, *, is_lost: bool) -> bool:
        if isinstance(outcome, Failed) and outcome.reason is Reason.GATEWAY_REJECTED:
            self._rejected.ask_again(key)
            # A write before that had no answer may have left what no Route names, as this list tells.
            return bool(unnamed(key, self._actual.around(key, ())))
        if isinstance(outcome, Failed):
            return True  # a foreign object may be gone by now, and to find out costs no request
        # Nobody gains from a route that is missing: what is lost is written in each round.
        return outcome is None or is_lost or self._is_due(key)

    def _is_due(self, key: Key) -> bool:
        """Whether a change of a key is repaired in this round; then that counts.

        Repaired again and again: another writer, or a value that the gateway stores otherwise. Rarer and rarer.
        """
        changes, due = self._repairs.get(key, _Repairs())
        if self._rounds < due:
            return False
        self._repairs[key] = _Repairs(changes + 1, self._rounds + _WAITS[min(changes, len(_WAITS) - 1)])
        if changes + 1 == _STUBBORN:
            self._announcer.contested(key)
        return True
