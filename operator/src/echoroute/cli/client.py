"""The client's side of the page of statuses: what `echoroute status` reads."""

import json
import os

import httpx
from pydantic import ValidationError

from echoroute.errors import EchoRouteError
from echoroute.folder.page import PATH, Page
from echoroute.run.server import Address

_TIMEOUT = 10.0
_ANY = {"", "0.0.0.0", "::"}  # noqa: S104 - not to bind to: what a server that listens everywhere was told


class NoStatus(EchoRouteError):
    """No operator answers with statuses."""


def read_status(server: str | None) -> tuple[str, Page]:
    """The page, as JSON with indentation and parsed, of a server or of the operator that ECHOROUTE_BIND means.

    Raises `NoStatus`, with what to do.
    """
    url = (server or _bound()).rstrip("/") + PATH
    try:
        answer = httpx.get(url, timeout=_TIMEOUT, trust_env=False)
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NoStatus(f"{url}: this operator is not in file mode (echoroute run --from DIR); use kubectl get er")
        answer.raise_for_status()
        return json.dumps(answer.json(), indent=2, ensure_ascii=False), Page.model_validate_json(answer.content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoStatus(f"{url}: {error}; --server or ECHOROUTE_BIND says where the operator listens") from error
    except (ValidationError, ValueError) as error:
        raise NoStatus(f"{url}: that is not the operator's page; --server says where it listens") from error


def _bound() -> str:
    bind = os.environ.get("ECHOROUTE_BIND") or "127.0.0.1:8080"
    try:
        address = Address.parse(bind)
    except ValueError:
        raise NoStatus(f"ECHOROUTE_BIND: {bind!r} is not HOST:PORT; --server says where the operator listens") from None
    host = "127.0.0.1" if address.host in _ANY else address.host
    return f"http://{f'[{host}]' if ':' in host else host}:{address.port}"
