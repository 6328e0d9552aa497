"""HTTP to Consul on the standard library: one connection for each request, closed after it.

`http.client` and `ssl` are imported at the first request, in the keeper's thread: they take longer than all else that
`import consul_init` loads, and an application's start does not have to wait for them.
"""

import base64
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from consul_init.consul_settings import ConsulSettings, is_token
from consul_init.endpoint import Endpoint, Target
from consul_init.errors import ConsulError, UnreachableError
from consul_init.log import LOGGER, Log
from consul_init.settings import REQUEST_TIMEOUT

if TYPE_CHECKING:
    import http.client
    import ssl

_MAX_ANSWER = 1 << 20


@dataclass(frozen=True)
class Answer:
    """A status code and a body. In `body`, which is for people, the token is masked; `content` is for parsing."""

    status: int
    body: str
    content: str = field(default="", repr=False, compare=False)


class Transport:
    """Sends requests to the one agent. Reads token and certificates again for each request."""

    def __init__(self, settings: ConsulSettings, log: Log = LOGGER) -> None:
        self._settings = settings
        self.endpoint = Endpoint(settings.address, log)
        self._token = settings.token
        self.sent_token: str | None = None
        """The token of the last request."""
        self._tls: ssl.SSLContext | None = None
        self._tls_stamp: tuple[int, ...] = ()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str],
        body: object = None,
        timeout: float = REQUEST_TIMEOUT,
        at: Target | None = None,
    ) -> Answer:
        """Send one request; `path` is quoted here. Takes at most `timeout` seconds where Consul hangs. `at` is an
        address to ask in place of the agent's.

        Raises UnreachableError when no whole answer came, ConsulError when token or certificates cannot be read.
        """
        import http.client  # noqa: PLC0415 - see above

        deadline = time.monotonic() + max(0.1, timeout)
        headers = {"Connection": "close", "Accept": "application/json"}
        token = self.sent_token = self._current_token()
        if token is not None:
            headers["X-Consul-Token"] = token
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if self._settings.auth is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(self._settings.auth.encode()).decode()}"
        target = self._settings.address.path + quote(path) + (f"?{urlencode(query)}" if query else "")
        connection = self._connect(deadline, at)
        try:
            connection.request(method, target, body=content, headers=headers)
            response = connection.getresponse()
            text = response.read(_MAX_ANSWER).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            problem = str(error) or type(error).__name__
            raise UnreachableError(f"{self._settings.address} did not answer: {problem}", was_sent=True) from error
        finally:
            connection.close()
        return Answer(response.status, text if token is None else text.replace(token, "***"), text)

    def _connect(self, deadline: float, at: Target | None) -> "http.client.HTTPConnection":
        import http.client  # noqa: PLC0415 - see above

        address = self._settings.address
        connection = http.client.HTTPConnection("localhost" if address.scheme == "unix" else address.host, address.port)
        plain = self.endpoint.connect(deadline - time.monotonic(), at)
        try:
            plain.settimeout(max(0.1, deadline - time.monotonic()))
            if address.scheme == "https":
                name = self._settings.tls_server_name or address.host
                connection.sock = self._tls_context().wrap_socket(plain, server_hostname=name)
                connection.sock.settimeout(max(0.1, deadline - time.monotonic()))
            else:
                connection.sock = plain
        except OSError as error:
            plain.close()
            raise UnreachableError(f"no TLS connection to {address}: {error}") from error
        except BaseException:
            plain.close()
            raise
        return connection

    def _current_token(self) -> str | None:
        if self._settings.token_file is None:
            return self._token
        problem = None
        try:
            found = Path(self._settings.token_file).read_text(encoding="utf-8", errors="replace").strip()
            if not is_token(found):
                problem = f"{self._settings.token_file} must hold a token and nothing else (it is not shown)"
        except OSError as error:
            problem = str(error)
        if problem is None:
            self._token = found
        elif self._token is None:
            raise ConsulError(f"CONSUL_HTTP_TOKEN_FILE cannot be used: {problem}")
        return self._token  # in the middle of a rotation the one before it is the best there is

    def _tls_context(self) -> "ssl.SSLContext":
        import ssl  # noqa: PLC0415 - see above

        settings = self._settings
        files = (settings.ca_file, settings.ca_path, settings.client_cert, settings.client_key)
        try:
            stamp = tuple(Path(each).stat().st_mtime_ns for each in files if each is not None)
            if self._tls is None or stamp != self._tls_stamp:
                context = ssl.create_default_context(cafile=settings.ca_file, capath=settings.ca_path)
                if settings.client_cert is not None:
                    context.load_cert_chain(settings.client_cert, settings.client_key)
                self._tls, self._tls_stamp = context, stamp
        except OSError as error:
            if self._tls is None:
                raise ConsulError(f"CONSUL_CACERT or CONSUL_CLIENT_CERT cannot be used: {error}") from error
        return self._tls
