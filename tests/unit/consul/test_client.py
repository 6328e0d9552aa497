"""Queries and answers of Consul's health API."""

import asyncio
import socket

import pytest
from echoroute.api.selection import Service
from echoroute.consul.client import Answer, is_supported
from echoroute.core.instances import discovered
from echoroute.errors import ConsulAccessDenied, ConsulError
from echoroute.net.credential import Credential
from prometheus_client import REGISTRY


def counted(answer: Answer) -> tuple[int, int]:
    seen = discovered("echo", answer.instances or ())
    return seen.healthy, seen.total


async def test_the_first_query_does_not_block_and_the_next_waits_for_a_change(small_consul, client):
    await small_consul.put("echo", "passing", "critical")
    first = await client.health(Service("echo"))
    assert (counted(first), first.index) == ((1, 2), small_consul.index)
    waiting = asyncio.create_task(client.health(Service("echo"), index=first.index, wait=30))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await small_consul.put("echo", "passing")
    second = await waiting
    assert (counted(second), second.index) == ((1, 1), first.index + 1)
    assert [(index, wait) for _, _, index, wait in small_consul.queries] == [(0, ""), (first.index, "30s")]


async def test_a_wait_that_ends_without_a_change_says_so(small_consul, client):
    await small_consul.put("echo", "passing")
    first = await client.health(Service("echo"))
    assert await client.health(Service("echo"), index=first.index, wait=1) == Answer(None, first.index, streamed=True)


async def test_names_are_quoted(small_consul, client):
    await client.health(Service("a/b c?d"))
    assert small_consul.asked == {"a/b c?d": 1}


@pytest.mark.parametrize(
    ("fault", "words", "why"),
    [
        ({"leader": False}, "no leader", "a stale answer of a server that is cut off says nothing of now"),
        ({"fail": {"echo": 500}}, "HTTP 500: rpc error: not now", "on one line"),
        ({"fail": {"echo": 429}}, "HTTP 429", "Consul's rate limit"),
        ({"tokens": {"good"}}, "HTTP 403: ACL not found; check CONSUL_HTTP_TOKEN", ""),
        ({"services": {"echo": {"not": "a list"}}}, "no list", "another API"),
    ],
)
async def test_what_is_wrong_is_said(small_consul, client, fault, words, why):
    for name, value in fault.items():
        setattr(small_consul, name, value)
    with pytest.raises(ConsulError, match=r"Consul at http://127\.0\.0\.1:|no list") as caught:
        await client.health(Service("echo"))
    assert words in str(caught.value), why


async def test_a_shorter_answer_for_want_of_rights_is_an_error(small_consul, client):
    small_consul.hidden.add("echo")
    with pytest.raises(ConsulAccessDenied, match="service 'echo'; it needs service:read for it and node:read"):
        await client.health(Service("echo"))


async def test_an_index_of_zero_is_not_used_since_the_next_query_would_not_block(small_consul, client):
    small_consul.index = 0
    assert (await client.health(Service("echo"))).index == 1


async def test_something_else_that_listens_there_is_not_taken_for_a_consul_without_instances(connect):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n[]")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        with pytest.raises(ConsulError, match="is this Consul"):
            await connect(server.sockets[0].getsockname()[1]).health(Service("echo"))


async def test_nobody_listens(connect):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ConsulError, match=f"Consul at http://127.0.0.1:{port}: cannot connect"):
            await connect(port).probe()


async def test_a_token_file_is_read_again_when_it_changes_and_after_a_403(small_consul, connect, tmp_path):
    file = tmp_path / "token"
    file.write_text("old-token")
    client = connect(small_consul.port, Credential("CONSUL_HTTP_TOKEN_FILE", file=file))
    small_consul.tokens = {"old-token"}
    await client.health(Service("echo"))
    file.write_text("new-token-of-another-length")
    small_consul.tokens = {"new-token-of-another-length"}
    await client.health(Service("echo"))
    assert small_consul.asked["echo"] == 2
    small_consul.tokens = set()
    with pytest.raises(ConsulError) as caught:
        await client.health(Service("echo"))
    assert small_consul.asked["echo"] == 3
    assert "new-token" not in f"{caught.value!r} {client!r}"


async def test_requests_are_counted(small_consul, connect):
    def counted(code: str) -> float:
        return REGISTRY.get_sample_value("echoroute_consul_requests_total", {"code": code}) or 0

    before = {code: counted(code) for code in ("200", "500", "error")}
    client = connect(small_consul.port)
    await client.probe()
    small_consul.fail["*"] = 500
    with pytest.raises(ConsulError):
        await client.probe()
    with pytest.raises(ConsulError):
        await connect(1).probe()
    assert {code: counted(code) - count for code, count in before.items()} == {"200": 1, "500": 1, "error": 1}


@pytest.mark.parametrize(
    ("version", "supported"), [("1.15.0", True), ("1.14.11", False), ("1.19.2+ent", True), ("2.0.0", True), ("", True)]
)
def test_versions(version, supported):
    assert is_supported(version) is supported
