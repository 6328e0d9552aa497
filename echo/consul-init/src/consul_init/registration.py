"""What is registered, as a value, and how it compares with what Consul has."""

from collections.abc import Mapping
from dataclasses import dataclass

from consul_init.address import instance_address
from consul_init.durations import format_duration
from consul_init.settings import Settings

# Consul sends this header with each check of ours. A pod that got a dead pod's address sees an id that is not its
# own there, and can refuse (see identity.py).
INSTANCE_HEADER = "X-Consul-Instance"


@dataclass(frozen=True, kw_only=True)
class FoundInstance:
    """What an agent holds under a service id. `node` is the agent's node name, `status` the worst check's."""

    name: str
    address: str
    port: int
    tags: tuple[str, ...]
    meta: Mapping[str, str]
    status: str
    node: str | None
    checks: Mapping[str, str]
    """Check id to check name."""
    output: str = ""
    """Of our check: Consul's own words."""
    weights: tuple[int, int] = (1, 1)
    """In DNS answers, and for gateways that take note of them: while passing, and while in warning."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One instance as it is to be in Consul. Durations are seconds."""

    name: str
    address: str
    address_reason: str
    address_is_the_pods: bool
    """Nobody else can have it while this pod lives, as opposed to that of a load balancer or a node."""
    port: int
    tags: tuple[str, ...]
    meta: Mapping[str, str]
    check_path: str
    check_interval: float
    check_timeout: float
    deregister_after: float

    @classmethod
    def from_settings(cls, settings: Settings) -> "Registration":
        """Raises SettingsError where no address can be found."""
        address = instance_address(settings)
        return cls(
            name=settings.name,
            address=address.host,
            address_reason=address.reason,
            address_is_the_pods=settings.address_variable == "POD_IP",
            port=settings.port,
            tags=settings.tags,
            meta=dict(settings.meta),
            check_path=settings.check_path,
            check_interval=settings.check_interval,
            check_timeout=settings.check_timeout,
            deregister_after=settings.deregister_after,
        )

    @property
    def id(self) -> str:
        """`{name}-{ip}-{port}`: a restart of the same instance replaces itself."""
        return f"{self.name}-{self.address}-{self.port}"

    @property
    def instance(self) -> str:
        """The id, and the pod's uid where there is one: differs between two pods that had the same address."""
        uid = self.meta.get("pod-uid")
        return f"{self.id}/{uid}" if uid else self.id

    @property
    def check_url(self) -> str:
        """Where Consul's agent looks."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}{self.check_path}"

    @property
    def check_id(self) -> str:
        return f"service:{self.id}"

    @property
    def check_name(self) -> str:
        """Says the whole check: Consul gives back names of checks, not what they do, and a change must show."""
        interval, timeout = format_duration(self.check_interval), format_duration(self.check_timeout)
        return f"GET {self.check_url} every {interval}, timeout {timeout}, as {self.instance}"

    def payload(self) -> dict[str, object]:
        """The body of `PUT /v1/agent/service/register`
        (https://developer.hashicorp.com/consul/api-docs/agent/service#register-service).

        The check begins as critical, which is Consul's default: nobody is sent here before the first good answer.
        """
        return {
            "ID": self.id,
            "Name": self.name,
            "Address": self.address,
            "Port": self.port,
            "Tags": list(self.tags),
            "Meta": dict(self.meta),
            "Check": {
                "CheckID": self.check_id,
                "Name": self.check_name,
                "HTTP": self.check_url,
                "Header": {INSTANCE_HEADER: [self.instance]},
                "Interval": format_duration(self.check_interval),
                "Timeout": format_duration(self.check_timeout),
                "DeregisterCriticalServiceAfter": format_duration(self.deregister_after),
            },
        }

    def differences(self, found: FoundInstance) -> list[str]:
        """What differs in Consul, one phrase for each field; empty when it agrees."""
        pairs: list[tuple[str, object, object]] = [
            ("name", self.name, found.name),
            ("address", self.address, found.address),
            ("port", self.port, found.port),
            ("tags", list(self.tags), list(found.tags)),
            ("meta", dict(self.meta), dict(found.meta)),
            ("check", self.check_name, found.checks.get(self.check_id)),
        ]
        return [f"{field} is {theirs!r}, not {ours!r}" for field, ours, theirs in pairs if ours != theirs]

    def is_of_another_pod(self, meta: Mapping[str, str]) -> bool:
        """Whether an instance with this meta and we both know our pod's uid, and it is not the same pod."""
        ours, theirs = self.meta.get("pod-uid"), meta.get("pod-uid")
        return bool(ours and theirs and ours != theirs)
