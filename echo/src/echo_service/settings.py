"""The service's own settings; those of its registration are consul_init's."""

from collections.abc import Mapping
from dataclasses import dataclass

from consul_init import Settings, SettingsError

_YES_NO = {"true": True, "1": True, "false": False, "0": False, "": False}


@dataclass(frozen=True, kw_only=True)
class EchoSettings:
    """`bind` is loopback unless set: a pod sets ECHO_BIND=0.0.0.0 (or ::), because Consul's agent, the gateway and the
    kubelet come to its own address and `kubectl port-forward` to its loopback. Port 0 picks a free one.
    """

    name: str
    bind: str
    port: int
    version: int | str
    pod: str
    allow_fail: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "EchoSettings":
        """Raises SettingsError, whose message names the variable."""
        port = environ.get("SERVICE_PORT", "").strip() or "8000"
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise SettingsError("SERVICE_PORT", f"is {port!r}: it must be a port number, or 0 for a free one")
        allow_fail = _YES_NO.get(environ.get("ECHO_ALLOW_FAIL", "").strip().lower())
        if allow_fail is None:
            raise SettingsError("ECHO_ALLOW_FAIL", f"is {environ['ECHO_ALLOW_FAIL']!r}: write true or false")
        return cls(
            name=environ.get("SERVICE_NAME", "").strip() or "echo",
            bind=environ.get("ECHO_BIND", "").strip() or "127.0.0.1",
            port=int(port),
            version=_version(environ),
            pod=environ.get("POD_NAME", "").strip() or environ.get("HOSTNAME", ""),
            allow_fail=allow_fail,
        )


def _version(environ: Mapping[str, str]) -> int | str:
    """SERVICE_VERSION, else the tag `version:N` of SERVICE_TAGS, else 1; a number where it is one."""
    tags = Settings.from_env({"SERVICE_REGISTER": "false", "SERVICE_TAGS": environ.get("SERVICE_TAGS", "")}).tags
    tagged = next((tag.removeprefix("version:") for tag in tags if tag.startswith("version:")), "1")
    version = environ.get("SERVICE_VERSION", "").strip() or tagged
    return int(version) if version.isascii() and version.isdigit() else version
