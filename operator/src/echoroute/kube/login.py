"""The account's credentials in another event loop, whose requests somebody else makes: kopf's."""

import asyncio
from weakref import WeakSet

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from kubernetes.aio.client.rest import RESTClientObject

from echoroute.kube.account import Account
from echoroute.net.backoff import Backoff

_FIRST, _LONGEST = 1.0, 30.0


class Login:
    """Sessions for requests in the loop that asks for them; `home` is the account's loop, where it is renewed."""

    def __init__(self, account: Account, home: asyncio.AbstractEventLoop) -> None:
        self._account = account
        self._home = home
        self._backoff = Backoff(first=_FIRST, limit=_LONGEST)
        self._is_first = True
        self._transports: WeakSet[asyncio.Transport] = WeakSet()

    async def session(self) -> aiohttp.ClientSession:
        """A session; another is asked for when the API server has refused the one before, so it waits a little."""
        if not self._is_first:
            await asyncio.sleep(self._backoff.next())
        self._is_first = False
        configuration = self._account.configuration
        context = RESTClientObject(configuration).ssl_context
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
            middlewares=(self._authorize,),
            proxy=configuration.proxy,
            trust_env=False,
        )

    def abort(self) -> None:
        """Drop the connections that are still open. The loop runs at least once more before it is closed.

        aiohttp closes an answer that it still reads by TLS's farewell, and a server that is busy answers that late:
        the loop would end before, and leave the sockets open.
        """
        for transport in list(self._transports):
            transport.abort()

    async def _authorize(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        name = self._account.configuration.tls_server_name
        if name:
            request.server_hostname = name
        shown = await self._renewed(None)
        response = await self._handled(request, handler, shown)
        if response.status == 401:
            fresh = await self._renewed(shown)
            if fresh != shown:
                response.release()
                response = await self._handled(request, handler, fresh)
        if response.status != 401:
            self._backoff.reset()
        return response

    async def _renewed(self, refused: str | None) -> str:
        """What to show now; renewed where the account lives."""
        renewal = asyncio.run_coroutine_threadsafe(self._account.renew(refused=refused), self._home)
        await asyncio.wrap_future(renewal)
        return self._account.authorization

    async def _handled(self, request: ClientRequest, handler: ClientHandlerType, shown: str) -> ClientResponse:
        if shown:
            request.headers["Authorization"] = shown
        try:
            response = await handler(request)
        except AssertionError:  # what aiohttp says where the session was closed meanwhile
            raise RuntimeError("Session is closed") from None
        if response.connection is not None and response.connection.transport is not None:
            self._transports.add(response.connection.transport)
        return response
