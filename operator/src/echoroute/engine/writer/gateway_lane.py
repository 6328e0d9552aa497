"""The gateway lane: the only writer. Workers take dirty keys, plan them one by one, and make the changes."""

import logging
from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from echoroute.core.blame import blamed
from echoroute.core.changes import Change, Delete
from echoroute.core.facts import Failed, Programmed, Unreached
from echoroute.core.objects import Key, Kind
from echoroute.core.plan import Absent, Desired, Keep, KeyPlan, plan_key, withdrawing
from echoroute.core.reasons import Reason
from echoroute.engine.queue import Item, Priority
from echoroute.engine.writer.deletions import Permit
from echoroute.engine.writer.handover import Handover
from echoroute.engine.writer.leftovers import Leftovers
from echoroute.engine.writer.outage import outage_reason, wished_delay
from echoroute.engine.writer.rejected import Asked
from echoroute.engine.writer.spacing import Spacing
from echoroute.engine.writer.term import TermParts
from echoroute.errors import (
    EchoRouteError,
    GatewayDeferred,
    GatewayError,
    GatewayRejected,
    GatewayUnauthorized,
    GatewayUnavailable,
    NotLeading,
    without_values,
)
from echoroute.gateway.protocol import Gateway
from echoroute.net.backoff import Backoff

log = logging.getLogger(__name__)

BULK = 32
"""With more keys than this in the queue, statuses wait: they would compete with writes that users are waiting for."""

changes_total = Counter(
    "echoroute_gateway_changes_total",
    "Changes made in the gateway. A restart over unchanged routes adds none.",
    ("operation", "kind"),
)
reconcile_errors_total = Counter(
    "echoroute_reconcile_errors_total", "Reconciliations of one EchoRoute that did not succeed.", ("reason",)
)
reconcile_time_seconds = Histogram(
    "echoroute_reconcile_time_seconds", "Time of one reconciliation in the gateway lane, once a worker has it."
)


class _Superseded(EchoRouteError):
    """The EchoRoute, or what is known of the gateway, changed while its changes were waiting for their turn."""


class GatewayLane:
    """Each worker takes a dirty key, plans it, writes it and then removes what it does not want any more."""

    def __init__(self, term: TermParts, gateway: Gateway) -> None:
        self._gateway = gateway
        self._table = term.table
        self._progress = term.progress
        self._actual = term.actual
        self._gate = term.gate
        self._deletions = term.deletions
        self._queue = term.queue
        self._rejected = term.rejected
        self._handover = Handover(term.table, term.progress, term.clock)
        self._backoff = Backoff(first=0.5, limit=60.0)
        self._spacing = Spacing(term.clock)
        self._leftovers = Leftovers(term.clock)

    async def turn(self) -> None:
        """Take one key, and do what there is to do for it."""
        await self._gate.passable()
        item = await self._queue.get()
        if self._gate.enter(item.key):
            await self._try(item)
        else:
            self._queue.add(item.key, item.priority)  # it closed while the worker waited for something to do
        self._queue.done(item.key)

    async def _try(self, item: Item) -> None:
        try:
            with reconcile_time_seconds.time():
                done = await self._reconcile(item)
        except NotLeading:
            raise  # the term is over, and with it all that is known here
        except _Superseded:
            self._gate.leave(item.key, done=False)
            self._queue.add(item.key, item.priority)
        except GatewayDeferred as error:
            self._gate.leave(item.key, done=False)
            self._retry(item, Failed(Reason.PENDING, str(error)))
        except (GatewayUnauthorized, GatewayUnavailable) as error:
            self._gate.failed(item.key, error)
            self._retry(item, Unreached(outage_reason(error), str(error)), at_least=wished_delay(error))
        except Exception as error:  # noqa: BLE001 - a bug, and one of this key: the others must go on
            log.error("EchoRoute %s: reconciling failed, trying again: %s", item.key, without_values(error))  # noqa: TRY400
            self._gate.leave(item.key, done=False)
            self._retry(item, Failed(Reason.PENDING, "an internal error of the operator; see its log"))
        else:
            self._gate.leave(item.key, done=done)
            if done:  # what fails again and again may be a removal, after writes that work
                self._backoff.reset(item.key)

    async def _reconcile(self, item: Item) -> bool:
        """Do what there is to do for a key; gives whether nothing is left to do."""
        key, revision = item.key, self._progress.revision(item.key)
        asked = self._asked(key)
        tries = not self._rejected.stands(key, asked)
        desired = self._table.desired(key) if tries else Keep()
        plan, pause = self._spacing.due(key, self._plan(key, desired))
        if self._comes_again(item, pause) and not (plan.writes or plan.removals):
            return False
        if plan.foreign:
            self._finish(item, revision, _foreign(plan))
        elif plan.waits:
            told = Failed(plan.waits.reason, f"{plan.waits.message}{self._table.withdrawal(key)}")
            self._progress.wait(key, told, item.priority)  # what it waits for queues it again
        elif tries and not isinstance(desired, Absent):
            if plan.writes and self._hands_over(item, revision):
                return False
            outcome = await self._write(item, revision, plan)
            if isinstance(outcome, Failed):
                self._rejected.note(key, asked)
                plan = self._plan(key, Keep())
            self._finish(item, revision, outcome)
        if not plan.removals:
            self._deletions.needs_none(key)
        if not isinstance(desired, Absent):
            self._leftovers.unnamed(key, (each.ref for each in plan.removals if each.ref.kind is Kind.UPSTREAM))
            if not plan.removals:
                return plan.waits is None
        return await self._remove(item, revision, plan, desired) and plan.waits is None

    def _asked(self, key: Key) -> Asked:
        route = self._table.get(key)
        return Asked(self._progress.revision(key), self._table.wanted(key, route) if route else None)

    def _plan(self, key: Key, desired: Desired) -> KeyPlan:
        known = self._actual.around(key, desired.refs())
        plan = plan_key(key, desired, known)
        stays = isinstance(desired, Keep) or plan.waits
        return withdrawing(key, plan, known) if stays and self._table.withdrawal(key) else plan

    async def _write(self, item: Item, revision: int, plan: KeyPlan) -> Programmed | Failed:
        """Make the writes of a plan, which wait for no permit to delete."""
        key = item.key
        try:
            if not plan.writes_route and self._table.refusal(key) is None:
                # No await between the plan and this: a list has found what a write without an answer has made.
                self._let_in(item, self._table.serves(key, self._table.claimed(key)))
            if plan.writes:
                await self._apply(item, revision, plan.writes)
        except GatewayRejected as error:
            reconcile_errors_total.labels(Reason.GATEWAY_REJECTED).inc()
            message = blamed(str(error), rewrites=self._table.rewrites(key))
            log.warning("EchoRoute %s: %s", key, message)
            return Failed(Reason.GATEWAY_REJECTED, f"{message}{self._table.withdrawal(key)}")
        except (_Superseded, NotLeading):
            raise
        except Exception:
            if self._gate.is_open:  # where this failure shows an outage, it closes now, and that excuses all
                self._progress.untaken(key)
            raise
        return Programmed()

    async def _remove(self, item: Item, revision: int, plan: KeyPlan, desired: Desired) -> bool:
        """Remove what is not wanted any more, once that may be done; gives whether nothing is left to do."""
        if plan.removals and not self._may_remove(item, revision, plan):
            return False
        if routes := [removal for removal in plan.removals if removal.ref.kind is Kind.ROUTE]:
            await self._apply(item, revision, routes)
        leftovers = [removal for removal in plan.removals if removal not in routes]
        if not self._actual.holds(item.key):
            self._let_in(item, self._table.holds_nothing(item.key))
        if isinstance(desired, Absent):
            self._leftovers.unnamed(item.key, (leftover.ref for leftover in leftovers))
            self._finish(item, revision, Programmed())
        return await self._clear(item, revision, leftovers)

    async def _clear(self, item: Item, revision: int, leftovers: Sequence[Delete]) -> bool:
        """Remove Upstreams that no Route of the key names any more; gives whether none is left."""
        pauses = []
        for leftover in leftovers:
            if (pause := self._leftovers.too_early(item.key, leftover.ref)) > 0:
                pauses.append(pause)
                continue
            try:
                await self._apply(item, revision, [leftover])
            except GatewayDeferred as error:
                pauses.append(self._leftovers.refused(item.key, leftover.ref, error))
        if not pauses and not revision:
            self._finish(item, revision, Programmed())
        return not self._comes_again(item, min(pauses, default=0.0))

    def _may_remove(self, item: Item, revision: int, plan: KeyPlan) -> bool:
        """Whether it is permitted, and who gets what a deleted EchoRoute gives up is in the gateway."""
        if revision:
            return self._may_delete(item, plan, exists=True)
        if self._comes_again(item, self._handover.too_early(item.key, revision)):
            return False
        permitted = self._handover.has_offered(item.key) and self._deletions.stands(item.key, exists=False)
        return (permitted or self._may_delete(item, plan, exists=False)) and not self._hands_over(item, revision)

    def _may_delete(self, item: Item, plan: KeyPlan, *, exists: bool) -> bool:
        permit = self._deletions.permit(item, (each.ref for each in plan.removals), exists=exists)
        if permit is Permit.DENIED and exists:
            self._retry(item, Failed(Reason.PENDING, "nothing is deleted while the CRD or folder is not there"))
        elif permit is Permit.DENIED:
            self._let_in(item, self._table.abandon(item.key))
        return permit is Permit.GRANTED

    def _hands_over(self, item: Item, revision: int) -> bool:
        """Whether who gets what the key gives up is to be written first."""
        self._let_in(item, self._handover.offer(item.key, revision))
        if (pause := self._handover.pause(item.key, revision)) <= 0:
            self._let_in(item, self._handover.end(item.key))
        return self._comes_again(item, pause)

    def _comes_again(self, item: Item, pause: float) -> bool:
        """Whether it is too early; then the key comes again by itself."""
        if pause > 0:
            self._queue.add_after(item.key, item.priority, pause)
        return pause > 0

    async def _apply(self, item: Item, revision: int, changes: Sequence[Change]) -> None:
        key, unanswered = item.key, list[Change]()
        claim, lists = self._table.claimed(key), self._actual.lists

        def before(change: Change) -> None:
            # A list that came meanwhile may lack what an earlier change has found there, and a later one names.
            is_stale = (self._progress.revision(key), self._actual.lists) != (revision, lists)
            if is_stale or (isinstance(change, Delete) and not self._deletions.stands(key, exists=bool(revision))):
                raise _Superseded
            self._progress.sent(key)
            self._spacing.note(key, change)
            self._actual.attempted(change)
            unanswered.append(change)
            if change.ref.kind is Kind.ROUTE:
                self._let_in(item, self._table.send(key, claim))

        def done(change: Change) -> None:
            unanswered.remove(change)
            self._gate.wrote(key)
            self._actual.wrote(key, change)
            if change.ref.kind is Kind.ROUTE:
                self._let_in(item, self._table.serves(key, claim, made=True))
            else:
                self._leftovers.gone(key, change.ref)
            operation = "delete" if isinstance(change, Delete) else "put"
            changes_total.labels(operation, change.ref.kind).inc()
            log.info("%s %s", operation, change.ref, extra={"echoroute": str(key)})

        try:
            await self._gateway.apply(changes, before=before, done=done)
        except GatewayUnavailable:
            for change in unanswered:
                self._actual.unanswered(key, change)
                self._leftovers.in_doubt(key)
            raise
        except GatewayError:
            self._let_in(item, self._table.refused(key))
            raise
        finally:
            # Of what failed, too, it may not be known whether it happened: a list under way says nothing of it.
            for change in unanswered:
                self._actual.attempted(change)
            self._table.claims.lost(key)

    def _finish(self, item: Item, revision: int, outcome: Programmed | Failed) -> None:
        if isinstance(outcome, Programmed):
            self._rejected.forget(item.key)
        if revision:
            self._table.settle(item.key, revision, outcome, item.priority)
        elif self._table.get(item.key) is None and item.key not in self._actual.owned:
            self._deletions.forget(item.key)

    def _retry(self, item: Item, trouble: Failed | Unreached, *, at_least: float = 0.0) -> None:
        reconcile_errors_total.labels(trouble.reason).inc()
        self._progress.fail(item.key, trouble, item.priority)
        if self._gate.is_open:
            self._queue.add_after(item.key, Priority.RETRY, max(self._backoff.next(item.key), at_least))
        else:
            self._queue.add(item.key, Priority.RETRY)  # the gate says when, for all that wait

    def _let_in(self, item: Item, keys: set[Key]) -> None:
        """Let those have their turn that waited for what this one gave up, no sooner than others of its priority."""
        for key in keys:
            self._queue.add(key, item.priority)


def _foreign(plan: KeyPlan) -> Failed:
    names = ", ".join(map(str, plan.foreign))
    return Failed(
        Reason.FOREIGN_OBJECT,
        f"the gateway holds {names}, which does not belong to this EchoRoute: remove it there or rename the EchoRoute",
    )
