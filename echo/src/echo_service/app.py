"""The HTTP side: what the service answers."""

from consul_init import InstanceGuard, Registration
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from echo_service.settings import EchoSettings

_ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Echo:
    """The handlers, and the one thing they remember: whether /health was told to fail."""

    def __init__(self, settings: EchoSettings, instance: str) -> None:
        self._settings = settings
        self._instance = instance
        self._failing = False

    async def hello(self, _request: Request) -> Response:
        return JSONResponse({"message": "hello world", "version": self._settings.version})

    async def health(self, _request: Request) -> Response:
        """The body never changes while the answer does not: a changed check output wakes all who watch Consul."""
        return JSONResponse({"status": "failing"}, 503) if self._failing else JSONResponse({"status": "ok"})

    async def fail(self, _request: Request) -> Response:
        self._failing = True
        return JSONResponse({"status": "failing"})

    async def recover(self, _request: Request) -> Response:
        self._failing = False
        return JSONResponse({"status": "ok"})

    async def info(self, request: Request) -> Response:
        """What arrived here, for looking at what a route makes of a request."""
        return JSONResponse(
            {
                "method": request.method,
                "path": request.url.path,
                "query": request.url.query,
                "host": request.headers.get("host", ""),
                "headers": dict(request.headers.items()),
                "pod": self._settings.pod,
                "instance": self._instance,
                "version": self._settings.version,
            }
        )


def create_app(settings: EchoSettings, registration: Registration, *, registers: bool = True) -> Starlette:
    """The application, which refuses health checks that are meant for another instance, if it registers itself.

    Where it does not (a sidecar registers it), it cannot know as what it is registered.
    """
    echo = Echo(settings, registration.id)
    routes = [
        Route("/hello", echo.hello),
        Route("/health", echo.health),
        Route("/info", echo.info, methods=_ANY_METHOD),
        Route("/info/{rest:path}", echo.info, methods=_ANY_METHOD),
    ]
    if settings.allow_fail:
        routes.append(Route("/health/fail", echo.fail, methods=["POST"]))
        routes.append(Route("/health/recover", echo.recover, methods=["POST"]))
    guard = [Middleware(InstanceGuard, instance=registration.instance)] if registers else []
    return Starlette(routes=routes, middleware=guard)
