"""The fence: after its end no write leaves, wherever it was on its way; counted where it would arrive."""

import asyncio
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme
from echoroute.errors import NotLeading
from echoroute.net import fence as fence_module
from echoroute.net.client import HttpClient
from echoroute.net.credential import Credential
from echoroute.net.fence import Fence
from echoroute.net.tls import Tls

from . import frozen
from .objects import DELETE, PUT, ROUTE


@pytest.fixture
def fence() -> Fence:
    opened = Fence()
    opened.open()
    return opened


@pytest.fixture
def fenced(server, connect, fence):
    return connect(f"http://127.0.0.1:{server.port}", fence=fence, concurrency=2)


@pytest.mark.parametrize("change", [PUT, DELETE], ids=["put", "delete"])
@pytest.mark.parametrize("reused", [False, True], ids=["new connection", "reused connection"])
async def test_behind_a_closed_fence_reads_pass_and_writes_do_not(server, fenced, fence, change, reused):
    if reused:
        await fenced.apply([PUT])
    server.seen.clear()
    fence.close()
    with pytest.raises(NotLeading):
        await fenced.apply([change])
    server.always(404, {"message": "Key not found"})
    assert await fenced.read(ROUTE) is None
    assert [seen.method for seen in server.seen] == ["GET"]
    fence.open()
    server.always(200, {})
    await fenced.apply([change])
    assert len(server.writes) == 1


async def test_a_write_that_waits_for_a_connection_is_not_sent_once_the_fence_has_closed(server, fence):
    http = HttpClient(f"http://127.0.0.1:{server.port}", tls=Tls(), connections=2, fence=fence)
    server.delay = 0.2

    async def write() -> None:
        await http.request("PUT", "/routes/1", headers={}, timeout=5, content=b"{}")

    writes = [asyncio.create_task(write()) for _ in range(10)]
    await server.arrived.wait()
    fence.close()
    ended = await asyncio.gather(*writes, return_exceptions=True)
    await http.aclose()
    assert len(server.writes) == 2, "those that were on the wire"
    assert sum(isinstance(each, NotLeading) for each in ended) == 8, "all others"


@pytest.fixture
def authority(tmp_path):
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


@contextmanager
def late_handshakes(authority):
    """A TLS server that shakes hands once it may; gives its port, two events, and what arrived."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    accepted, shake, received, threads = threading.Event(), threading.Event(), bytearray(), []

    def serve(raw):
        with raw, suppress(OSError):
            accepted.set()
            shake.wait(10)
            with context.wrap_socket(raw, server_side=True) as connection:
                received.extend(connection.recv(1000))

    def accept(listener):
        with suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=(listener.accept()[0],)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=accept, args=(listener,))
        acceptor.start()
        try:
            yield listener.getsockname()[1], accepted, shake, received
        finally:
            shake.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in (acceptor, *threads):
                thread.join()


async def test_a_write_that_is_connecting_is_not_sent_once_the_fence_has_closed(fence, authority, tmp_path):
    """The handshake is the longest step of connecting: up to 5 s, after all hooks and middlewares."""
    with late_handshakes(authority) as (port, accepted, shake, received):
        http = HttpClient(f"https://localhost:{port}", tls=Tls(ca_file=tmp_path / "ca.pem"), connections=1, fence=fence)
        writing = asyncio.create_task(http.request("PUT", "/", headers={}, timeout=5, content=b"{}"))
        assert await asyncio.to_thread(accepted.wait, 5)
        fence.close()
        shake.set()
        with pytest.raises(NotLeading):
            await writing
        await http.aclose()
    assert not received


async def _frozen(*arguments: str, meanwhile: Callable[[], object]) -> int:
    """Run `frozen.py`, freeze it until its fence has closed, and give how many of its writes the fence has refused."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, Path(__file__).with_name("frozen.py"), *arguments, stdout=asyncio.subprocess.PIPE
    )
    while not await asyncio.to_thread(meanwhile):
        assert process.returncode is None
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(frozen.OPEN_FOR + 0.2)
    process.send_signal(signal.SIGCONT)
    output, _ = await process.communicate()
    return int(output)


async def test_a_process_that_was_frozen_with_writes_that_wait_for_a_connection_sends_none_of_them(server):
    server.delay = 0.3
    arrived = asyncio.create_task(server.arrived.wait())
    refused = await _frozen(f"http://127.0.0.1:{server.port}", "", meanwhile=arrived.done)
    assert len(server.writes) == frozen.CONNECTIONS, "those that were on the wire"
    assert refused == frozen.WRITES - frozen.CONNECTIONS


async def test_a_process_that_was_frozen_while_connecting_sends_nothing(authority, tmp_path):
    with late_handshakes(authority) as (port, accepted, shake, received):

        def connecting() -> bool:
            if accepted.wait(0.1):
                threading.Timer(frozen.OPEN_FOR, shake.set).start()  # while it is frozen
            return accepted.is_set()

        refused = await _frozen(f"https://localhost:{port}", str(tmp_path / "ca.pem"), meanwhile=connecting)
    assert not received
    assert refused == frozen.WRITES


async def test_a_second_try_stands_behind_the_fence_too(server, connect, fence, tmp_path):
    """The key was refused and read again; by then another replica leads."""
    key = tmp_path / "key"
    key.write_text("old")

    def refuse(_: object) -> bytes:
        key.write_text("new key")
        fence.close()
        return server.reply(401, {})

    server.answer = refuse
    api = connect(f"http://127.0.0.1:{server.port}", key=Credential("KEY", file=key), fence=fence)
    with pytest.raises(NotLeading):
        await api.apply([PUT])
    assert len(server.writes) == 1


async def test_a_write_whose_connection_breaks_is_not_sent_again_behind_the_fence(server, fenced, fence):
    await fenced.apply([PUT])
    fence.close()
    server.answer = server.close_unanswered
    with pytest.raises(NotLeading):
        await fenced.apply([PUT])
    assert len(server.writes) == 1


async def test_connections_that_were_idle_for_too_long_are_closed_by_a_clock_that_a_freeze_does_not_stop(
    server, fenced, monkeypatch
):
    """The event loop's clock, by which aiohttp closes them, may stand still with the machine."""
    await fenced.apply([PUT])
    await fenced.apply([PUT])
    asleep = fence_module.boot_time() + fence_module.KEEPALIVE + 1
    monkeypatch.setattr(fence_module, "boot_time", lambda: asleep)
    await fenced.apply([PUT])
    await fenced.apply([PUT])
    assert [(seen.connection, seen.nth) for seen in server.seen] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_fence_is_closed_at_first_and_ends_by_its_clock():
    now = 0.0
    fence = Fence(lambda: now)
    assert not fence.is_open
    fence.open(10.0)
    assert fence.is_open
    now = 10.0
    assert not fence.is_open
    fence.open()
    assert fence.is_open
    fence.close()
    assert not fence.is_open
