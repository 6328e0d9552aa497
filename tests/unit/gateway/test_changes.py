"""Changes: each is one request, made in order and in time, and the answer says what has become of it."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from echoroute.core.changes import Delete, Put
from echoroute.core.objects import Kind, ObjectRef
from echoroute.errors import GatewayDeferred, GatewayRejected, GatewayUnauthorized, GatewayUnavailable
from prometheus_client import REGISTRY

from .objects import ABSENT, BODY, ROUTE, UPSTREAM

IN_USE = {"error_msg": "can not delete this upstream, route [r2] is still using it now"}


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


@pytest.mark.parametrize("bad", ["", "a/b", "..", ".", "a b", "x" * 65, "a%2Fb"])
async def test_an_id_that_would_reach_another_path_is_never_sent(server, api, bad):
    with pytest.raises(ValueError, match="not an id"):
        await api.apply([Delete(ObjectRef(Kind.ROUTE, bad))])
    assert server.seen == []


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
