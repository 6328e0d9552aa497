"""A Starlette application with the lifespan, as a service owner writes it: one line."""

from consul_init import InstanceGuard, consul_lifespan
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def health(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


app = Starlette(routes=[Route("/health", health)], middleware=[Middleware(InstanceGuard)], lifespan=consul_lifespan())
