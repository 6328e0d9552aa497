"""What the stack is for: the operator and echo instances, started in it as users start them."""

import sys
from pathlib import Path
from typing import Literal, NamedTuple

import httpx

from devstack.handles.answers import as_object
from devstack.paths import REPOSITORY
from devstack.ports import pick_ports
from devstack.processes import Command
from devstack.stack import Stack

_BIN = Path(sys.executable).parent
_READY_SECONDS = 90.0  # on a machine that does much else at the same time
_NAMESPACE, _ACCOUNT = "echoroute-system", "echoroute-operator"

# One for all: a client of its own for each question would read the system's certificates each time.
_HTTP = httpx.Client(timeout=5)


class Operator(NamedTuple):
    """A running operator: its process, and where its own page listens."""

    process: Command
    url: str

    def ready(self) -> bool:
        """Whether `/readyz` says so."""
        return self._status("/readyz") == httpx.codes.OK

    def answers(self) -> bool:
        """Whether its page is there, ready or not."""
        return self._status("/healthz") == httpx.codes.OK

    def _status(self, path: str) -> int:
        try:
            return _HTTP.get(f"{self.url}{path}").status_code
        except httpx.TransportError:
            return 0

    def readyz(self) -> str:
        return _HTTP.get(f"{self.url}/readyz?verbose").text

    def check(self, name: str) -> str:
        """The line of `/readyz?verbose` on one check, `[+]watch` or `[-]watch: why`; empty where there is none."""
        return next((line for line in self.readyz().splitlines() if line[3:].partition(":")[0] == name), "")

    def said(self, level: Literal["INFO", "WARNING", "ERROR"]) -> list[str]:
        """The messages of this level in its log."""
        lines = [as_object(line, "log line") for line in self.process.output().splitlines() if line.startswith("{")]
        return [str(line["message"]) for line in lines if line["level"] == level]

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 where it was never counted."""
        lines = _HTTP.get(f"{self.url}/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def install(stack: Stack) -> None:
    """Namespace, CRD and RBAC, as `kubectl apply -k manifests/base` brings them."""
    stack.kube.apply(REPOSITORY / "manifests" / "base")
    stack.kube.wait_established("crd/echoroutes.echoroute.dev")


def start_operator(
    stack: Stack, settings: dict[str, str] | None = None, *, wait: bool = True, name: str = "operator"
) -> Operator:
    """Start `echoroute run` under its own ServiceAccount's token, with exactly the rights of manifests/base."""
    account = stack.kube.service_account(_NAMESPACE, _ACCOUNT, stack.directory / "operator.kubeconfig")
    return _start(stack, (), {"KUBECONFIG": str(account.kubeconfig), **(settings or {})}, wait=wait, name=name)


def start_standalone(
    stack: Stack, folder: Path, settings: dict[str, str] | None = None, *, wait: bool = True
) -> Operator:
    """Start `echoroute run --from FOLDER`: file mode."""
    return _start(
        stack,
        ("--from", str(folder)),
        {"ECHOROUTE_OWNER_ID": "f11ef11e", **(settings or {})},
        wait=wait,
        name="operator",
    )


def _start(stack: Stack, arguments: tuple[str, ...], settings: dict[str, str], *, wait: bool, name: str) -> Operator:
    bind = f"127.0.0.1:{pick_ports(1)[0]}"
    environment = {
        "ECHOROUTE_APISIX_ADMIN_URL": stack.gateway.admin_url,
        "ECHOROUTE_APISIX_ADMIN_KEY_FILE": str(stack.gateway.admin_key_file),
        "ECHOROUTE_BIND": bind,
        "CONSUL_HTTP_ADDR": stack.consul.url,
        **settings,
    }
    process = stack.run(name, [str(_BIN / "echoroute"), "run", *arguments], environment)
    operator = Operator(process, f"http://{bind}")
    if wait:
        process.wait_until(operator.ready, timeout=_READY_SECONDS)
    return operator


def start_echo(stack: Stack, version: int) -> Command:
    """Start an instance of the echo service, which registers itself in the stack's Consul."""
    environment = {
        "SERVICE_NAME": "echo",
        "SERVICE_ADDRESS": "127.0.0.1",
        "SERVICE_PORT": "0",
        "SERVICE_VERSION": str(version),
        "CONSUL_HTTP_ADDR": stack.consul.url,
    }
    return stack.run(f"echo-v{version}", [str(_BIN / "echo-service")], environment)
