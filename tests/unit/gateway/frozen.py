"""A process of its own, to be frozen: eight writes over two connections, behind a fence that closes after a second.

Arguments: the URL, and a file with the CA's certificate or nothing. It prints how many were refused by the fence.
"""

import asyncio
import sys
from pathlib import Path

from echoroute.errors import NotLeading
from echoroute.net import client
from echoroute.net.client import HttpClient, TransportFailed
from echoroute.net.fence import Fence, boot_time
from echoroute.net.tls import Tls

WRITES, CONNECTIONS, OPEN_FOR = 8, 2, 1.0


async def main(url: str, ca: str) -> int:
    client.CONNECT_TIMEOUT = 20  # a handshake that is slow on a busy machine is not what is counted
    fence = Fence()
    http = HttpClient(url, tls=Tls(ca_file=Path(ca) if ca else None), connections=CONNECTIONS, fence=fence)

    async def write() -> bool:
        try:
            await http.request("PUT", "/routes/1", headers={}, timeout=20, content=b"{}")
        except NotLeading:
            return True
        except TransportFailed:
            return False
        return False

    fence.open(boot_time() + OPEN_FOR)
    refused = await asyncio.gather(*(write() for _ in range(WRITES)))
    await http.aclose()
    return sum(refused)


if __name__ == "__main__":
    print(asyncio.run(main(*sys.argv[1:])))  # noqa: T201
