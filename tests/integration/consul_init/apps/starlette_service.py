"""A Starlette application with the lifespan, as a service owner writes it: one line."""

import asyncio
import os
import time

from consul_init import InstanceGuard, consul_lifespan
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def health(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def forever(_request: Request) -> PlainTextResponse:
    """A request that never ends, as a stream or a long poll."""
    await asyncio.Event().wait()
    return PlainTextResponse("never")


time.sleep(float(os.environ.get("IMPORT_SECONDS", "0")))  # as large applications take to load
routes = [Route("/health", health), Route("/forever", forever)]
app = Starlette(routes=routes, middleware=[Middleware(InstanceGuard)], lifespan=consul_lifespan())
