"""A Lease may have been written by anybody."""

import pytest
from echoroute.kube.lease import Lease
from echoroute.net.fence import LONGEST_LEASE
from pydantic import JsonValue


@pytest.mark.parametrize(
    ("version", "why"),
    [(None, "there is none"), ("abc", "no number"), ("", "empty"), ([7], "no text"), ("9" * 30, "longer than any")],
)
def test_an_odd_version_is_none(version: JsonValue, why: str) -> None:
    assert Lease.from_raw({"metadata": {"resourceVersion": version}, "spec": None}).version == 0, why


def test_an_object_without_metadata_is_a_lease_that_nobody_holds() -> None:
    assert Lease.from_raw({"metadata": None, "spec": []}) == Lease(holder="", duration=0.0, transitions=0, version=0)


@pytest.mark.parametrize(
    ("raw", "lease", "why"),
    [
        ({"metadata": {"resourceVersion": "7"}}, Lease("", 0.0, 0, 7), "it has no spec: nobody holds it"),
        (
            {"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": None, "leaseDurationSeconds": "1"}},
            Lease("", 0.0, 0, 7),
            "null, and a text where a number belongs",
        ),
        (
            {
                "metadata": {"resourceVersion": "8"},
                "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 3},
            },
            Lease("a", 15.0, 3, 8),
            "as others write it",
        ),
        (
            {
                "metadata": {"resourceVersion": "9"},
                "spec": {"holderIdentity": "a", "leaseDurationSeconds": 1_000_000_000},
            },
            Lease("a", LONGEST_LEASE, 0, 9),
            "an edit by hand: no replica leads for so long, and the others must not wait for 30 years",
        ),
    ],
)
def test_a_lease_is_read_whatever_it_holds(raw: dict[str, object], lease: Lease, why: str) -> None:
    assert Lease.from_raw(raw) == lease, why
