"""One stack: the parts, started in order, and stopped in order whatever happens."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from devstack.errors import AlreadyRunning, DevstackError, PartFailed, PortTaken
from devstack.find import Binaries
from devstack.handles.kube import Kube
from devstack.identity import ProcessIdentity
from devstack.kubeconfig import write_kubeconfig
from devstack.layout import Layout, Ports
from devstack.locks import try_lock
from devstack.parts.base import Part, Site
from devstack.parts.consul import Consul
from devstack.parts.etcd import Etcd
from devstack.parts.gateway import Gateway
from devstack.parts.kubernetes import ApiServer, ControllerManager
from devstack.pki import create_pki
from devstack.processes import Command, Process, ProcessGroup
from devstack.state import State, end_leftovers, forget_state, write_state

_ATTEMPTS = 3
LOCK = "lock"


class Stack:
    """A stack in a folder of its own, as a context manager.

    `binaries` come from `builder.build` or `find.require`; the controller manager runs where they contain it.
    Data are gone when the stack stops, logs stay until the next start in this folder. Not thread-safe.

    Raises AlreadyRunning, and PartFailed when a part does not come up.
    """

    etcd: Etcd
    apiserver: ApiServer
    consul: Consul
    gateway: Gateway

    def __init__(self, directory: Path, binaries: Binaries) -> None:
        self.directory = directory
        self.binaries = binaries
        self._lock: IO[bytes] | None = None
        self._group: ProcessGroup | None = None
        self._controller_manager: ControllerManager | None = None
        self._processes: list[Process] = []
        self._ready = False

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def layout(self) -> Layout:
        return self._layout

    @property
    def kubeconfig(self) -> Path:
        """Of cluster-admin."""
        return self._layout.kubeconfig

    @property
    def kubectl(self) -> Path:
        return self.binaries["kubectl"].path

    @property
    def kube(self) -> Kube:
        """With the rights of cluster-admin; `kube.service_account(...)` gives one with less."""
        return Kube(self.kubectl, self.kubeconfig, self.apiserver.url, self._pki.ca, self.apiserver.http)

    @property
    def controller_manager(self) -> ControllerManager:
        if self._controller_manager is None:
            msg = f"the stack {self.name} has no kube-controller-manager: it is not among the binaries it was given"
            raise DevstackError(msg)
        return self._controller_manager

    @property
    def parts(self) -> list[Part]:
        """In the order of their start."""
        return [process for process in self._processes if isinstance(process, Part)]

    def environment(self) -> dict[str, str]:
        """For programs that use the stack as its administrator would."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECTL": str(self.kubectl),
            "CONSUL_HTTP_ADDR": self.consul.url,
            "APISIX_ADMIN_URL": self.gateway.admin_url,
            "APISIX_ADMIN_KEY_FILE": str(self.gateway.admin_key_file),
            "APISIX_GATEWAY_URL": self.gateway.url,
            "APISIX_CONTROL_URL": self.gateway.control_url,
        }

    def start(self) -> None:
        """Start all parts and wait until they are ready; on any failure nothing is left running."""
        if sys.platform != "linux":
            msg = "the devstack needs Linux (it tells processes apart by /proc and pidfd); elsewhere: docker compose up"
            raise DevstackError(msg)
        self._lock = try_lock(self.directory / LOCK)
        if self._lock is None:
            msg = f"a stack runs in {self.directory} already: end it with `devstack down --name {self.name}`"
            raise AlreadyRunning(msg)
        end_leftovers(self.directory)
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    self._start_parts()
                except PortTaken:
                    if attempt == _ATTEMPTS:
                        raise
                    self._end_processes()
                else:
                    return
        except BaseException:
            self.stop()
            raise

    def _start_parts(self) -> None:
        """All at once but for what needs etcd or the API server to answer first."""
        self._layout = Layout(self.directory, Ports.pick())
        self._layout.clear()
        self._pki = create_pki(self.directory)
        self._group = ProcessGroup()
        site = Site(self.binaries, self._layout, self._pki, self._group, self._record)
        self.etcd, self.consul, self.gateway = Etcd(site), Consul(site), Gateway(site)
        self.apiserver = ApiServer(site)
        write_kubeconfig(
            self.kubeconfig, server=self.apiserver.url, ca=self._pki.ca, user="admin", token=self._layout.admin_token
        )
        self._processes = [self.etcd, self.consul, self.gateway, self.apiserver]
        self.etcd.spawn()
        self.consul.spawn()
        self.gateway.spawn()
        self.etcd.wait_ready()
        self.apiserver.spawn()
        self.gateway.wait_ready()
        self.consul.wait_ready()
        self.apiserver.wait_ready()
        if "kube-controller-manager" in self.binaries:
            self._controller_manager = ControllerManager(site)
            self._processes.append(self._controller_manager)
            self._controller_manager.start()
        self._ready = True
        self._record()

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Command:
        """Start a program beside the parts: it has a log of its own, and ends before them and with them.

        It sees PATH, HOME and what `environment` says, and nothing else of ours.
        """
        if self._group is None:
            msg = f"the stack {self.name} is not running"
            raise DevstackError(msg)
        log = self._layout.logs / f"{name}.log"
        process = Command(
            name, command=command, environment=environment, group=self._group, log=log, on_change=self._record
        )
        self._processes.append(process)
        process.spawn()
        return process

    def check(self) -> None:
        """Raises PartFailed when a part has ended though nobody asked it to."""
        for part in self.parts:
            if part.crashed:
                msg = f"{part.name} has ended with status {part.exit_status}{part.last_lines()}"
                raise PartFailed(msg)

    def stop(self) -> None:
        """End everything, the last started first. Idempotent; a second Ctrl-C kills what is left."""
        if self._lock is None:
            return  # never started: what runs in this folder is somebody else's
        try:
            self._end_processes()
        finally:
            forget_state(self.directory)
            self._lock.close()
            self._lock = None

    def _end_processes(self) -> None:
        self._ready = False
        try:
            for process in reversed(self._processes):
                process.stop()
        finally:
            if self._group is not None:
                self._group.close()
                self._group = None
            for part in self.parts:
                part.close()
            self._processes = []
            self._controller_manager = None
            shutil.rmtree(self.directory / "data", ignore_errors=True)

    def _record(self) -> None:
        """Write down what runs now, for `devstack status` and `down`."""
        supervisor = ProcessIdentity.of(os.getpid())
        if supervisor is None or self._group is None:
            return
        pids = {"process group": self._group.pid}
        pids |= {process.name: process.pid for process in self._processes if process.pid is not None}
        identities = {name: ProcessIdentity.of(pid) for name, pid in pids.items()}
        state = State(
            supervisor=supervisor,
            ready=self._ready,
            processes={name: identity for name, identity in identities.items() if identity is not None},
            environment=self.environment(),
        )
        write_state(self.directory, state)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
