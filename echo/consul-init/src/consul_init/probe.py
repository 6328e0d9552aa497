"""Asking the service as Consul will, before it is registered: what Consul would call good is good."""

import socket
import time
from urllib.parse import urljoin, urlsplit

from consul_init.health_check import INSTANCE_HEADER, CheckType, HealthCheck
from consul_init.hints import hint_for
from consul_init.log import InstanceLog
from consul_init.registration import Registration

_TIMEOUT = 2.0
# Go's HTTP client, which Consul uses, follows so many.
_MOST_REDIRECTS = 10
# Seconds until it is told why the service is still waited for, and between two such lines.
_TOLD_AFTER, _TOLD_AGAIN = 10.0, 60.0


class Probe:
    """Whether the service is good now. Says why not, if it takes long."""

    def __init__(self) -> None:
        self._tell_at: float | None = None

    def __call__(self, registration: Registration) -> bool:
        """Takes at most a few seconds."""
        problem = problem_of(registration.check, registration.instance)
        if problem is None:
            return True
        now = time.monotonic()
        if self._tell_at is None:
            self._tell_at = now + _TOLD_AFTER
        elif now >= self._tell_at:
            self._tell_at = now + _TOLD_AGAIN
            log = InstanceLog(registration.id)
            log.warning("not registered yet: %s: %s%s", registration.check.target, problem, hint_for(problem))
        return False


def problem_of(check: HealthCheck, instance: str) -> str | None:
    """What is wrong; None where the service is good. Of gRPC, only whether somebody listens: Consul's own check, which
    begins as critical, does the rest.
    """
    try:
        if check.type.is_http:
            return _ask(check, instance)
        with socket.create_connection((check.host, check.port), _TIMEOUT):
            return None
    except OSError as error:
        return str(error) or type(error).__name__


def _ask(check: HealthCheck, instance: str) -> str | None:
    import http.client  # noqa: PLC0415 - costs more than the rest of the library, and is not always needed

    url = check.target
    headers = {**check.headers, INSTANCE_HEADER: instance, "Connection": "close"}
    for _ in range(_MOST_REDIRECTS):
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if parts.scheme == CheckType.HTTPS:
            import ssl  # noqa: PLC0415 - as above

            # Our own service's answer to a question without secrets; whom Consul's agent trusts is not known here.
            context = ssl._create_unverified_context()  # noqa: S323, SLF001
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.hostname or "", parts.port, timeout=_TIMEOUT, context=context
            )
        else:
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
        except http.client.HTTPException as error:
            return str(error) or type(error).__name__
        finally:
            connection.close()
        target = response.getheader("Location")
        if response.status not in (301, 302, 303, 307, 308) or target is None:
            return None if 200 <= response.status < 300 else f"{response.status} {response.reason}"
        url = urljoin(url, target)
    return f"more than {_MOST_REDIRECTS} redirects, the last one to {url}"
