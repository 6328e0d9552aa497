"""The stack, the gateway, the operator and its EchoRoutes: what the scenarios are measured in."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from devstack.builder import build
from devstack.instances import directory_of
from devstack.processes import Command
from devstack.product import Operator, install, start_operator
from devstack.programs import DEMO
from devstack.stack import Stack

from . import workload
from .gateway import gateway_of
from .parameters import Parameters
from .report import Report, say


class World:
    """As a context manager. The scenarios ask for the state that they need, and leave whatever they leave."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.stack = Stack(directory_of("bench"), build(DEMO))
        self.operator: Operator | None = None
        self._programmed = 0

    def __enter__(self) -> Self:
        self.stack.start()
        try:
            self.gateway = gateway_of(self.stack)
            self.report = Report(self.gateway.name)
            install(self.stack)
            self._start_service()
        except BaseException:
            self.stack.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop_operator()
            if self.gateway.pid is None:
                self.gateway.clear()
        finally:
            self.stack.stop()

    def _start_service(self) -> None:
        """The service of all EchoRoutes, as one instance of the echo service."""
        environment = {
            "SERVICE_NAME": workload.SERVICE,
            "SERVICE_ADDRESS": "127.0.0.1",
            "SERVICE_PORT": "0",
            "CONSUL_HTTP_ADDR": self.gateway.consul_url,
        }
        echo = self.stack.run("echo", [str(Path(sys.executable).parent / "echo-service")], environment)
        echo.wait_until(self._service_passes, 30, "registered")

    def _service_passes(self) -> bool:
        query = {"passing": "true"}
        url = f"{self.gateway.consul_url}/v1/health/service/{workload.SERVICE}"
        return bool(httpx.get(url, params=query, trust_env=False).json())

    def start_operator(self, settings: dict[str, str] | None = None, *, wait: bool = False) -> Operator:
        """Start it as users do; it does not wait for anything, unless told to."""
        own = {
            "ECHOROUTE_OWNER_ID": workload.OWNER,
            "ECHOROUTE_APISIX_ADMIN_URL": self.gateway.admin_url,
            "ECHOROUTE_APISIX_ADMIN_KEY_FILE": str(self.gateway.key_file),
            "CONSUL_HTTP_ADDR": self.gateway.consul_url,
        }
        self.operator = start_operator(self.stack, own | (settings or {}), wait=wait)
        return self.operator

    def stop_operator(self) -> None:
        if self.operator is not None:
            self.operator.process.stop()
            self.operator = None
            self._programmed = 0

    def restart_operator(self) -> None:
        """Stop it and keep what it has programmed; the caller starts it again."""
        programmed = self._programmed
        self.stop_operator()
        self._programmed = programmed

    def forget(self) -> None:
        """The EchoRoutes are gone."""
        self._programmed = 0

    def fresh(self, number: int, backends: int = 1) -> list[str]:
        """No operator, an empty gateway, and that many new EchoRoutes, with that many backends; their routes' ids."""
        self.stop_operator()
        self.gateway.clear()
        workload.delete_all(self.stack.kube)
        names = [workload.name_of(n) for n in range(number)]
        workload.create(self.stack.kube, names, backends)
        return [workload.route_id(name) for name in names]

    def programmed(self, number: int) -> Operator:
        """An operator that has brought that many EchoRoutes into the gateway."""
        if self.operator is None or self._programmed != number:
            say(f"bringing {number} EchoRoutes into the gateway")
            routes = self.fresh(number)
            operator = self.start_operator()
            self.gateway.wait_for(routes)
            self.wait_statuses(operator, number)
        if self.operator is None:
            raise RuntimeError("the operator is gone")
        return self.operator

    def wait_statuses(self, operator: Operator, number: int, timeout: float = 600) -> float:
        """Wait until all statuses are true; when that was, by the monotonic clock, to a fifth of a second.

        The operator's own count is asked for, which is cheap; the API server has the last word.
        """
        deadline = time.monotonic() + timeout
        while True:
            while operator.metric("echoroute_status_patches_total") < number:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"fewer than {number} status patches after {timeout:g} s")
                time.sleep(0.2)
            moment = time.monotonic()
            if all(map(workload.is_ready, workload.items(self.stack.kube))):
                self._programmed = number
                return moment
            if time.monotonic() > deadline:
                raise TimeoutError(f"not all of {number} statuses are true after {timeout:g} s")


def pid_of(process: Command) -> int:
    """Raises RuntimeError where it has ended."""
    if process.pid is None:
        raise RuntimeError(f"{process.name} has ended: {process.last_lines()}")
    return process.pid


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
