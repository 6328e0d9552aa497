"""What is registered, as a value, and how it compares with what Consul has."""

from collections.abc import Mapping
from dataclasses import dataclass

from consul_init.address import instance_address
from consul_init.durations import format_duration
from consul_init.health_check import HealthCheck
from consul_init.settings import Settings

_DEFAULT_WEIGHTS = (1, 1)


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
    weights: tuple[int, int] = _DEFAULT_WEIGHTS
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
    check: HealthCheck
    deregister_after: float
    weights: tuple[int, int] = _DEFAULT_WEIGHTS

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
            check=HealthCheck(
                type=settings.check_type,
                host=address.host,
                port=settings.check_port or settings.port,
                path=settings.check_path or ("/health" if settings.check_type.is_http else ""),
                interval=settings.check_interval,
                timeout=settings.check_timeout,
                headers=dict(settings.check_headers),
                tls_server_name=settings.check_tls_server_name,
                tls_skip_verify=settings.check_tls_skip_verify,
                failures=settings.check_failures,
                successes=settings.check_successes,
            ),
            deregister_after=settings.deregister_after,
            weights=(
                1 if settings.weight is None else settings.weight,
                1 if settings.warning_weight is None else settings.warning_weight,
            ),
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
        return self.check.target

    @property
    def check_id(self) -> str:
        return f"service:{self.id}"

    @property
    def check_name(self) -> str:
        return self.check.name(self.instance)

    def payload(self) -> dict[str, object]:
        """The body of `PUT /v1/agent/service/register`
        (https://developer.hashicorp.com/consul/api-docs/agent/service#register-service).

        The check begins as critical, which is Consul's default: nobody is sent here before the first good answer.
        """
        passing, warning = self.weights
        return {
            "ID": self.id,
            "Name": self.name,
            "Address": self.address,
            "Port": self.port,
            "Tags": list(self.tags),
            "Meta": dict(self.meta),
            **({} if self.weights == _DEFAULT_WEIGHTS else {"Weights": {"Passing": passing, "Warning": warning}}),
            "Check": {
                "CheckID": self.check_id,
                "Name": self.check_name,
                **self.check.payload(self.instance),
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
            ("weights", list(self.weights), list(found.weights)),
            ("check", self.check_name, found.checks.get(self.check_id)),
        ]
        return [f"{field} is {theirs!r}, not {ours!r}" for field, ours, theirs in pairs if ours != theirs]

    def is_of_another_pod(self, meta: Mapping[str, str]) -> bool:
        """Whether an instance with this meta and we both know our pod's uid, and it is not the same pod."""
        ours, theirs = self.meta.get("pod-uid"), meta.get("pod-uid")
        return bool(ours and theirs and ours != theirs)
