"""The table: verdicts that depend on other EchoRoutes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from echoroute.core.objects import JsonObject, Key
from echoroute.core.plan import Absent, Keep, Present
from echoroute.core.policy import Policy
from echoroute.core.reasons import Reason
from echoroute.core.seen import Entry
from echoroute.engine.discovery import Discovery
from echoroute.engine.progress import Progress
from echoroute.engine.store import Transition
from echoroute.engine.table import Table
from pydantic_core import to_json

NO_CONSUL = Discovery(configured=False, forbidden=(), clock=lambda: 0.0)
WINNER, LOSER = Key("default", "a"), Key("default", "b")
ENTRY = Entry(
    uid="1",
    generation=1,
    created=datetime(1970, 1, 1, tzinfo=UTC),
    spec=b'{"match":{"paths":["/shared"]},"backends":[{"service":"echo"}]}',
    status=b"{}",
)


def new_table() -> Table:
    progress = Progress(lambda: 0.0, lambda key, priority: None)
    return Table(owner="0a1b2c3d", policy=Policy(frozenset()), inputs=NO_CONSUL, progress=progress)


def _table(*, serving: bool = True) -> Table:
    """A winner, perhaps confirmed by the gateway, and a loser."""
    table = new_table()
    for key in (WINNER, LOSER):
        table.take(Transition(key, None, ENTRY))
    table.seed({})
    if serving:
        table.serves(WINNER, table.claimed(WINNER))
    return table


def _refused(table: Table, key: Key) -> bool:
    refusal = table.refusal(key)
    return refusal is not None and refusal.reason is Reason.CONFLICTED


BROKEN = [
    (replace(ENTRY, generation=2, fault="a.yaml is not YAML"), "a file that is broken for a moment"),
    (replace(ENTRY, generation=2, spec=b'{"match":{"paths":["shared"]}}'), "an edit that makes the spec invalid"),
    (replace(ENTRY, generation=2, spec=b"", fault="spec: is larger than 64 KiB"), "one that is over budget"),
]


@pytest.mark.parametrize(("after", "why"), BROKEN, ids=[why for _, why in BROKEN])
def test_what_goes_on_serving_keeps_its_claim(after: Entry, why: str) -> None:
    """Otherwise another route would be let in beside it, and users' requests answered by chance."""
    table = _table()
    impact = table.take(Transition(WINNER, ENTRY, after))
    assert isinstance(table.desired(WINNER), Keep)
    assert _refused(table, LOSER), why
    assert isinstance(table.desired(LOSER), Keep), "a conflict withdraws nothing, either"
    assert impact.gateway == {WINNER}, "nothing changes for the other"

    table.take(Transition(WINNER, after, None))
    assert _refused(table, LOSER), "until its route is gone"
    assert table.serves(WINNER, None) == {LOSER}
    assert not _refused(table, LOSER)


def test_what_never_served_keeps_nobody_out() -> None:
    table = _table(serving=False)
    impact = table.take(Transition(WINNER, ENTRY, BROKEN[0][0]))
    assert impact.gateway == {WINNER, LOSER}
    assert not _refused(table, LOSER)


def test_switched_off_it_gives_its_claim_back_once_the_gateway_says_so() -> None:
    table = _table()
    off = replace(ENTRY, generation=2, spec=ENTRY.spec[:-1] + b',"enabled":false}')
    table.take(Transition(WINNER, ENTRY, off))
    assert _refused(table, LOSER)
    assert table.claimed(WINNER) is None
    assert table.serves(WINNER, None) == {LOSER}
    assert not _refused(table, LOSER)
    table.take(Transition(WINNER, off, replace(ENTRY, generation=3)))
    assert not _refused(table, LOSER), "switched on again it comes second"
    assert _refused(table, WINNER)


def test_after_a_restart_who_serves_is_read_from_the_gateway_or_from_statuses() -> None:
    table = new_table()
    for key in (WINNER, LOSER):
        table.take(Transition(key, None, ENTRY))
    assert table.contended(WINNER)
    table.seed({LOSER: {"uris": ["/shared"], "status": 1}})
    assert [_refused(table, key) for key in (WINNER, LOSER)] == [True, False]

    table = new_table()
    programmed = to_json(
        {
            "observedGeneration": 1,
            "programmedGeneration": 1,
            "conditions": [{"type": "Programmed", "status": "True", "reason": "Programmed", "message": ""}],
        }
    )
    table.take(Transition(WINNER, None, ENTRY))
    table.take(Transition(LOSER, None, replace(ENTRY, status=programmed)))
    table.seed({})
    assert [_refused(table, key) for key in (WINNER, LOSER)] == [True, False]


@pytest.mark.parametrize(
    "body",
    [{}, {"uri": 5}, {"uris": "/shared"}, {"uri": "/shared", "status": 0}, {"uris": [None], "hosts": {}, "methods": 1}],
)
def test_a_route_that_was_made_odd_by_hand_serves_nothing_that_is_known(body: JsonObject) -> None:
    table = new_table()
    for key in (WINNER, LOSER):
        table.take(Transition(key, None, ENTRY))
    table.seed({LOSER: body})
    assert [_refused(table, key) for key in (WINNER, LOSER)] == [False, True]


def test_where_two_serve_one_pair_the_younger_is_withdrawn() -> None:
    table = new_table()
    for key in (WINNER, LOSER):
        table.take(Transition(key, None, ENTRY))
    table.seed({WINNER: {"uri": "/shared"}, LOSER: {"uri": "/shared"}})
    assert isinstance(table.desired(WINNER), Present)
    assert isinstance(table.desired(LOSER), Absent)


@pytest.mark.parametrize(
    ("is_kept", "why"),
    [
        (False, "its write is answered when its EchoRoute is gone, and another one serves its path"),
        (True, "it was found to serve beside another one, is gone, and the other one gives the path up"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_is_gone_has_no_revision_whatever_it_has_left(is_kept: bool, why: str) -> None:
    """With one it would count as there, and its Route be deleted as that of an EchoRoute that does not need it."""
    progress = Progress(lambda: 0.0, lambda key, priority: None)
    table = Table(owner="0a1b2c3d", policy=Policy(frozenset()), inputs=NO_CONSUL, progress=progress)
    for key in (WINNER, LOSER):
        table.take(Transition(key, None, ENTRY))
    claim = table.claimed(WINNER)
    table.seed({WINNER: {"uri": "/shared"}, LOSER: {"uri": "/shared"}} if is_kept else {WINNER: {"uri": "/shared"}})
    if not is_kept:
        table.send(LOSER, claim)
    table.take(Transition(LOSER, ENTRY, None))
    assert progress.revision(LOSER) == 0
    if is_kept:
        table.take(Transition(WINNER, ENTRY, None))
        assert LOSER in table.serves(WINNER, None)
    else:
        assert LOSER in table.serves(LOSER, claim, made=True)
    assert progress.revision(LOSER) == 0, why
    assert isinstance(table.desired(LOSER), Absent)


def test_who_ties_with_an_older_one_is_told_and_told_again_when_it_goes() -> None:
    marked: list[Key] = []
    progress = Progress(lambda: 0.0, lambda key, priority: marked.append(key))
    table = Table(owner="0a1b2c3d", policy=Policy(frozenset()), inputs=NO_CONSUL, progress=progress)
    conditional = ENTRY.spec.replace(b'"]}', b'"],"headers":[{"name":"X-A","op":"Exists"}],"priority":0}')
    table.take(Transition(WINNER, None, ENTRY))
    table.take(Transition(LOSER, None, replace(ENTRY, spec=conditional)))
    table.seed({})
    assert (table.refusal(LOSER), table.note(WINNER)) == (None, "")
    assert table.note(LOSER).startswith(f"EchoRoute {WINNER} has /shared at the same priority 0")
    marked.clear()
    table.take(Transition(WINNER, ENTRY, None))
    assert LOSER in marked, "its status says something else now"
    assert table.note(LOSER) == ""
