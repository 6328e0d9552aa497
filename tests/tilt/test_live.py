"""Tilt on the test cluster: `tilt ci` succeeds, edits arrive in running pods, and the buttons work.

Images are built by podman; Consul, etcd and the stand-in gateway take the places of images that cannot be pulled.
"""

import json
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cluster import images, podman
from cluster.parts import ctr
from devstack.find import require
from devstack.ports import pick_ports
from devstack.programs import CLUSTER
from devstack.waiting import until

from .session import Session, copy_sources

# Not 127.0.0.1, where other programs may have the ports that the Tiltfile forwards.
_ADDRESS = "127.0.0.99"
_GATEWAY = f"http://{_ADDRESS}:9080/testecho/hello"
_READYZ = f"http://{_ADDRESS}:8080/readyz?verbose"
_CLUSTER = [sys.executable, "-m", "cluster"]
_BUILD = f"--isolation chroot --network host --build-arg PYTHON_IMAGE={images.PYTHON_IMAGE}"

pytestmark = pytest.mark.timeout(3600)  # images are built within


def _cluster(name: str, *arguments: str) -> str:
    command = [*_CLUSTER, *arguments[:1], "--name", name, *arguments[1:]]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The name of a cluster of this module's own, with the images that are not Tilt's to build."""
    name = f"tilt-{secrets.token_hex(2)}"
    podman.prepare()
    images.make_base()
    parts = images.make_parts(require(CLUSTER))
    try:
        _cluster(name, "up")
        _cluster(name, "load", images.PYTHON_IMAGE, *parts)
        yield name
    finally:
        _cluster(name, "down")


@dataclass(frozen=True)
class Setup:
    """What `tilt ci` and `tilt up` are started with: sources to edit, the environment, what follows `--`."""

    tilt: Path
    sources: Path
    environment: Mapping[str, str]
    arguments: Sequence[str]


@pytest.fixture(scope="module")
def settings(cluster: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of Tilt, the cluster's included."""
    lines = _cluster(cluster, "env").splitlines()
    pairs = (line.removeprefix("export ").partition("=") for line in lines)
    return {**environment, **{variable: value.strip("'") for variable, _, value in pairs}}


@pytest.fixture(scope="module")
def setup(cluster: str, settings: dict[str, str], tilt: Path, tmp_path_factory: pytest.TempPathFactory) -> Setup:
    kubectl = [settings["KUBECTL"], "config", "current-context"]
    context = subprocess.run(kubectl, env=settings, capture_output=True, text=True, check=True).stdout.strip()
    load = shlex.join([*_CLUSTER, "exec", "--name", cluster, "--", *ctr("images", "import", "-")])
    arguments = [
        "--builder=podman",
        f"--load={load}",
        f"--build-args={_BUILD}",
        f"--allow-context={context}",
        f"--address={_ADDRESS}",
        "--overlay=tests/tilt/overlay",
    ]
    return Setup(tilt, copy_sources(tmp_path_factory.mktemp("sources")), settings, arguments)


@pytest.fixture(scope="module")
def succeeded(setup: Setup) -> str:
    """What `tilt ci` said; it has to succeed."""
    [port] = pick_ports(1)
    command = [setup.tilt, "ci", f"--port={port}", "--timeout=40m", "--", *setup.arguments]
    answer = subprocess.run(
        command, cwd=setup.sources, env=setup.environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.fixture(scope="module")
def session(succeeded: str, setup: Setup, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """`tilt up` on what `tilt ci` has left, without a terminal."""
    del succeeded
    [port] = pick_ports(1)
    log = tmp_path_factory.mktemp("log") / "tilt.log"
    command = [setup.tilt, "up", "--stream", f"--port={port}", "--", *setup.arguments]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=setup.sources, env=setup.environment, stdout=output, stderr=output) as up,
    ):
        running = Session(setup.tilt, setup.sources, port, setup.environment)
        try:
            until(lambda: running.is_up_to_date("route-ready"), f"the route is ready (see {log})", 1200)
            _settle(setup.environment)
            yield running
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)


def _settle(settings: Mapping[str, str]) -> None:
    """Wait until the pods of `tilt ci`, which `tilt up` replaces, are on their way out."""
    for namespace in ("echo", "echoroute-system"):
        command = [settings["KUBECTL"], "rollout", "status", "deployment", f"--namespace={namespace}", "--timeout=300s"]
        subprocess.run(command, env=settings, stdout=subprocess.DEVNULL, check=True)


def _pods(settings: Mapping[str, str], namespace: str) -> dict[str, int]:
    """The pods that run, with how often their containers were restarted."""
    command = [settings["KUBECTL"], "get", "pods", f"--namespace={namespace}", "--output=json"]
    answer = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    return {
        pod["metadata"]["name"]: sum(status["restartCount"] for status in pod["status"]["containerStatuses"])
        for pod in json.loads(answer.stdout)["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }


def _answer(url: str) -> str:
    try:
        return httpx.get(url, timeout=5, trust_env=False).text
    except httpx.TransportError:
        return ""


def _versions(message: str) -> set[object]:
    """Which versions of echo answer with this message, in a few requests."""
    answers = [_answer(_GATEWAY) for _ in range(6)]
    found = [json.loads(answer) for answer in answers if answer.startswith("{")]
    return {answer.get("version") for answer in found if answer.get("message") == message}


def test_tilt_ci_succeeds(succeeded: str) -> None:
    assert "SUCCESS. All workloads are healthy." in succeeded


def test_both_versions_answer_through_the_gateway(session: Session) -> None:
    del session
    until(lambda: _versions("hello world") == {1, 2}, "both versions answer", 30)


def test_an_edit_of_the_echo_service_arrives_in_the_running_pods(
    session: Session, settings: Mapping[str, str], figure: Callable[[str], None]
) -> None:
    before = _pods(settings, "echo")
    session.edit("echo/src/echo_service/app.py", '"hello world"', '"hello from an edit"')
    edited = time.monotonic()
    until(lambda: _versions("hello from an edit") == {1, 2}, "the new answer of both versions", 120)
    figure(f"an edit of echo was answered by both versions after {time.monotonic() - edited:.1f} s")
    assert _pods(settings, "echo") == before, "the same pods, and no container was started again"


def test_an_edit_of_the_operator_arrives_in_the_running_pod(
    session: Session, settings: Mapping[str, str], figure: Callable[[str], None]
) -> None:
    until(lambda: "echoroutes-listed" in _answer(_READYZ), "the operator's checks", 30)
    before = _pods(settings, "echoroute-system")
    session.edit("operator/src/echoroute/run/app.py", '"echoroutes-listed"', '"echoroutes-edited"')
    edited = time.monotonic()
    until(lambda: "echoroutes-edited" in _answer(_READYZ), "the edited check", 120)
    figure(f"an edit of the operator was live after {time.monotonic() - edited:.1f} s")
    assert _pods(settings, "echoroute-system") == before
    assert _versions("hello from an edit") == {1, 2}, "routes serve without the operator"


def test_the_buttons(session: Session) -> None:
    session.click("send-requests", 60)
    session.click("drift-a-route", 120)
    assert "mended after" in session.ask("logs", "drift-a-route")
