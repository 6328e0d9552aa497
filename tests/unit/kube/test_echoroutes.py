"""The CRD as the origin of EchoRoutes: what follows from its age and its end."""

from datetime import UTC, datetime, timedelta

import pytest
from echoroute.kube.echoroutes import Crd

MADE = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("oldest", "doubtful", "why"),
    [
        (MADE - 61 * SECOND, True, "our objects are older: another cluster, a restore, a new CRD"),
        (MADE - 60 * SECOND, False, "the gateway's clock and the API server's need not agree to the second"),
        (MADE, False, "made in the same second"),
        (MADE + SECOND, False, "the CRD was there first"),
        (None, False, "the gateway knows no times: only the numbers count"),
    ],
)
def test_younger_than_what_is_owned(oldest: datetime | None, doubtful: bool, why: str) -> None:
    doubt = Crd(created=MADE, deleting=False, uid="crd-1").doubt(oldest)
    assert (doubt is not None) is doubtful, why


def test_a_crd_that_is_being_deleted_does_not_stand() -> None:
    assert Crd(created=MADE, deleting=False, uid="crd-1").stands
    assert not Crd(created=MADE, deleting=True, uid="crd-1").stands


def test_it_explains_only_what_was_made_under_it() -> None:
    crd = Crd(created=MADE, deleting=False, uid="crd-1")
    assert crd.explains(MADE)
    assert not crd.explains(MADE - SECOND)
