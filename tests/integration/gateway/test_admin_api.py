"""The Admin API client at the stand-in gateway, whose likeness to APISIX the contract tests see to."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from devstack.handles.gateway import Fault, GatewayApi
from echoroute.core.changes import Delete, Put
from echoroute.core.objects import JsonObject, Kind, ObjectRef
from echoroute.errors import GatewayDeferred, GatewayRejected, GatewayUnauthorized, GatewayUnavailable
from echoroute.gateway.admin_api import AdminApi
from echoroute.gateway.version import apisix_version
from echoroute.net.credential import Credential
from echoroute.net.tls import Tls


def client(gateway: GatewayApi, key: Credential | None = None) -> AdminApi:
    key = key or Credential("ECHOROUTE_APISIX_ADMIN_KEY_FILE", file=gateway.admin_key_file)
    return AdminApi(gateway.admin_url, key, tls=Tls(), concurrency=8, max_writes_per_second=None)


@pytest.fixture
async def api(gateway: GatewayApi) -> AsyncIterator[AdminApi]:
    gateway.wipe()
    gateway.reset_stats()
    made = client(gateway)
    yield made
    await made.aclose()
    gateway.clear_faults()
    gateway.wipe()


def upstream() -> JsonObject:
    return {"type": "roundrobin", "nodes": {"127.0.0.1:9": 1}, "labels": {"manager": "test"}}


def route(**fields: object) -> JsonObject:
    discovered = {"type": "roundrobin", "discovery_type": "consul", "service_name": "echo", "scheme": "http"}
    return {"uris": ["/testecho/*"], "upstream": discovered, "status": 1, **fields}


def refs(name: str = "bundle") -> tuple[ObjectRef, ObjectRef]:
    suffix = secrets.token_hex(4)
    return ObjectRef(Kind.UPSTREAM, f"{name}.{suffix}"), ObjectRef(Kind.ROUTE, f"{name}.{suffix}")


async def test_what_is_written_is_what_is_read(api: AdminApi) -> None:
    _, ref = refs()
    body = route(
        name="default/echo",
        labels={"manager": "echoroute", "owner": "abcdef12", "namespace": "default", "name": "echo"},
        methods=["GET", "HEAD"],
        hosts=["echo.example.com"],
        priority=10,
        plugins={"proxy-rewrite": {"regex_uri": ["^/testecho/(.*)", "/$1"]}},
        timeout={"connect": 6, "send": 6.5, "read": 60},
        enable_websocket=True,
    )
    await api.apply([Put(ref, body)])
    stored = await api.read(ref)
    assert stored is not None
    assert stored.body == body
    assert stored.create_time > 1_700_000_000
    assert await api.list() == {ref: stored}
    await api.apply([Put(ref, body)])
    again = await api.read(ref)
    assert again is not None
    assert again.modified_index > stored.modified_index
    assert again.create_time == stored.create_time


async def test_a_bundle_comes_and_goes_in_order(api: AdminApi, gateway: GatewayApi) -> None:
    up, ref = refs()
    await api.apply([Put(up, upstream()), Put(ref, {"uris": ["/x"], "upstream_id": up.id})])
    with pytest.raises(GatewayDeferred, match="still using it"):
        await api.apply([Delete(up)])
    await api.apply([Delete(ref), Delete(up)])
    assert await api.list() == {}
    await api.apply([Delete(ref), Delete(up)])  # already gone
    assert [(write.method, write.kind) for write in gateway.writes()[:2]] == [("PUT", "upstreams"), ("PUT", "routes")]


async def test_a_route_on_a_missing_upstream_may_be_tried_again(api: AdminApi) -> None:
    up, ref = refs()
    with pytest.raises(GatewayDeferred, match=up.id):
        await api.apply([Put(ref, {"uris": ["/x"], "upstream_id": up.id})])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (route(methods=["FETCH"]), "methods"),
        (route(unknown_field=1), "additional properties forbidden"),
        (route(plugins={"limit-count": {"count": 0, "time_window": 1}}), "limit-count"),
    ],
)
async def test_a_refused_object_is_rejected_in_the_gateways_words(api: AdminApi, body: JsonObject, words: str) -> None:
    _, ref = refs()
    with pytest.raises(GatewayRejected, match=words):
        await api.apply([Put(ref, body)])
    assert await api.read(ref) is None


async def test_a_wrong_key(gateway: GatewayApi) -> None:
    api = client(gateway, Credential("KEY", value="wrong-key-of-somebody"))
    with pytest.raises(GatewayUnauthorized) as caught:
        await api.probe()
    assert "wrong-key" not in str(caught.value)
    await api.aclose()


async def test_a_key_that_is_rotated_on_both_sides_costs_no_failed_write(gateway: GatewayApi, tmp_path) -> None:
    file = tmp_path / "key"
    file.write_text(gateway.admin_key_file.read_text().splitlines()[0])
    api = client(gateway, Credential("KEY", file=file))
    _, ref = refs()
    await api.apply([Put(ref, route())])
    gateway.add_fault(Fault(action="admin_key", key="the-rotated-key-of-the-gateway"))
    file.write_text("the-rotated-key-of-the-gateway")
    try:
        await api.apply([Delete(ref)])
    finally:
        gateway.clear_faults()
        await api.aclose()


async def test_a_write_whose_connection_is_cut_is_made_at_most_once(api: AdminApi, gateway: GatewayApi) -> None:
    for action, made in (("drop_after", True), ("drop_before", False)):
        _, ref = refs(action)
        await api.probe()  # a connection that is kept: on one such, aiohttp alone would send again
        gateway.reset_stats()
        gateway.add_fault(Fault(action=action, count=1, writes=True))
        with pytest.raises(GatewayUnavailable) as caught:
            await api.apply([Put(ref, route())])
        assert caught.value.outcome_unknown
        assert len(gateway.writes()) <= 1
        assert (await api.read(ref) is not None) is made


async def test_a_gateway_that_restarts_is_reached_again(api: AdminApi, gateway: GatewayApi) -> None:
    await asyncio.gather(*(api.read(refs()[1]) for _ in range(8)))
    gateway.add_fault(Fault(action="refuse"))
    with pytest.raises(GatewayUnavailable, match=r"cannot connect|closed"):
        await api.probe()
    gateway.clear_faults()
    assert apisix_version(await api.probe()) == (3, 18)
