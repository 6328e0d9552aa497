"""Applications with the lifespan, as a service owner writes them: one line each."""

from consul_init import InstanceGuard, consul_lifespan
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def health(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


starlette_app = Starlette(
    routes=[Route("/health", health)], middleware=[Middleware(InstanceGuard)], lifespan=consul_lifespan()
)

fastapi_app = FastAPI(lifespan=consul_lifespan())


@fastapi_app.get("/health")
async def fastapi_health() -> str:
    return "ok"
