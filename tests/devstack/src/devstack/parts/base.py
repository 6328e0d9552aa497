"""What all parts share: data in a folder of their own, and readiness over HTTP."""

import shutil
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from devstack.errors import PartFailed, PortTaken
from devstack.find import Binaries
from devstack.layout import Layout
from devstack.pki import Pki
from devstack.processes import Process, ProcessGroup

_READY_SECONDS = 60.0  # on a machine that builds something at the same time


@dataclass(frozen=True, slots=True)
class Site:
    """Where a part is put up."""

    binaries: Binaries
    layout: Layout
    pki: Pki
    group: ProcessGroup
    on_change: Callable[[], None]


class Part(Process):
    """A part of a stack: the same ports and the same data over all its starts."""

    def __init__(self, name: str, site: Site, http: httpx.Client, *, program: str | None = None) -> None:
        """`program` is the one that it runs, where that is not its name."""
        super().__init__(name, site.group, site.layout.logs / f"{name}.log", site.on_change)
        self.binary = site.binaries[program or name].path
        self.data = site.layout.data / name
        self._layout = site.layout
        self._http = http

    def is_ready(self) -> bool:
        raise NotImplementedError

    def answers(self, path: str) -> httpx.Response | None:
        """The answer to a GET when it is a 200; None else, also where nobody listens (yet)."""
        try:
            answer = self._http.get(path, timeout=2)
        except httpx.TransportError:
            return None
        return answer if answer.status_code == httpx.codes.OK else None

    def wait_ready(self, timeout: float = _READY_SECONDS) -> None:
        """Raises PartFailed; PortTaken when that is what kept it from starting."""
        try:
            self.wait_until(self.is_ready, timeout)
        except PartFailed as error:
            if not self.running and "address already in use" in self.output():
                raise PortTaken(str(error)) from error
            raise

    def start(self) -> None:
        """Start on the same ports with the data that is there, and wait until it is ready."""
        self.spawn()
        self.wait_ready()

    def wipe(self) -> None:
        """Throw its data away; it must be down."""
        if self.running:
            msg = f"{self.name} runs: stop it before its data are wiped"
            raise PartFailed(msg)
        shutil.rmtree(self.data, ignore_errors=True)

    def restart(self, *, wipe: bool = False) -> None:
        """Stop, optionally lose all data, start, wait until ready."""
        self.stop()
        if wipe:
            self.wipe()
        self.start()

    def close(self) -> None:
        """Close connections of ours to it."""
        self._http.close()


def loopback_client(port: int, pki: Pki | None = None, token: str | None = None) -> httpx.Client:
    """A client for 127.0.0.1 that takes no proxy from the environment; with a Pki it speaks verified TLS."""
    return httpx.Client(
        base_url=f"{'http' if pki is None else 'https'}://127.0.0.1:{port}",
        headers={} if token is None else {"Authorization": f"Bearer {token}"},
        verify=False if pki is None else ssl.create_default_context(cafile=str(pki.ca)),
        timeout=30,
        trust_env=False,
    )
