"""Instances of services as real processes, each kind with another way in."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from devstack.handles.consul import ConsulApi
from devstack.ports import pick_ports
from devstack.processes import ProcessGroup

APPS = Path(__file__).parent / "apps"
# What the sample pod's main container sleeps in its preStop hook: the drain, and time for the hook beside it.
PRE_STOP_SLEEP = 5.0


@dataclass
class Running:
    """One process with its log."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def send(self, signum: int = signal.SIGTERM) -> None:
        self.process.send_signal(signum)

    def wait(self, timeout: float = 60.0) -> int:
        """gunicorn kills a worker after 30 s that it told to stop in the moment of its start, and then ends itself."""
        return self.process.wait(timeout)


@dataclass
class Instance:
    """One instance. `stop` begins its end, `wait` waits for it."""

    name: str
    port: int
    main: Running
    sidecar: Running | None = None
    steps: list[tuple[float, str]] = field(default_factory=list)
    """When the acted kubelet did what, in seconds since the epoch."""
    _leave: Callable[[], Running] | None = None
    _ending: threading.Thread | None = None

    @property
    def id(self) -> str:
        return f"{self.name}-127.0.0.1-{self.port}"

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self.sidecar is None:
            self.main.send()
        else:
            self._ending = threading.Thread(target=self._end_pod)
            self._ending.start()

    def wait(self) -> int:
        if self._ending is not None:
            self._ending.join()
        return self.main.wait()

    def _end_pod(self) -> None:
        """As a kubelet does it: both preStop hooks at once, main's SIGTERM after its own, the sidecar's after main."""
        assert self.sidecar is not None
        assert self._leave is not None
        self._step("preStop hooks")
        began = time.monotonic()
        hook = self._leave()
        time.sleep(max(0.0, PRE_STOP_SLEEP - (time.monotonic() - began)))
        self._step("SIGTERM to main")
        self.main.send()
        self.main.wait()
        assert hook.wait() == 0, hook.log
        self._step("SIGTERM to sidecar")
        self.sidecar.send()
        self.sidecar.wait()
        self._step("gone")

    def _step(self, what: str) -> None:
        self.steps.append((time.time(), what))


def stop_and_watch(
    stop: Callable[[], object], api: ConsulApi, service: str, meanwhile: Callable[[], object] = lambda: None
) -> float:
    """Stop it, and wait until it is out of Consul. Returns a moment at which it was still there for sure.

    That is before the last question that found it: on a busy machine an answer is read late.
    """
    still_there = asked = time.monotonic()
    stop()
    while api.instances(service):
        still_there, asked = asked, time.monotonic()
        meanwhile()
        time.sleep(0.02)
    return still_there


class Host:
    """Starts instances, which end with the test however it ends."""

    def __init__(self, group: ProcessGroup, directory: Path, go_server: Path, consul: str) -> None:
        self._group = group
        self._directory = directory
        self.go_server = go_server
        self._consul = consul
        self._count = 0
        self._ports: set[int] = set()
        self.started: list[Instance] = []

    def free_port(self) -> int:
        """Another one each time: those before may not be listening yet."""
        while (port := pick_ports(1)[0]) in self._ports:
            pass
        self._ports.add(port)
        return port

    def environment(self, name: str, port: int, **variables: str) -> dict[str, str]:
        base = {
            "PATH": os.environ["PATH"],
            "SERVICE_NAME": name,
            "SERVICE_PORT": str(port),
            "SERVICE_ADDRESS": "127.0.0.1",
            "CONSUL_HTTP_ADDR": self._consul,
            "PYTHONWARNINGS": "error",
        }
        return {**base, **variables}

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> Running:
        """Any process, with a log of its own."""
        self._count += 1
        log = self._directory / f"{self._count}.log"
        return Running(self._group.spawn(command, log, environment), log)

    def consul_init(self, *arguments: str, name: str, port: int, **variables: str) -> Running:
        """The command `consul-init`."""
        command = [sys.executable, "-m", "consul_init", *arguments]
        return self.run(command, self.environment(name, port, **variables))

    def start(self, kind: str, name: str, port: int | None = None, **variables: str) -> Instance:
        """Start one of KINDS."""
        port = self.free_port() if port is None else port
        environment = self.environment(name, port, **variables)
        sidecar = leave = None
        if kind == "sidecar":
            sidecar = self.consul_init("sidecar", name=name, port=port, **variables)

            def leave() -> Running:
                return self.consul_init("leave", "--wait", name=name, port=port, **variables)

        main = self.run(self._command(kind, port), environment)
        instance = Instance(name, port, main, sidecar, _leave=leave)
        self.started.append(instance)
        return instance

    def _command(self, kind: str, port: int) -> list[str]:
        uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", str(APPS), "--port", str(port), "--no-access-log"]
        gunicorn = [sys.executable, "-m", "gunicorn", "--worker-class", "uvicorn_worker.UvicornWorker"]
        gunicorn += ["--chdir", str(APPS), "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
        commands = {
            "starlette": [*uvicorn, "starlette_service:app"],
            "fastapi": [*uvicorn, "fastapi_service:app"],
            "gunicorn": [*gunicorn, "--workers", "1", "starlette_service:app"],
            "gunicorn-workers": [*gunicorn, "--workers", "3", "starlette_service:app"],
            "uvicorn-workers": [*uvicorn, "--workers", "2", "starlette_service:app"],
            "threaded": [sys.executable, str(APPS / "threaded.py")],
            "echo": [sys.executable, "-m", "echo_service"],
            "wrapper": [sys.executable, "-m", "consul_init", "run", "--", str(self.go_server)],
            "sidecar": [str(self.go_server)],
        }
        return commands[kind]

    def close(self) -> None:
        """End what is left. A wrapper's command has a process group of its own: it is asked, not killed."""
        for instance in self.started:
            for running in (instance.main, instance.sidecar):
                if running is not None and running.process.poll() is None:
                    running.send(signal.SIGCONT)
                    running.send()
                    running.send()
        for instance in self.started:
            for running in (instance.main, instance.sidecar):
                if running is not None:
                    running.wait()
