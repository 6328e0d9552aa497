"""The table: verdicts that depend on other EchoRoutes."""

from dataclasses import replace
from datetime import UTC, datetime

from echoroute.core.objects import Key
from echoroute.core.plan import Absent, Keep
from echoroute.core.policy import Policy
from echoroute.core.reasons import Reason
from echoroute.core.seen import Entry
from echoroute.engine.discovery import Discovery
from echoroute.engine.store import Transition
from echoroute.engine.table import Table

NO_CONSUL = Discovery(configured=False, guarded=False, clock=lambda: 0.0)
WINNER, LOSER = Key("default", "a"), Key("default", "b")
ENTRY = Entry(
    uid="1",
    generation=1,
    created=datetime(1970, 1, 1, tzinfo=UTC),
    spec=b'{"match":{"paths":["/shared"]},"backends":[{"service":"echo"}]}',
    status=b"{}",
)


def test_what_goes_on_serving_under_a_fault_keeps_its_claim() -> None:
    """A file that is broken for a moment must not let another route answer beside the one that it held."""
    table = Table(owner="0a1b2c3d", policy=Policy(frozenset()), discovery=NO_CONSUL)
    for key in (WINNER, LOSER):
        table.take(Transition(key, None, ENTRY))
    broken = replace(ENTRY, generation=2, fault="a.yaml is not YAML")
    impact = table.take(Transition(WINNER, ENTRY, broken))
    assert isinstance(table.desired(WINNER), Keep)
    assert isinstance(table.desired(LOSER), Absent)
    refusal = table.refusal(LOSER)
    assert refusal is not None
    assert refusal.reason is Reason.CONFLICTED
    assert impact.gateway == {WINNER}, "nothing changes for the other"

    table.take(Transition(WINNER, broken, None))
    assert table.refusal(LOSER) is None, "and gives it back when it goes"


def test_a_fault_on_another_spec_claims_nothing() -> None:
    """It never served: of a name that stands twice the first spec may be the new one."""
    table = Table(owner="0a1b2c3d", policy=Policy(frozenset()), discovery=NO_CONSUL)
    other = replace(ENTRY, spec=ENTRY.spec.replace(b"shared", b"own"))
    table.take(Transition(WINNER, None, other))
    table.take(Transition(WINNER, other, replace(ENTRY, generation=2, fault="stands more than once")))
    table.take(Transition(LOSER, None, ENTRY))
    assert table.refusal(LOSER) is None
