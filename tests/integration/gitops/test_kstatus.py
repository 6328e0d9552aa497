"""The verdict of kstatus, by the library that Flux waits with, on every status that the operator writes."""

import json
import subprocess
from collections.abc import Sequence

import pytest
from devstack.errors import NotBuilt
from devstack.find import require

from ...unit.gitops.verdicts import MISSING_STATUS, ROWS, Row


def _kstatus(manifests: Sequence[dict[str, object]]) -> list[dict[str, str]]:
    try:
        program = require(["kstatus"])["kstatus"].path
    except NotBuilt as error:
        pytest.fail(str(error), pytrace=False)
    answer = subprocess.run(
        [program], input=json.dumps(manifests), capture_output=True, text=True, check=True, timeout=30
    )
    found: list[dict[str, str]] = json.loads(answer.stdout)
    assert len(found) == len(manifests)
    return found


@pytest.fixture(scope="module")
def verdicts() -> dict[str, dict[str, str]]:
    return dict(zip((row.situation for row in ROWS), _kstatus([row.manifest for row in ROWS]), strict=True))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.situation)
def test_kstatus(row: Row, verdicts: dict[str, dict[str, str]]) -> None:
    assert verdicts[row.situation]["status"] == row.verdict.kstatus, row.verdict.why


def test_without_the_crds_default_status_a_new_object_would_be_taken_for_current() -> None:
    [verdict] = _kstatus([MISSING_STATUS])
    assert verdict["status"] == "Current", "if this has changed, the default status has lost one of its reasons"


def test_an_object_on_its_way_out_is_terminating() -> None:
    going = json.loads(json.dumps(ROWS[0].manifest))
    going["metadata"]["deletionTimestamp"] = "2026-05-04T12:00:00Z"
    assert _kstatus([going])[0]["status"] == "Terminating"
