"""Takes TLS connections and passes on what they carry: `tls_front.py PORT=HOST:PORT ...`, certificate in /etc/tls."""

import asyncio
import ssl
import sys
from functools import partial

_CHUNK = 65_536


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until either side ends."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    except OSError:  # the other side is gone
        pass
    finally:
        writer.close()


async def _join(host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        inner_reader, inner_writer = await asyncio.open_connection(host, port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pass_on(reader, inner_writer), _pass_on(inner_reader, writer))


async def main(pairs: list[str]) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain("/etc/tls/tls.crt", "/etc/tls/tls.key")
    servers = []
    for pair in pairs:
        own, _, target = pair.partition("=")
        host, _, port = target.partition(":")
        servers.append(await asyncio.start_server(partial(_join, host, int(port)), "0.0.0.0", int(own), ssl=context))  # noqa: S104 (a pod's own address)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
