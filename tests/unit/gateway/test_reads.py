"""Lists and single objects: what is read is complete or an error, and one odd object spoils nothing."""

import asyncio
import json

import pytest
from echoroute.core.changes import Stored
from echoroute.core.objects import Kind, ObjectRef
from echoroute.errors import GatewayUnavailable
from prometheus_client import REGISTRY

from .objects import ABSENT, BODY, ROUTE, UPSTREAM, item


async def test_a_list_is_one_unpaged_get_for_each_kind_and_gives_what_was_written(server, api):
    lists = {
        "/apisix/admin/upstreams": {"list": {}, "total": 0},
        "/apisix/admin/routes": {"list": [item(ROUTE, BODY), item(ObjectRef(Kind.ROUTE, "by-hand"), {})], "total": 2},
    }
    server.answer = lambda seen: server.reply(200, lists[seen.path])
    assert await api.list() == {
        ROUTE: Stored(BODY, 1795449550, 7),
        ObjectRef(Kind.ROUTE, "by-hand"): Stored({}, 1795449550, 7),
    }
    assert [(seen.method, seen.path) for seen in server.seen] == [("GET", path) for path in lists]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"list": [item(ROUTE, {})], "total": 2}, "an object is missing: its absence must not be believed"),
        ({"list": {}, "total": 3}, "the page behind the last one looks like this"),
        ({"total": 0}, "no list"),
        ({}, "another API"),
        ([], "another API"),
        ({"node": {"nodes": []}, "count": 0}, "Admin API v2"),
        ({"list": [{"value": {}}], "total": 1}, "an object without key"),
        ({"list": ["x"], "total": 1}, "no object"),
    ],
)
async def test_a_list_that_may_be_incomplete_is_an_error(server, api, answer, why):
    server.always(200, answer)
    with pytest.raises(GatewayUnavailable, match=r"Admin API|complete list"):
        await api.list()


async def test_an_object_written_past_the_api_is_listed_as_nobodys(server, api):
    broken = [
        {"key": "/apisix/routes/a", "modifiedIndex": 3, "value": "text"},
        {"key": "/apisix/routes/b", "modifiedIndex": 4, "value": {"create_time": "yesterday", "uri": "/"}},
    ]
    server.always(200, {"list": broken, "total": 2})
    found = await api.list()
    assert found[ObjectRef(Kind.ROUTE, "a")] == Stored({}, 0, 3)
    assert found[ObjectRef(Kind.ROUTE, "b")] == Stored({"uri": "/"}, 0, 4)


async def test_one_list_at_a_time(server, api):
    server.always(200, {"list": [], "total": 0})
    server.delay = 0.05
    await asyncio.gather(api.list(), api.list(), api.list())
    assert server.most_connections == 1


async def test_reading_one_object(server, api):
    server.always(200, item(ROUTE, BODY, index=9))
    assert await api.read(ROUTE) == Stored(BODY, 1795449550, 9)
    server.always(404, ABSENT)
    assert await api.read(ROUTE) is None
    server.always(404, None, text="<html>")
    with pytest.raises(GatewayUnavailable):
        await api.read(ROUTE)


async def test_a_list_of_an_etcd_without_directories_is_empty(server, api):
    server.always(404, ABSENT)
    assert dict(await api.list()) == {}


async def test_a_404_of_something_else_is_no_empty_list(server, api):
    server.always(404, {"message": "no Route matched with those values"})
    with pytest.raises(GatewayUnavailable, match="this is no Admin API"):
        await api.list()


def _deep(levels):
    value = "x"
    for _ in range(levels):
        value = [value]
    return value


ODD = [
    ("nested deeply", item(ObjectRef(Kind.ROUTE, "odd"), {"uri": "/", "plugins": {"cors": {"a": _deep(300)}}}), False),
    ("a value that is none", {"key": "/apisix/routes/odd", "modifiedIndex": 3, "value": "text"}, False),
    ("a time of the far future", item(ObjectRef(Kind.ROUTE, "odd"), {}) | {"value": {"create_time": 1e300}}, False),
    ("without an index", {"key": "/apisix/routes/odd", "value": {}}, True),
    ("without a key", {"modifiedIndex": 3, "value": {}}, True),
    ("no object at all", 5, True),
]


@pytest.mark.parametrize("case", ODD, ids=[why for why, _, _ in ODD])
async def test_one_odd_object_spoils_no_list(server, api, caplog, case):
    why, odd, unreadable = case

    def answer(seen):
        found = [item(ROUTE, BODY), odd] if seen.path.endswith("/routes") else []
        return server.reply(200, {"list": found, "total": len(found)})

    server.answer = answer
    for _ in range(2):
        listed = await api.list()
        assert listed[ROUTE] == Stored(BODY, 1795449550, 7), why
        assert len(listed) == 2 - unreadable
    said = [record for record in caplog.records if "cannot be read" in record.message]
    assert len(said) == unreadable, "once, however often it is seen"
    assert REGISTRY.get_sample_value("echoroute_gateway_unreadable_objects") == unreadable


async def test_bytes_that_are_no_text_spoil_no_list(server, api):
    text = json.dumps({"list": [item(ROUTE, BODY), item(UPSTREAM, {"desc": "BYTES"})], "total": 2})
    whole = server.reply(200, json.loads(text))
    server.answer = lambda seen: whole.replace(b"BYTES", b"\xff\xfe\xfd\xfc\xfb")
    assert ROUTE in await api.list()


async def test_a_list_of_nothing_but_odd_objects_is_another_apis(server, api):
    server.always(200, {"list": [{"id": 1}, {"id": 2}], "total": 2})
    with pytest.raises(GatewayUnavailable, match="is this APISIX's Admin API"):
        await api.list()
