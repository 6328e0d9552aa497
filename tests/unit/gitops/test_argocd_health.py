"""Argo CD's health check, run in Argo CD's version of Lua (5.1) over every status that the operator writes."""

from pathlib import Path

import pytest
from echoroute.core.reasons import Reason
from lupa.lua51 import LuaRuntime

from .verdicts import BY_READY, HEALTH, MISSING_STATUS, ROWS, Row

_SCRIPT = (Path(__file__).parents[3] / "manifests/gitops/argocd/health.lua").read_text()
# Reasons that only conditions other than Ready have.
_NEVER_OF_READY = {
    Reason.ACCEPTED,
    Reason.NOT_ACCEPTED,
    Reason.RESOLVED_REFS,
    Reason.PROGRAMMED,
}


def _health(manifest: dict[str, object]) -> tuple[str, str]:
    """Status and message, from the script as Argo CD runs it: a chunk with the global `obj` that returns a table."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(manifest, recursive=True)
    answer = lua.execute(_SCRIPT)
    assert set(answer) == {"status", "message"}
    return answer["status"], answer["message"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.situation)
def test_health(row: Row) -> None:
    status, message = _health(row.manifest)
    assert status == HEALTH[row.verdict.kstatus], row.verdict.why
    assert message, "a person reads it in the web page"
    if row.ready and status != "Healthy":
        assert message.startswith(row.ready.split("/")[1] + ": "), (
            "the reason is what the documentation is searched for"
        )


def test_without_a_status_it_waits() -> None:
    assert _health(MISSING_STATUS) == ("Progressing", "waiting for the operator")


def test_a_status_of_somebody_else_without_ready_is_not_green() -> None:
    foreign = {**MISSING_STATUS, "status": {"observedGeneration": 3, "conditions": []}}
    assert _health(foreign)[0] == "Progressing"


def test_every_reason_that_ready_can_have_is_in_the_table() -> None:
    told = {key.split("/")[1] for key in BY_READY}
    assert told == set(Reason) - _NEVER_OF_READY
    assert {row.ready for row in ROWS if row.ready} == set(BY_READY), "and a situation produces each"
