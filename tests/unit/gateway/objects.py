"""The objects that tests write through the Admin API, and what APISIX 3.18 gives back of them."""

from echoroute.core.changes import Delete, Put
from echoroute.core.objects import Kind, ObjectRef

ROUTE = ObjectRef(Kind.ROUTE, "abcdef12.default.echo")
PUT = Put(ROUTE, {"uris": ["/"]})
DELETE = Delete(ROUTE)
UPSTREAM = ObjectRef(Kind.UPSTREAM, "abcdef12.default.echo.1")
BODY = {"uris": ["/testecho/*"], "labels": {"name": "echo"}, "priority": 0, "name": "größe"}
ABSENT = {"message": "Key not found"}


def item(ref: ObjectRef, body: dict[str, object], index: int = 7) -> dict[str, object]:
    value = {**body, "id": ref.id, "create_time": 1795449550, "update_time": 1795449552}
    return {"createdIndex": 5, "modifiedIndex": index, "key": f"/apisix/{ref.kind}/{ref.id}", "value": value}
