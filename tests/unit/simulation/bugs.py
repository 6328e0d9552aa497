"""Bugs to be planted: each one the operator had, or its design has to keep out, as a patch of one function."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pytest
from echoroute.core import brake, conditions, plan
from echoroute.core.changes import Stored
from echoroute.core.claims import Claim, Conflict
from echoroute.core.conflicts import Claims
from echoroute.core.facts import Programmed
from echoroute.core.inputs import Input
from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.core.plan import Digest, Known
from echoroute.core.rivals import Rivals
from echoroute.core.seen import Seen
from echoroute.engine.engine import Engine
from echoroute.engine.progress import Progress
from echoroute.engine.queue import Item, Priority
from echoroute.engine.store import Store, Transition
from echoroute.engine.table import Table
from echoroute.engine.writer import rhythm
from echoroute.engine.writer.actual import Actual
from echoroute.engine.writer.deletions import Deletions, Permit, _Asked
from echoroute.engine.writer.gateway_lane import GatewayLane
from echoroute.kube import election

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


def no_floor(patch: Patch) -> None:
    """Lists that fail are repeated at once."""
    patch.setattr(rhythm, "FLOOR", 0.5)


def said_too_early(patch: Patch) -> None:
    """A generation is called programmed when its write is sent."""
    sent = Progress.sent

    def too_early(self: Progress, key: Key) -> None:
        sent(self, key)
        self.settle(key, self.revision(key), Programmed(), Priority.CHANGE)

    patch.setattr(Progress, "sent", too_early)


def given_up(patch: Patch) -> None:
    """What has failed is not tried again."""
    patch.setattr(GatewayLane, "_retry", lambda self, item, trouble, *, at_least=0.0: None)


def delete_events_after_a_list_are_lost(patch: Patch) -> None:
    """A delete event says nothing where a list has had the EchoRoute gone before."""
    offer = Store.offer

    def deaf(self: Store, seen: Seen) -> Transition | None:
        known = self.version(seen.key) is not None
        return offer(self, seen if known else replace(seen, ended=None))

    patch.setattr(Store, "offer", deaf)


def an_unusable_spec_gives_up_its_pair(patch: Patch) -> None:
    """An edit that makes a spec invalid lets others in beside what serves on."""
    want = Claims.want

    def generous(self: Claims, key: Key, claim: Claim | None, *, keeps: bool = False) -> set[Key]:
        changed = want(self, key, claim, keeps=keeps)
        return changed if claim else changed | self.serves(key, None)

    patch.setattr(Claims, "want", generous)


def an_outage_repaints(patch: Patch) -> None:
    """A restart while the gateway is away unsays what was programmed."""
    patch.setattr(conditions, "_still_true", lambda facts, previous, before: False)


def a_loss_is_not_said(patch: Patch) -> None:
    """What was confirmed stays so, though a list shows that it is gone, and writing it fails."""
    patch.setattr(Progress, "miss", lambda self, key: None)


def a_write_under_way_holds_nothing(patch: Patch) -> None:
    """A pair belongs to nobody until the gateway has confirmed it: two are written."""
    first = Rivals.first_conflict

    def late(self: Rivals, key: Key, claim: Claim) -> Conflict | None:
        conflict = first(self, key, claim)
        return conflict if conflict and conflict.winner in self._held.serving else None

    patch.setattr(Rivals, "first_conflict", late)


def no_brake(patch: Patch) -> None:
    """Whatever lists lack is deleted, however much it is."""
    patch.setattr(brake, "SHARE", 1.0)


def one_list_is_enough(patch: Patch) -> None:
    """An orphan is deleted as soon as one list lacks its EchoRoute."""
    judge = Deletions.judge_orphans

    async def rash(self: Deletions, actual: Actual) -> brake.Verdict:
        self._orphans = set(actual.owned)
        return await judge(self, actual)

    patch.setattr(Deletions, "judge_orphans", rash)


def a_double_holds_nothing(patch: Patch) -> None:
    """Of several paths that a Route was found to serve none is its own where another EchoRoute has one."""
    own = Rivals.own

    def all_or_nothing(self: Rivals, key: Key, claim: Claim) -> Claim:
        found = own(self, key, claim)
        return found if found == claim else replace(claim, pairs=())

    patch.setattr(Rivals, "own", all_or_nothing)


def a_read_from_before_is_enough(patch: Patch) -> None:
    """A deletion goes by a read of the CRD that is older than its reason."""
    permit = Deletions.permit

    def at_once(self: Deletions, item: Item, removals: Iterable[ObjectRef], *, exists: bool) -> Permit:
        refs = frozenset(removals)
        self._asked[item.key, exists] = _Asked(-1, self._store.which_end(item.key), refs)
        return permit(self, item, refs, exists=exists)

    patch.setattr(Deletions, "permit", at_once)


def a_token_is_good_for_names(patch: Patch) -> None:
    """A token that was given once releases whatever comes by the same names, for whatever reason."""

    def of_names(lives: Iterable[brake.Life], origin: str, about: str) -> str:
        return ",".join(sorted(str(ref) for ref, _ in lives))

    def keeps(self: Deletions, held: brake.Held | None) -> None:
        self._held = held

    patch.setattr(brake, "token", of_names)
    patch.setattr(Deletions, "_hold", keeps)


def a_list_undoes_what_was_written_since(patch: Patch) -> None:
    """A list of the gateway overwrites what was written after it began."""
    replaced = Actual.replace

    def forgetful(self: Actual, listed: Mapping[ObjectRef, Stored], *, began: float) -> frozenset[Key]:
        self._written = {}
        return replaced(self, listed, began=began)

    patch.setattr(Actual, "replace", forgetful)


def unanswered_writes_change_nothing(patch: Patch) -> None:
    """What a write without an answer may have made is not looked for."""
    patch.setattr(Actual, "unanswered", lambda self, key, change: None)


def older_versions_win(patch: Patch) -> None:
    """What comes last is believed, whatever its version."""
    offer = Store.offer

    def credulous(self: Store, seen: Seen) -> Transition | None:
        known = self._seen.get(seen.key)
        if known is not None and known.version > seen.version:
            self._seen[seen.key] = replace(known, version=seen.version - 1)
        return offer(self, seen)

    patch.setattr(Store, "offer", credulous)


def somebody_elses_is_ours(patch: Patch) -> None:
    """An object at one of our ids is taken for ours, whoever has put it there."""
    around = Actual.around

    def greedy(self: Actual, key: Key, wanted: Iterable[ObjectRef]) -> dict[ObjectRef, Known]:
        return {ref: replace(known, key=key) for ref, known in around(self, key, wanted).items()}

    patch.setattr(Actual, "around", greedy)


def writes_what_is_there(patch: Patch) -> None:
    """What is equal is written again."""
    compare: Digest = b"never equal"
    around = Actual.around

    def doubtful(self: Actual, key: Key, wanted: Iterable[ObjectRef]) -> dict[ObjectRef, Known]:
        return {ref: replace(known, digest=compare) for ref, known in around(self, key, wanted).items()}

    patch.setattr(Actual, "around", doubtful)


def a_term_ends_late(patch: Patch) -> None:
    """A leader may write for longer than the others wait for it."""
    patch.setattr(election, "_DEADLINE", 2.0)


def a_standby_forgets_deletions(patch: Patch) -> None:
    """What was deleted before a term is explained to nobody."""
    term = Engine._term

    async def forgetful(self: Engine) -> None:
        self.desired.store._ended.clear()
        await term(self)

    patch.setattr(Engine, "_term", forgetful)


def an_upstream_goes_though_it_is_named(patch: Patch) -> None:
    """Where a Route is kept, all Upstreams of its EchoRoute are taken for leftovers."""

    def unnamed(
        key: Key, known: Mapping[ObjectRef, Known], *, but: frozenset[ObjectRef] = frozenset()
    ) -> tuple[ObjectRef, ...]:
        return tuple(
            ref for ref, one in known.items() if one.key == key and ref.kind is Kind.UPSTREAM and ref not in but
        )

    patch.setattr(plan, "unnamed", unnamed)


def a_route_comes_before_its_upstreams(patch: Patch) -> None:
    """A Route names Upstreams that are written after it."""
    patch.setattr(plan, "_WRITE_ORDER", {Kind.ROUTE: 0, Kind.UPSTREAM: 1})


def the_first_answer_is_no_news(patch: Patch) -> None:
    """Nodes that were not known when the gateway was listed are not compared with it: a restart loses their write."""
    refresh = Table.refresh

    def deaf(self: Table, inputs: Iterable[Input]) -> set[Key]:
        inputs = list(inputs)
        routes = {key: route for key, route in self.items() if not route.resolution.nodes and route.resolved.objects}
        kept = {key: route.wanted for key, route in routes.items() if self._progress.outcome(key) == Programmed()}
        changed = refresh(self, inputs)
        for key, wanted in kept.items():
            routes[key].wanted = wanted
        return changed - kept.keys()

    patch.setattr(Table, "refresh", deaf)


def who_is_at_rest_stays_so(patch: Patch) -> None:
    """What a list shows of a key that was as asked is not looked at."""
    patch.setattr(Actual, "take_moved", lambda self: set[Key]())


OF_BACKENDS: tuple[Plant, ...] = (
    an_upstream_goes_though_it_is_named,
    a_route_comes_before_its_upstreams,
    the_first_answer_is_no_news,
)
OF_REPLICAS: tuple[Plant, ...] = (a_term_ends_late, a_standby_forgets_deletions)
OF_PATHS: tuple[Plant, ...] = (a_double_holds_nothing,)
PLANTS: tuple[Plant, ...] = (
    no_floor,
    said_too_early,
    given_up,
    delete_events_after_a_list_are_lost,
    an_unusable_spec_gives_up_its_pair,
    an_outage_repaints,
    a_loss_is_not_said,
    a_write_under_way_holds_nothing,
    no_brake,
    one_list_is_enough,
    a_read_from_before_is_enough,
    a_token_is_good_for_names,
    a_list_undoes_what_was_written_since,
    unanswered_writes_change_nothing,
    older_versions_win,
    somebody_elses_is_ours,
    writes_what_is_there,
    who_is_at_rest_stays_so,
    *OF_REPLICAS,
    *OF_BACKENDS,
    *OF_PATHS,
)
