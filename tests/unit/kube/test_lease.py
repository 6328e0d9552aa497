"""A Lease may have been written by anybody."""

import pytest
from echoroute.kube.lease import Lease
from pydantic import JsonValue


@pytest.mark.parametrize(
    ("version", "why"),
    [(None, "there is none"), ("abc", "no number"), ("", "empty"), ([7], "no text"), ("9" * 30, "longer than any")],
)
def test_an_odd_version_is_none(version: JsonValue, why: str) -> None:
    assert Lease.from_raw({"metadata": {"resourceVersion": version}, "spec": None}).version == 0, why


def test_an_object_without_metadata_is_a_lease_that_nobody_holds() -> None:
    assert Lease.from_raw({"metadata": None, "spec": []}) == Lease(holder="", duration=0.0, transitions=0, version=0)
