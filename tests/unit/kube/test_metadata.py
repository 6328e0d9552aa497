"""Lists of metadata: names and versions, and what is odd about one object spoils nothing."""

import json

import pytest
from echoroute.kube.metadata import metadata_list

_META = {"resourceVersion": "7", "continue": "abc", "remainingItemCount": 3}


def _item(name: str, **more: object) -> dict[str, object]:
    return {
        "kind": "PartialObjectMetadata",
        "metadata": {"namespace": "shop", "name": name, "resourceVersion": "5", **more},
    }


def _list(*items: object) -> bytes:
    return json.dumps({"kind": "PartialObjectMetadataList", "metadata": _META, "items": items}).encode()


def test_names_and_versions_are_read_and_the_rest_is_passed_over() -> None:
    found = metadata_list(_list(_item("a", managedFields=[{"fieldsV1": {"f:spec": {}}}]), _item("b")))
    assert found == {
        "metadata": {"resourceVersion": "7", "continue": "abc"},
        "items": [{"metadata": {"namespace": "shop", "name": name, "resourceVersion": "5"}} for name in ("a", "b")],
    }


@pytest.mark.parametrize("levels", [150, 300, 5_000])
def test_managed_fields_that_are_nested_deeply_spoil_no_list(levels: int) -> None:
    deep = b'{"f:a":' * levels + b"1" + b"}" * levels
    found = metadata_list(_list(_item("a", managedFields="DEEP"), _item("b")).replace(b'"DEEP"', deep))
    assert isinstance(found, dict)
    items = found["items"]
    assert isinstance(items, list)
    assert [item["metadata"]["name"] for item in items if isinstance(item, dict)] == ["a", "b"]  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("data", "value", "why"),
    [
        (b'{"metadata": {}, "items": null}', {"metadata": {}, "items": None}, "an empty list of some servers"),
        (b'{"message": "Forbidden"}', {"message": "Forbidden"}, "no list at all"),
        (b"[]", [], "nothing that the API sends"),
    ],
)
def test_what_is_no_such_list_is_read_as_it_is(data: bytes, value: object, why: str) -> None:
    assert metadata_list(data) == value, why


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        metadata_list(b"<html>")
