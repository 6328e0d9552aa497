"""JSON of other people's APIs."""

import httpx
import pytest
from devstack.errors import UnexpectedAnswer
from devstack.handles.answers import accepted, as_object, as_objects, at
from pydantic import JsonValue

_ROUTE: JsonValue = {"spec": {"paths": ["/a", "/b"], "enabled": False}}


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("spec", "paths", 1), "/b", "names and indexes"),
        (("spec", "paths", -1), "/b", "from the end"),
        (("spec", "enabled"), False, "a false value is a value"),
        (("spec", "paths", 2), None, "beyond the end"),
        (("spec", "paths", "x"), None, "a name into a list"),
        (("status", "conditions", 0), None, "missing on the way"),
    ],
)
def test_at(path: tuple[str | int, ...], value: JsonValue, why: str) -> None:
    assert at(_ROUTE, *path) == value, why


def test_a_refusal_names_request_status_and_body() -> None:
    request = httpx.Request("PUT", "http://127.0.0.1:1/apisix/admin/routes/1")
    refused = httpx.Response(400, text='{"error_msg":"no"}', request=request)
    with pytest.raises(UnexpectedAnswer, match=r"PUT http://127\.0\.0\.1:1/apisix/admin/routes/1 .* 400: .*no"):
        accepted(refused)
    assert accepted(httpx.Response(201, request=request)).status_code == 201


def test_what_is_no_json_object() -> None:
    with pytest.raises(UnexpectedAnswer, match="routes is no JSON object"):
        as_object("[]", "routes")
    with pytest.raises(UnexpectedAnswer, match="writes is no JSON array"):
        as_objects("{}", "writes")
