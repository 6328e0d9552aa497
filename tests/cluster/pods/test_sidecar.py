"""manifests/samples/native-sidecar on a real kubelet: who is told what, and when."""

import re
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from devstack.load import Load
from devstack.waiting import until

from .installed import ECHO, SAMPLES, Installed, wait_for_rollouts

SERVICE = "echo-sidecar"
DRAIN = 2.0
_SELECTOR = f"app.kubernetes.io/name={SERVICE}"
_ROUTE = SAMPLES / "native-sidecar/route.yaml"


@pytest.fixture
def sidecars(installed: Installed) -> Iterator[Installed]:
    """Two pods of the sample, in Consul and behind a route."""
    installed.kube.apply(SAMPLES / "native-sidecar")
    installed.kube.apply(_ROUTE)
    wait_for_rollouts(installed.kube, ECHO)
    installed.consul.wait_for_passing(SERVICE, 2, timeout=60)
    installed.gateway.wait_for("/sidecar/hello", 200, timeout=20)
    yield installed
    installed.kube.delete("echoroute", SERVICE)
    installed.gateway.wait_for("/sidecar/hello", 404, timeout=20)  # the tests after it count the routes
    installed.kube.run("delete", "-k", str(SAMPLES / "native-sidecar"), timeout=60)


def _when(log: str, container: str, said: str) -> datetime:
    """The kubelet's time stamp of the first line of a container in which something is said."""
    for line in log.splitlines():
        found = re.match(rf"\[pod/\S+/{container}\] (\S+?)(\.\d{{1,6}})?\d*Z .*{said}", line)
        if found:
            return datetime.fromisoformat(f"{found[1]}{found[2] or ''}").replace(tzinfo=UTC)
    msg = f"{container} has not said {said!r}:\n{log}"
    raise AssertionError(msg)


class _Departure(threading.Thread):
    """Looks every few milliseconds when an instance is gone from Consul."""

    def __init__(self, installed: Installed, instance: str) -> None:
        super().__init__()
        self._installed = installed
        self._instance = instance
        self.at: datetime | None = None

    def run(self) -> None:
        until(lambda: self._instance not in self._installed.consul.registered())
        self.at = datetime.now(UTC)


def test_it_leaves_drains_and_only_then_is_the_service_told_to_stop(sidecars: Installed, tmp_path: Path) -> None:
    """Leave, drain, SIGTERM to the main container, SIGTERM to the sidecar; and under load nobody notices."""
    pod = sidecars.pods(ECHO, _SELECTOR)[0]
    [instance] = [one.id for one in sidecars.consul.instances(SERVICE) if one.meta["pod"] == pod]
    departure = _Departure(sidecars, instance)
    options = ["--follow", "--timestamps", "--all-containers", "--prefix", f"--namespace={ECHO}"]
    log = tmp_path / "pod.log"
    kubectl = [str(sidecars.kube.kubectl), f"--kubeconfig={sidecars.kube.kubeconfig}"]
    with (
        log.open("w") as output,
        subprocess.Popen([*kubectl, "logs", pod, *options], stdout=output, stderr=output) as following,
        Load(f"{sidecars.gateway.url}/sidecar/hello", 100) as load,
    ):
        until(lambda: "registered" in log.read_text())
        departure.start()
        sidecars.kube.run("delete", "pod", pod, f"--namespace={ECHO}", timeout=60)
        departure.join()
        following.wait(10)
        wait_for_rollouts(sidecars.kube, ECHO)
        sidecars.consul.wait_for_passing(SERVICE, 2, timeout=60)

    said = log.read_text()
    assert departure.at is not None
    drained_from = _when(said, "consul-init", "draining for 2s")
    main_told = _when(said, "echo", "Shutting down")
    sidecar_told = _when(said, "consul-init", "received SIGTERM")
    assert departure.at < main_told, f"still in Consul:\n{said}"
    assert (main_told - drained_from).total_seconds() >= DRAIN, said
    assert main_told < sidecar_told, said
    assert load.outcomes == {"200": load.sent}
