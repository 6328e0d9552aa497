"""The images of `make images`, and the devstack beside them."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from devstack.paths import REPOSITORY
from devstack.ports import pick_ports
from devstack.stack import Stack

from .containers import Container, Engine, builder

VERSION = tomllib.loads((REPOSITORY / "operator/pyproject.toml").read_text())["project"]["version"]
NAMES = ("echoroute-operator", "echo-service", "consul-init")

Start = Callable[..., Container]


@pytest.fixture(scope="session")
def engine() -> Engine:
    program = builder()
    if program is None:
        pytest.fail("make image-test needs docker or podman; neither answers", pytrace=False)
    return Engine(program)


@pytest.fixture
def start(engine: Engine) -> Iterator[Start]:
    """Starts a container of one of our images; it is removed after the test."""
    started: list[Container] = []

    def run(name: str, *options: str, **environment: str) -> Container:
        container = engine.start(f"localhost/{name}:{VERSION}", *options, environment=environment)
        started.append(container)
        return container

    yield run
    for container in started:
        container.remove()


@pytest.fixture
def operator_settings(stack: Stack, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """The option that mounts its files, and its environment. They are readable for the image's user."""
    for name, source in (("kubeconfig", stack.kubeconfig), ("admin-key", stack.gateway.admin_key_file)):
        (tmp_path / name).write_bytes(Path(source).read_bytes())
        (tmp_path / name).chmod(0o644)
    tmp_path.chmod(0o755)
    return f"--volume={tmp_path}:/run/test:ro", {
        "KUBECONFIG": "/run/test/kubeconfig",
        "ECHOROUTE_APISIX_ADMIN_URL": stack.gateway.admin_url,
        "ECHOROUTE_APISIX_ADMIN_KEY_FILE": "/run/test/admin-key",
        "ECHOROUTE_BIND": f"127.0.0.1:{pick_ports(1)[0]}",
        "CONSUL_HTTP_ADDR": stack.consul.url,
    }


@pytest.fixture
def echo_settings(stack: Stack) -> dict[str, str]:
    return {
        "SERVICE_ADDRESS": "127.0.0.1",
        "SERVICE_PORT": str(pick_ports(1)[0]),
        "CONSUL_HTTP_ADDR": stack.consul.url,
    }
