"""What is known of one EchoRoute at one moment: the input of the status fold."""

from dataclasses import dataclass

from echoroute.api.selection import Selection
from echoroute.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a route is not served: it is not accepted, or what it needs may not or cannot be had."""

    reason: Reason
    message: str
    withdraws: bool = False
    """Whether what the gateway holds of it has to go: another one serves the same, or policy refuses it by now."""

    @property
    def keeps(self) -> bool:
        """Whether the last good generation goes on serving; otherwise the route is withdrawn."""
        kept = {Reason.INVALID, Reason.CONFLICTED, Reason.CONSUL_NOT_CONFIGURED}
        return self.reason in kept and not self.withdraws

    @property
    def accepts(self) -> bool:
        """Whether the spec is accepted all the same: what is wrong is not of the spec."""
        return self.reason in {Reason.FORBIDDEN_ADDRESS, Reason.CONSUL_NOT_CONFIGURED}


@dataclass(frozen=True, slots=True)
class Programmed:
    """The gateway is as this generation wants it (for a refused one: the route is not there)."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The gateway has neither confirmed nor refused this generation yet."""


@dataclass(frozen=True, slots=True)
class Unreached:
    """The gateway cannot be asked, or has not answered a write: it is not known whether it holds this generation."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The gateway did not take this generation."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class NotConfigured:
    """The operator has no Consul to ask."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Consul was asked and has not answered since this process started, and why."""

    reason: Reason = Reason.CONSUL_UNREACHABLE


@dataclass(frozen=True, slots=True)
class Lack:
    """For how many seconds there has been none (0 while there is one), and whether this process ever saw one."""

    seconds: float = 0.0
    seen_before: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """The newest answer for the service, and what it lacks; it stays the newest while Consul is away."""

    healthy: int
    total: int
    lack_of_healthy: Lack
    lack_of_any: Lack
    failing: int = 0
    """Of the total those that do not pass their checks."""
    unusable: tuple[str, ...] = ()
    """Instances that pass their checks and that the gateway cannot use, and why; they get their share all the same."""
    unusable_for: float = 0.0
    """For how many seconds there have been some."""
    missed: str = ""
    """Why the gateway does not discover the service, though Consul has instances."""
    left_out: tuple[str, ...] = ()
    """Instances that the operator does not give to the gateway, since it could not use them, and why."""
    drained: int = 0
    """Of the total those whose weight in Consul is 0."""


@dataclass(frozen=True, slots=True)
class BackendFacts:
    """One of its backends, and what Consul says of it."""

    selection: Selection
    discovery: NotConfigured | Unanswered | Answered
    weight: int = 1
    serves: bool = True
    """Whether it gets requests."""
    place: str = "spec.backends[0]"
    """Where the spec mentions it first."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the status depends on, besides the status before and the time of day."""

    generation: int
    route_id: str
    enabled: bool
    refusal: Refusal | None
    gateway: Programmed | Waiting | Unreached | Failed
    in_gateway: bool | None
    """Whether the gateway holds anything of it, of whichever generation; None while nobody knows."""
    backends: tuple[BackendFacts, ...] = ()
    """Each once; none where the spec is refused."""
    services: str = ""
    """The same in short, for the printer column."""
    note: str = ""
    """What its owner should know though the spec is accepted."""
