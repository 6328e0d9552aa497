"""The operator's settings: environment variables, checked once at start, handed down as values."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from echoroute.api.durations import PATTERN, seconds
from echoroute.core.addresses import Networks, networks
from echoroute.core.ownership import is_namespace, is_owner_id
from echoroute.errors import SettingsError
from echoroute.net.fence import LONGEST_LEASE

_MAX_PORT = 65535


def _csv(value: object) -> object:
    return tuple(item.strip() for item in value.split(",") if item.strip()) if isinstance(value, str) else value


def _duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    if re.fullmatch(PATTERN, value) is None:
        raise ValueError("is not a duration such as 30s or 1m30s")
    return seconds(value)


def _owner(value: str) -> str:
    if not is_owner_id(value):
        raise ValueError("must be 8 lower-case hex digits")
    return value


def _namespace(value: str) -> str:
    if not is_namespace(value):
        raise ValueError(f"has '{value}', which is no namespace: write names, without patterns; leave it out for all")
    return value


def _bind(value: str) -> str:
    if int(value.rpartition(":")[2]) > _MAX_PORT:
        raise ValueError(f"must have a port of at most {_MAX_PORT}")
    return value


def _networks(value: object) -> object:
    # Checked here, so that the message names the variable.
    return networks(tuple(map(str, items))) if isinstance(items := _csv(value), tuple) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_csv)]
Duration = Annotated[float, BeforeValidator(_duration)]
OwnerId = Annotated[str, BeforeValidator(_owner)]
Namespace = Annotated[str, AfterValidator(_namespace)]
Bind = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\[\]]*):[0-9]{1,5}$"), AfterValidator(_bind)]


class Settings(BaseSettings):
    """Read from the environment; a description is what docs/reference/settings.md shows."""

    model_config = SettingsConfigDict(env_prefix="ECHOROUTE_", frozen=True, extra="ignore", env_ignore_empty=True)

    gateway_class: str = Field(
        default="apisix",
        max_length=63,
        pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        description="The gateway class that this operator serves; EchoRoutes of another class are not touched.",
    )
    owner_id: OwnerId | None = Field(
        default=None,
        description="Marks the gateway objects as this operator's: 8 hex digits. Default: derived from the cluster "
        "(uid of kube-system) and the gateway class. Set it to the old value after a recovery into a new cluster. "
        "**Each operator on a gateway needs its own**: operators with the same id delete each other's routes.",
    )
    watch_namespaces: Annotated[tuple[Namespace, ...], NoDecode, BeforeValidator(_csv)] = Field(
        default=(),
        description="Namespaces to serve, separated by commas. Default: all. With namespaces a Role in each and the "
        "right to get the CRD suffice, and ECHOROUTE_OWNER_ID must be set: reading kube-system is cluster-wide.",
    )
    apisix_admin_url: str = Field(
        description="Where APISIX's Admin API listens, such as `http://apisix-admin.apisix:9180`. Required."
    )
    apisix_admin_key: SecretStr | None = Field(
        default=None, description="The Admin API's key. This or ECHOROUTE_APISIX_ADMIN_KEY_FILE is required."
    )
    apisix_admin_key_file: Path | None = Field(
        default=None,
        description="File with the Admin API's key; read again when it changes and after a refusal, without a restart.",
    )
    apisix_ca_file: Path | None = Field(
        default=None, description="CA certificates (PEM) for an https Admin API. Default: the system's."
    )
    apisix_concurrency: int = Field(default=8, ge=1, le=64, description="Writes to the gateway at once, at most.")
    apisix_max_writes_per_second: float | None = Field(
        default=None,
        gt=0,
        description="Ceiling for the rate of writes, evenly spaced: slower bulk changes, calmer live traffic. "
        "Default: none.",
    )
    drift_interval: Duration = Field(
        default=30.0,
        ge=1,
        le=86400,
        description="How often both sides are listed and compared, as a duration. It grows by itself, up to "
        "ten times, where the gateway's list takes long. Default: 30s.",
    )
    allow_plugins: Names = Field(
        default=(),
        description="Plugins that all EchoRoutes may use beyond what is open, verbatim, by commas; `*` for all, "
        "where one trusted team uses the gateway. It is trust in every tenant: docs/plugins.md.",
    )
    forbidden_addresses: Annotated[Networks, NoDecode, BeforeValidator(_networks)] = Field(
        default=(),
        description="CIDR blocks, separated by commas. A service with an instance there, or at a Unix socket "
        "(`unix:…`), serves no EchoRoute: a tenant would reach the gateway's own neighbours. The manifests name "
        "loopback, link-local, unspecified and multicast addresses. Default: none.",
    )
    confirm_deletion: str | None = Field(
        default=None, description="Releases one set of held deletions: the token that the log and the Event show."
    )
    leader_election: bool = Field(
        default=False,
        description="Whether this is one of several replicas, of which one writes: the holder of the Lease "
        "`echoroute-<owner id>` in POD_NAMESPACE (docs/reliability.md). The manifests turn it on.",
    )
    lease_duration: Duration = Field(
        default=15.0,
        ge=5,
        le=LONGEST_LEASE,
        multiple_of=1,
        description="After how much silence of the leader another replica takes over, as a duration of whole seconds. "
        "The leader renews 7 times meanwhile, and writes nothing after two thirds of it without a renewal. "
        "Default: 15s.",
    )
    bind: Bind = Field(
        default="127.0.0.1:8080",
        description="Address of /metrics, /healthz and /readyz, in file mode of /echoroutes, too; in a pod `:8080`.",
    )
    log_format: Literal["human", "json"] | None = Field(
        default=None, description="`human` or `json`. Default: human in a terminal, json otherwise."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="`debug`, `info`, `warning` or `error`."
    )
    pod_name: str | None = Field(
        default=None,
        validation_alias=AliasChoices("POD_NAME"),
        description="The operator's pod, by the downward API: Events about the operator go there; the Lease names it.",
    )
    pod_namespace: str | None = Field(
        default=None, validation_alias=AliasChoices("POD_NAMESPACE"), description="The namespace of that pod."
    )
    pod_uid: str = Field(
        default="",
        validation_alias=AliasChoices("POD_UID"),
        description="The uid of that pod, without which `kubectl describe` does not show its Events.",
    )

    consul_http_addr: str | None = Field(
        default=None,
        validation_alias=AliasChoices("CONSUL_HTTP_ADDR"),
        description="Consul's HTTP address, such as `consul-server:8500` or `https://consul-server:8501`. Default: "
        "none; then statuses do not show instances.",
    )
    consul_http_token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("CONSUL_HTTP_TOKEN"),
        description="ACL token (service:read, node:read).",
    )
    consul_http_token_file: Path | None = Field(
        default=None,
        validation_alias=AliasChoices("CONSUL_HTTP_TOKEN_FILE"),
        description="File with the ACL token; read again when it changes and after a refusal.",
    )
    consul_http_ssl: bool = Field(
        default=False,
        validation_alias=AliasChoices("CONSUL_HTTP_SSL"),
        description="Use https whatever the address says.",
    )
    consul_http_ssl_verify: bool = Field(
        default=True,
        validation_alias=AliasChoices("CONSUL_HTTP_SSL_VERIFY"),
        description="Verify Consul's certificate. `false` is for trying things out.",
    )
    consul_cacert: Path | None = Field(
        default=None, validation_alias=AliasChoices("CONSUL_CACERT"), description="CA certificates (PEM) for https."
    )
    consul_capath: Path | None = Field(
        default=None, validation_alias=AliasChoices("CONSUL_CAPATH"), description="Folder of CA certificates for https."
    )
    consul_client_cert: Path | None = Field(
        default=None, validation_alias=AliasChoices("CONSUL_CLIENT_CERT"), description="Client certificate (PEM)."
    )
    consul_client_key: Path | None = Field(
        default=None, validation_alias=AliasChoices("CONSUL_CLIENT_KEY"), description="Key of the client certificate."
    )
    consul_tls_server_name: str | None = Field(
        default=None,
        validation_alias=AliasChoices("CONSUL_TLS_SERVER_NAME"),
        description="Name expected in Consul's certificate, where it is not the address's host.",
    )

    @model_validator(mode="after")
    def _together(self) -> "Settings":
        if (self.apisix_admin_key is None) == (self.apisix_admin_key_file is None):
            raise ValueError("set ECHOROUTE_APISIX_ADMIN_KEY_FILE or ECHOROUTE_APISIX_ADMIN_KEY, and not both")
        if self.consul_http_token is not None and self.consul_http_token_file is not None:
            raise ValueError("set CONSUL_HTTP_TOKEN_FILE or CONSUL_HTTP_TOKEN, and not both")
        if self.leader_election and self.pod_namespace is None:
            raise ValueError(
                "POD_NAMESPACE must be set beside ECHOROUTE_LEADER_ELECTION: the Lease is in that namespace"
            )
        if self.watch_namespaces and self.owner_id is None:
            raise ValueError(
                "ECHOROUTE_OWNER_ID must be set beside ECHOROUTE_WATCH_NAMESPACES: its default is derived from "
                "kube-system, which only a cluster-wide right can read"
            )
        return self


def load() -> Settings:
    """The settings of this process. Raises `SettingsError` that names each wrong variable, and never a secret."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [
            f"{variable(str(detail['loc'][0])) + ': ' if detail['loc'] else ''}{_problem(detail['msg'])}"
            for detail in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    raise SettingsError("; ".join(problems))


def variable(field: str) -> str:
    """The environment variable of a field; an alias, which is what errors name, is the variable itself."""
    if field not in Settings.model_fields:
        return field
    alias = Settings.model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"ECHOROUTE_{field.upper()}"


def _problem(message: str) -> str:
    return "is required" if message == "Field required" else message.removeprefix("Value error, ")
