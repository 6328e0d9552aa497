"""The admin key: one that was rotated is taken up, one that is refused is told by its setting and never shown."""

import asyncio

import httpx
import pytest
from echoroute.core.changes import Put
from echoroute.core.objects import Kind, ObjectRef
from echoroute.errors import GatewayUnauthorized
from echoroute.gateway import answers
from echoroute.net.credential import Credential

from .objects import ROUTE


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


def test_a_refused_key_names_the_setting_that_is_in_use():
    refused = httpx.Response(401, json={"description": "wrong apikey", "error_msg": "failed to check token"})
    with pytest.raises(
        GatewayUnauthorized, match="check ECHOROUTE_APISIX_ADMIN_KEY_FILE and the gateway's allow_admin"
    ):
        answers.check_read(refused, "GET routes", key="ECHOROUTE_APISIX_ADMIN_KEY_FILE")
