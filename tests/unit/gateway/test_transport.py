"""What a connection does to a request: how often a write arrives, and whether its outcome is known."""

import asyncio
import socket

import httpx
import pytest
from echoroute.core.changes import Put
from echoroute.core.objects import Kind, ObjectRef
from echoroute.errors import GatewayUnavailable
from echoroute.gateway import admin_api
from httpx_aiohttp import AiohttpTransport

from .objects import DELETE, PUT, ROUTE


async def failure(api, change) -> GatewayUnavailable:
    with pytest.raises(GatewayUnavailable) as caught:
        await api.apply([change])
    return caught.value


async def test_the_transport_alone_would_send_a_write_twice(server):
    """Why `_send_writes_once` exists. If this fails the libraries have changed, and it may not be needed any more."""
    server.answer = server.close_unanswered
    async with httpx.AsyncClient(transport=AiohttpTransport()) as client:
        with pytest.raises(httpx.ConnectTimeout):
            await client.put(f"http://127.0.0.1:{server.port}/", content=b"{}")
    assert [seen.method for seen in server.seen] == ["PUT", "PUT"]


@pytest.mark.parametrize("change", [PUT, DELETE], ids=["put", "delete"])
@pytest.mark.parametrize(
    ("ending", "why"),
    [
        ("close_unanswered", "a gateway that is killed closes its connections"),
        ("reset", "a load balancer that lost its backend resets"),
    ],
)
@pytest.mark.parametrize("reused", [False, True], ids=["new connection", "reused connection"])
async def test_a_write_that_ends_unanswered_arrives_once_and_its_outcome_is_unknown(
    server, api, *, change, ending, why, reused
):
    if reused:
        await api.apply([PUT])
    server.seen.clear()
    server.answer = getattr(server, ending)

    error = await failure(api, change)

    assert len(server.writes) == 1, why
    assert server.writes[0].nth == (2 if reused else 1)
    assert error.outcome_unknown
    assert "closed before the answer" in str(error)


async def test_a_read_on_a_connection_that_was_closed_while_idle_is_sent_again(server, api):
    first = server.reply(404, {"message": "Key not found"})
    server.answer = lambda seen: first if seen.nth == 1 else server.close_unanswered(seen)
    await api.read(ROUTE)
    assert await api.read(ROUTE) is None
    assert [seen.connection for seen in server.seen] == [1, 1, 2]


@pytest.mark.parametrize(
    ("answer", "words", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nzzz", "within the answer", "cut off within the body"),
        (b"HTTP/1.1 200 OK\r\nConte", "before the answer", "cut off within the header"),
        (b"SSH-2.0 OpenSSH_9\r\n\r\n", "not HTTP", "another service listens there"),
    ],
)
async def test_a_broken_answer_to_a_write_leaves_its_outcome_unknown(server, api, answer, words, why):
    # The rest of the answer never comes: the connection is closed after these bytes.
    server.answer = lambda seen: server.last_words(answer)
    error = await failure(api, PUT)
    assert error.outcome_unknown, why
    assert words in str(error)
    assert "zzz" not in str(error)
    assert "OpenSSH" not in str(error)
    assert len(server.writes) == 1


async def test_a_refused_connection_means_that_nothing_was_written(connect):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = await failure(connect(f"http://127.0.0.1:{unused.getsockname()[1]}"), PUT)
    assert not error.outcome_unknown
    assert "Connection refused" in str(error) or "cannot connect" in str(error)
    assert "PUT routes/abcdef12.default.echo" in str(error)


async def test_a_name_that_does_not_resolve_is_named(connect):
    error = await failure(connect("http://gateway.invalid:9180"), PUT)
    assert not error.outcome_unknown
    assert "gateway.invalid cannot be resolved" in str(error)


async def test_no_connection_in_time_means_that_nothing_was_written(connect, monkeypatch):
    monkeypatch.setattr("echoroute.net.client.CONNECT_TIMEOUT", 0.2)
    with socket.socket() as full:
        # Linux drops the SYN of a connection that does not fit into the backlog any more.
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        try:
            error = await failure(connect(f"http://127.0.0.1:{address[1]}"), PUT)
        finally:
            for filler in fillers:
                filler.close()
    assert not error.outcome_unknown
    assert "no connection within 0.2 s" in str(error)


async def test_a_gateway_that_hangs_is_given_up_and_the_outcome_is_unknown(server, api, monkeypatch):
    monkeypatch.setattr(admin_api, "_TIMEOUT", 0.2)
    server.delay = 5
    error = await failure(api, PUT)
    assert error.outcome_unknown
    assert "no answer within 0.2 s" in str(error)
    assert len(server.writes) == 1


async def test_a_read_never_has_an_unknown_outcome(server, api):
    server.answer = server.reset
    with pytest.raises(GatewayUnavailable) as caught:
        await api.list()
    assert not caught.value.outcome_unknown


async def test_writes_keep_to_their_connections_and_a_read_gets_through_while_they_hang(server, connect):
    api = connect(f"http://127.0.0.1:{server.port}", concurrency=3)
    server.delay = 0.2
    writes = [asyncio.create_task(api.apply([Put(ObjectRef(Kind.ROUTE, f"r{i}"), {})])) for i in range(9)]
    await asyncio.sleep(0.1)
    assert len(server.writes) == 3
    server.always(404, {"message": "Key not found"})
    before = len(server.writes)
    await api.probe()
    assert len(server.writes) - before <= 6
    server.always(200, {})
    server.delay = 0
    await asyncio.gather(*writes, return_exceptions=True)
    assert server.most_connections == 4  # 3 for writes, one for the probe


async def test_a_cancelled_write_frees_its_connection_and_its_slot(server, connect):
    api = connect(f"http://127.0.0.1:{server.port}", concurrency=1)
    server.delay = 5
    write = asyncio.create_task(api.apply([PUT]))
    await server.arrived.wait()
    write.cancel()
    await asyncio.gather(write, return_exceptions=True)
    server.delay = 0
    async with asyncio.timeout(2):
        await api.apply([PUT])
    assert [seen.connection for seen in server.writes] == [1, 2]
