"""The images as containers, run as a pod runs them: not root, a read-only root, no capabilities."""

import json
import statistics
import time
from collections.abc import Callable

import httpx
import pytest
from devstack.handles.consul import ConsulApi
from devstack.product import install
from devstack.stack import Stack

from .conftest import NAMES, VERSION, Start
from .containers import Engine

_HTTP = httpx.Client(timeout=2)
_SHELL = ("run", "--rm", "--network=none", "--user=0", "--entrypoint=sh")


def _answers(url: str) -> bool:
    try:
        return _HTTP.get(url).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("name", NAMES)
def test_what_the_image_says_of_itself(engine: Engine, name: str, figure: Callable[[str], None]) -> None:
    [image] = json.loads(engine.output("image", "inspect", f"localhost/{name}:{VERSION}"))
    assert image["Config"]["User"] == "65532:65532", "a number, so that runAsNonRoot can be checked"
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in image["Config"]["Labels"].items()}
    assert (labels["title"], labels["version"], labels["licenses"]) == (name, VERSION, "Apache-2.0")
    assert len(labels["revision"]) == 40
    megabytes = engine.output(*_SHELL, f"localhost/{name}:{VERSION}", "-c", "du -sm /app | cut -f1")
    figure(f"{name}: {int(image['Size']) / 1e6:.0f} MB, of these {megabytes} MB beside the base image")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_build_is_left(engine: Engine, name: str) -> None:
    look = r"ls /app/bin; find / -xdev \( -name uv.toml -o -name '*requirements.txt' -o -path /src -o -path /wheels \)"
    found = engine.output(*_SHELL, f"localhost/{name}:{VERSION}", "-c", f"{look}; command -v cc gcc uv; true").split()
    assert not {"uv", "pip", "hatchling"} & set(found)
    assert not [path for path in found if path.startswith("/")]


@pytest.mark.parametrize(
    ("why", "delay"),
    [
        ("the interpreter is up, the package is being imported", 0.3),
        ("settings are read, the first pass runs", 1.5),
        ("at work", 5.0),
    ],
)
def test_the_operator_ends_on_sigterm_whenever_it_comes(
    stack: Stack, start: Start, operator_settings: tuple[str, dict[str, str]], why: str, delay: float
) -> None:
    install(stack)
    option, environment = operator_settings
    container = start("echoroute-operator", option, **environment)
    time.sleep(delay)
    code, seconds = container.stop()
    assert (code, seconds < 5) == (0, True), f"{why}: {seconds:.1f} s, {container.logs()}"


@pytest.mark.parametrize("delay", [0.3, 3.0])
def test_echo_ends_on_sigterm_and_leaves_consul_first(
    start: Start, consul: ConsulApi, echo_settings: dict[str, str], delay: float
) -> None:
    before = consul.registered()
    container = start("echo-service", **echo_settings)
    time.sleep(delay)
    code, seconds = container.stop()
    assert (code, seconds < 8) == (0, True), container.logs()
    assert consul.registered() == before


def test_the_operator_watches_though_its_user_has_no_name(
    stack: Stack, start: Start, operator_settings: tuple[str, dict[str, str]]
) -> None:
    install(stack)
    option, environment = operator_settings
    container = start("echoroute-operator", option, **environment)
    page = f"http://{environment['ECHOROUTE_BIND']}/readyz?verbose"
    container.seconds_until(lambda: _answers(page) and "[+]watch" in _HTTP.get(page).text)


def test_how_long_the_operator_takes_to_start(
    stack: Stack, start: Start, operator_settings: tuple[str, dict[str, str]], figure: Callable[[str], None]
) -> None:
    install(stack)
    option, environment = operator_settings
    url = f"http://{environment['ECHOROUTE_BIND']}"
    healthy, ready = [], []
    for _ in range(5):
        container = start("echoroute-operator", option, **environment)
        healthy.append(container.seconds_until(lambda: _answers(f"{url}/healthz")))
        ready.append(container.seconds_until(lambda: _answers(f"{url}/readyz")))
        container.stop()
    figure(
        f"echoroute-operator: /healthz {statistics.median(healthy):.1f} s, /readyz {statistics.median(ready):.1f} s"
        " after the start of its container (median of 5)"
    )


def test_how_long_echo_takes_to_start(
    start: Start, echo_settings: dict[str, str], figure: Callable[[str], None]
) -> None:
    url = f"http://127.0.0.1:{echo_settings['SERVICE_PORT']}/hello"
    taken = []
    for _ in range(5):
        container = start("echo-service", **echo_settings)
        taken.append(container.seconds_until(lambda: _answers(url)))
        container.stop()
    figure(f"echo-service: /hello {statistics.median(taken):.1f} s after the start of its container (median of 5)")


def test_the_sidecar_registers_what_answers_and_leaves_when_told(
    start: Start, engine: Engine, consul: ConsulApi, echo_settings: dict[str, str]
) -> None:
    main = start("echo-service", **echo_settings, SERVICE_REGISTER="false")
    sidecar = start("consul-init", **echo_settings, SERVICE_NAME="beside", POD_UID="6f9619ff")
    instance = f"beside-127.0.0.1-{echo_settings['SERVICE_PORT']}"
    sidecar.seconds_until(lambda: instance in consul.registered())
    engine.output("exec", sidecar.id, "consul-init", "leave", "--wait")
    assert instance not in consul.registered()
    assert sidecar.stop()[0] == 0
    assert main.stop()[0] == 0
