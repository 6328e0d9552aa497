"""Every error of the operator's own.

EchoRouteError
├── SettingsError             a setting is missing or wrong: the process cannot start
├── InvalidSpec               an EchoRoute spec that the models refuse
├── NotLeading                another replica leads, or may: this one writes nothing
├── GatewayError              the APISIX Admin API
│   ├── GatewayRejected       400, 413: this object is refused; wait for a change of it
│   ├── GatewayDeferred       400: another object is still, or not yet, there; this one waits, the others go on
│   ├── GatewayUnauthorized   401, 403: the admin key is refused
│   └── GatewayUnavailable    the API's own 404, 408, 409, 429, 5xx and transport errors: back off, try again
├── ConsulError               Consul did not give a usable answer
│   ├── ConsulAccessDenied    the token may not read what was asked for, or not all of it
│   └── UnknownDatacenter     Consul has no way to the datacenter that was asked for
└── SourceError               EchoRoutes could not be read, or a status not be written
    ├── KubernetesError       the API server did not do what was asked
    └── FolderError           the folder of EchoRoutes cannot be read
"""

import traceback
from dataclasses import dataclass


class EchoRouteError(Exception):
    """Base of all errors that this package raises on purpose."""


class SettingsError(EchoRouteError):
    """A setting is missing or wrong; the message names its environment variable."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: its path below the object (`spec.match.paths[0]`) and what to write instead."""

    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class InvalidSpec(EchoRouteError):
    """A spec that the models refuse; one `FieldError` for each thing that is wrong, never a secret's value."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors


class NotLeading(EchoRouteError):
    """Another replica leads, or may do so by now: a request that would change something was not sent."""


class GatewayError(EchoRouteError):
    """Something went wrong at the APISIX Admin API."""


class GatewayRejected(GatewayError):
    """The gateway refuses this object as it is (400, 413); the message is the gateway's own text, cut to 1 KiB."""


class GatewayDeferred(GatewayError):
    """The gateway refuses this object until another is gone or there: its checks of references are eventual."""


class GatewayUnauthorized(GatewayError):
    """The gateway refuses the admin key (401, 403)."""


class GatewayUnavailable(GatewayError):
    """The gateway cannot do it now. For a write the outcome is unknown when `outcome_unknown` is set.

    `retry_after` is the gateway's own wish in seconds (RFC 9110, 10.2.3), where it gave one.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown


class ConsulError(EchoRouteError):
    """Consul is not reachable, has no leader, or refuses the token."""


class ConsulAccessDenied(ConsulError):
    """Consul keeps from our token what was asked for, or a part of it."""


class UnknownDatacenter(ConsulError):
    """Consul knows no datacenter of this name, or none of its servers is there now."""


class SourceError(EchoRouteError):
    """Where EchoRoutes are kept, something cannot be read or written now; `status` is as HTTP has it, 0 for none."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class KubernetesError(SourceError):
    """The Kubernetes API server refused or failed a request; status 0 is a transport error."""


class FolderError(SourceError):
    """The folder of EchoRoutes is missing or cannot be read, or has no such EchoRoute any more (404)."""


def without_values(error: BaseException) -> str:
    """A bug for the log: what it is and where. Texts of errors may show what was in an EchoRoute, so it is left out."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__name__}, raised here:\n{frames}".rstrip()
