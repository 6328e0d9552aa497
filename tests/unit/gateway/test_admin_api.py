"""Requests and answers of the Admin API, as APISIX 3.18 gives them."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from echoroute.core.changes import Delete, Put, Stored
from echoroute.core.objects import Kind, ObjectRef
from echoroute.errors import GatewayDeferred, GatewayRejected, GatewayUnauthorized, GatewayUnavailable, SettingsError
from echoroute.gateway import answers
from echoroute.gateway.version import apisix_version
from echoroute.net.credential import Credential
from prometheus_client import REGISTRY

ROUTE = ObjectRef(Kind.ROUTE, "abcdef12.default.echo")
UPSTREAM = ObjectRef(Kind.UPSTREAM, "abcdef12.default.echo.1")
BODY = {"uris": ["/testecho/*"], "labels": {"name": "echo"}, "priority": 0, "name": "größe"}
ABSENT = {"message": "Key not found"}
IN_USE = {"error_msg": "can not delete this upstream, route [r2] is still using it now"}


def item(ref: ObjectRef, body: dict[str, object], index: int = 7) -> dict[str, object]:
    value = {**body, "id": ref.id, "create_time": 1795449550, "update_time": 1795449552}
    return {"createdIndex": 5, "modifiedIndex": index, "key": f"/apisix/{ref.kind}/{ref.id}", "value": value}


async def test_a_put_is_one_request_with_the_whole_body_and_the_key(server, api):
    server.always(201, {"key": "/apisix/routes/x", "value": {"ciphertext": "not what is stored"}})
    await api.apply([Put(ROUTE, BODY)])
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("PUT", "/apisix/admin/routes/abcdef12.default.echo")
    assert json.loads(seen.body) == BODY
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["x-api-key"] == "the-admin-key"


async def test_changes_are_made_in_order_each_after_the_one_before_is_answered(server, api):
    server.always(200, {})
    done = []
    await api.apply([Put(UPSTREAM, {}), Put(ROUTE, {}), Delete(UPSTREAM)], done=done.append)
    assert [(seen.method, seen.path.rsplit("/", 1)[1]) for seen in server.seen] == [
        ("PUT", UPSTREAM.id),
        ("PUT", ROUTE.id),
        ("DELETE", UPSTREAM.id),
    ]
    assert done == [Put(UPSTREAM, {}), Put(ROUTE, {}), Delete(UPSTREAM)]


async def test_the_first_failure_ends_the_apply_and_done_says_how_far_it_went(server, api):
    answers = {UPSTREAM.id: server.reply(201, {}), ROUTE.id: server.reply(400, {"error_msg": "wrong"})}
    server.answer = lambda seen: answers[seen.path.rsplit("/", 1)[1]]
    done = []
    with pytest.raises(GatewayRejected):
        await api.apply([Put(UPSTREAM, {}), Put(ROUTE, {}), Delete(UPSTREAM)], done=done.append)
    assert done == [Put(UPSTREAM, {})]
    assert len(server.seen) == 2


async def test_what_before_raises_ends_the_apply_without_a_request(server, connect):
    class Outdated(Exception):
        pass

    def before(change):
        if isinstance(change, Delete):
            raise Outdated

    api = connect(f"http://127.0.0.1:{server.port}", concurrency=1)
    with pytest.raises(Outdated):
        await api.apply([Put(ROUTE, {}), Delete(UPSTREAM)], before=before)
    assert [seen.method for seen in server.seen] == ["PUT"]
    await api.apply([Put(ROUTE, {})])  # its slot was given back


async def test_before_is_asked_after_the_waiting_and_not_when_the_change_is_queued(server, connect):
    api = connect(f"http://127.0.0.1:{server.port}", concurrency=1)
    server.delay = 0.1
    asked = []
    first = asyncio.create_task(api.apply([Put(ROUTE, {})]))
    await asyncio.sleep(0.02)
    second = asyncio.create_task(api.apply([Delete(ROUTE)], before=asked.append))
    await asyncio.sleep(0.02)
    assert asked == []
    await asyncio.gather(first, second)
    assert asked == [Delete(ROUTE)]


@pytest.mark.parametrize(
    ("change", "status", "answer", "error", "words", "why"),
    [
        (Delete(ROUTE), 200, {"deleted": "1"}, None, "", "deleted"),
        (Delete(ROUTE), 404, ABSENT, None, "", "already gone"),
        (Put(ROUTE, {}), 400, {"error_msg": "invalid configuration"}, GatewayRejected, "invalid configuration", "spec"),
        (Put(ROUTE, {}), 413, None, GatewayRejected, "HTTP 413", "nginx's own page says nothing of use"),
        (Delete(UPSTREAM), 400, IN_USE, GatewayDeferred, "route [r2] is still using it", "the check lags behind"),
        (
            Put(ROUTE, {}),
            400,
            {"error_msg": "failed to fetch upstream info by upstream id [u1], response code: 404"},
            GatewayDeferred,
            "upstream id [u1]",
            "somebody deleted it in between: nothing is wrong with the object",
        ),
        (Put(ROUTE, {}), 404, {"error_msg": "Unsupported resource type: routes"}, GatewayUnavailable, "ADMIN_URL", ""),
        (Put(ROUTE, {}), 404, ABSENT, GatewayUnavailable, "ADMIN_URL", "a PUT creates: it cannot miss its key"),
        (Delete(ROUTE), 404, None, GatewayUnavailable, "ADMIN_URL", "another server's page is no proof of absence"),
        (
            Put(ROUTE, {}),
            401,
            {"description": "wrong apikey", "error_msg": "failed to check token"},
            GatewayUnauthorized,
            "failed to check token: wrong apikey; check ECHOROUTE_APISIX_ADMIN_KEY",
            "",
        ),
        (Put(ROUTE, {}), 403, None, GatewayUnauthorized, "allow_admin", "nginx refuses the address"),
        (Put(ROUTE, {}), 408, None, GatewayUnavailable, "HTTP 408", ""),
        (Put(ROUTE, {}), 409, None, GatewayUnavailable, "HTTP 409", ""),
        (Put(ROUTE, {}), 429, None, GatewayUnavailable, "HTTP 429", ""),
        (Put(ROUTE, {}), 500, None, GatewayUnavailable, "HTTP 500", ""),
        (Put(ROUTE, {}), 302, None, GatewayUnavailable, "HTTP 302", "a login page in front; it is not followed"),
        (
            Put(ROUTE, {}),
            405,
            {"error_msg": "not supported"},
            GatewayUnavailable,
            "not supported",
            "says nothing of it",
        ),
        (
            Put(ROUTE, {}),
            503,
            {"error_msg": "has no healthy etcd endpoint available"},
            GatewayUnavailable,
            "PUT routes/abcdef12.default.echo: HTTP 503 Reason: has no healthy etcd endpoint available",
            "",
        ),
        (
            Put(ROUTE, {}),
            200,
            None,
            GatewayUnavailable,
            "is this APISIX's Admin API?",
            "a start page answers 200 to all",
        ),
        (Delete(ROUTE), 200, None, GatewayUnavailable, "is this APISIX's Admin API?", "the same for a DELETE"),
    ],
)
async def test_what_an_answer_to_a_change_means(server, api, *, change, status, answer, error, words, why):
    html = "<html><h1>openresty</h1></html>"
    server.always(status, answer, text=None if answer else html)
    if error is None:
        await api.apply([change])
        return
    with pytest.raises(error) as caught:
        await api.apply([change])
    assert type(caught.value) is error, why
    assert words in str(caught.value)
    assert "openresty" not in str(caught.value)
    if isinstance(caught.value, GatewayUnavailable):
        assert not caught.value.outcome_unknown
    assert len(server.seen) == 1


async def test_a_rejection_carries_the_gateways_text_alone_on_one_line_and_at_most_one_kibibyte(server, api):
    server.always(400, {"error_msg": "a\r\n\tb" + "ü" * 2000, "req_body": "sent"})
    with pytest.raises(GatewayRejected) as caught:
        await api.apply([Put(ROUTE, {})])
    text = str(caught.value)
    assert text.startswith("a bü")
    assert text.endswith("ü…")
    assert 1020 < len(text.encode()) <= 1024
    assert "sent" not in text


@pytest.mark.parametrize(
    ("header", "low", "high", "why"),
    [
        ("7", 7, 7, "seconds"),
        ("0", 0, 0, "at once"),
        (timedelta(seconds=900), 300, 901, "a date"),
        (timedelta(hours=-1), 0, 0, "a date that has passed"),
        ("soon", None, None, "not as in RFC 9110"),
        ("-3", None, None, "not as in RFC 9110"),
        ("9" * 400, None, None, "not a number of seconds"),
    ],
)
async def test_retry_after(server, api, *, header, low, high, why):
    if isinstance(header, timedelta):
        header = format_datetime(datetime.now(UTC) + header, usegmt=True)
    server.always(503, {}, headers={"Retry-After": header})
    with pytest.raises(GatewayUnavailable) as caught:
        await api.apply([Put(ROUTE, {})])
    found = caught.value.retry_after
    assert (found is None) if low is None else (low <= found <= high), why


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


@pytest.mark.parametrize(
    ("status", "answer", "error", "why"),
    [
        (404, ABSENT, None, "answers and takes the key"),
        (200, {}, None, "somebody has such a route"),
        (401, {"error_msg": "failed to check token"}, GatewayUnauthorized, ""),
        (503, {"error_msg": "has no healthy etcd endpoint available"}, GatewayUnavailable, ""),
        (404, {"error_msg": "404 Route Not Found"}, GatewayUnavailable, "the data plane's port"),
    ],
)
async def test_the_probe_is_one_request_that_tells_server_and_trouble(server, api, *, status, answer, error, why):
    server.always(status, answer)
    if error is None:
        assert await api.probe() == "APISIX/3.18.0", why
    else:
        with pytest.raises(error):
            await api.probe()
    assert len(server.seen) == 1


async def test_a_key_that_was_rotated_is_taken_up_without_a_failed_request(server, connect, tmp_path):
    file = tmp_path / "key"
    file.write_text("first-key\n")
    api = connect(f"http://127.0.0.1:{server.port}", key=Credential("KEY", file=file))
    await api.apply([Put(ROUTE, {})])
    replacement = tmp_path / "new"
    replacement.write_text("second-key\n")
    replacement.replace(file)
    await api.apply([Put(ROUTE, {})])
    assert [seen.headers["x-api-key"] for seen in server.seen] == ["first-key", "second-key"]


async def test_a_key_that_changes_while_requests_are_under_way_is_tried_again_once_by_each(server, connect, tmp_path):
    file = tmp_path / "key"
    file.write_text("first-key")
    api = connect(f"http://127.0.0.1:{server.port}", key=Credential("KEY", file=file))
    server.delay = 0.05
    refused = server.reply(401, {"error_msg": "failed to check token"})
    server.answer = lambda seen: refused if seen.headers["x-api-key"] == "first-key" else server.reply(200, {})
    writes = [asyncio.create_task(api.apply([Put(ObjectRef(Kind.ROUTE, f"r{i}"), {})])) for i in range(4)]
    await asyncio.sleep(0.02)
    file.write_text("second-key")
    await asyncio.gather(*writes)
    assert [seen.headers["x-api-key"] for seen in server.seen] == ["first-key"] * 4 + ["second-key"] * 4


async def test_a_refused_key_that_did_not_change_is_not_tried_again(server, connect, tmp_path):
    file = tmp_path / "key"
    file.write_text("wrong-key-value")
    api = connect(f"http://127.0.0.1:{server.port}", key=Credential("KEY", file=file))
    server.always(401, {"error_msg": "failed to check token", "description": "wrong apikey"})
    with pytest.raises(GatewayUnauthorized) as caught:
        await api.apply([Put(ROUTE, {})])
    assert len(server.seen) == 1
    assert "wrong-key-value" not in f"{caught.value!r} {api!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://127.0.0.1:{}", "/apisix/admin/routes"),
        ("http://127.0.0.1:{}/", "/apisix/admin/routes"),
        ("http://127.0.0.1:{}/apisix/admin/", "/apisix/admin/routes"),
        ("http://127.0.0.1:{}/gw/apisix/admin", "/gw/apisix/admin/routes"),
    ],
)
async def test_the_urls_path_defaults_to_the_admin_apis(server, connect, url, path):
    server.always(200, {"list": [], "total": 0})
    await connect(url.format(server.port)).list()
    assert server.seen[-1].path == path


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("127.0.0.1:9180", "no scheme"),
        ("ftp://gateway", "another scheme"),
        ("http://", "no host"),
        ("http://gateway:port", "no number"),
        ("http://admin:hunter2@gateway", "a password that would be logged"),
        ("http://gateway/?api_key=hunter2", "a key that would be logged"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_by_the_settings_name(connect, url, why):
    with pytest.raises(SettingsError, match="ECHOROUTE_APISIX_ADMIN_URL") as caught:
        connect(url)
    assert "hunter2" not in str(caught.value), why


@pytest.mark.parametrize("bad", ["", "a/b", "..", ".", "a b", "x" * 65, "a%2Fb"])
async def test_an_id_that_would_reach_another_path_is_never_sent(server, api, bad):
    with pytest.raises(ValueError, match="not an id"):
        await api.apply([Delete(ObjectRef(Kind.ROUTE, bad))])
    assert server.seen == []


@pytest.mark.parametrize(
    ("header", "version"),
    [
        ("APISIX/3.18.0", (3, 18)),
        ("APISIX/3.18.0-standin", (3, 18)),
        ("APISIX/3.9.1", (3, 9)),
        ("APISIX", None),
        ("nginx/1.27", None),
        ("", None),
    ],
)
def test_version_in_the_server_header(header, version):
    assert apisix_version(header) == version


async def test_writes_are_spaced_evenly_and_reads_do_not_wait_for_them(server, connect):
    api = connect(f"http://127.0.0.1:{server.port}", max_writes_per_second=20)
    times = []
    server.always(200, {"list": [], "total": 0})
    started = time.monotonic()
    writes = [
        asyncio.create_task(api.apply([Put(ROUTE, {})], before=lambda change: times.append(time.monotonic())))
        for _ in range(7)
    ]
    await asyncio.sleep(0.01)
    await api.list()
    assert len(times) < 7
    await asyncio.gather(*writes)
    # The n-th write never begins before its time; that one comes late on a busy machine moves none of the others.
    assert all(at - started >= n * 0.05 - 0.005 for n, at in enumerate(times)), [at - started for at in times]


async def test_requests_are_counted_by_what_became_of_them(server, api):
    def counted(**labels: str) -> float:
        return REGISTRY.get_sample_value("echoroute_gateway_requests_total", labels) or 0

    before = {code: counted(method="PUT", kind="routes", code=code) for code in ("200", "400", "error")}
    await api.apply([Put(ROUTE, {})])
    server.always(400, {"error_msg": "x"})
    with pytest.raises(GatewayRejected):
        await api.apply([Put(ROUTE, {})])
    server.answer = server.close_unanswered
    with pytest.raises(GatewayUnavailable):
        await api.apply([Put(ROUTE, {})])
    for code, count in before.items():
        assert counted(method="PUT", kind="routes", code=code) == count + 1, code


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


def test_a_refused_key_names_the_setting_that_is_in_use():
    refused = httpx.Response(401, json={"description": "wrong apikey", "error_msg": "failed to check token"})
    with pytest.raises(
        GatewayUnauthorized, match="check ECHOROUTE_APISIX_ADMIN_KEY_FILE and the gateway's allow_admin"
    ):
        answers.check_read(refused, "GET routes", key="ECHOROUTE_APISIX_ADMIN_KEY_FILE")
