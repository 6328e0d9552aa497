"""Programs of the machine: real executables that say a version."""

from pathlib import Path

import pytest
from devstack import find
from devstack.errors import NotBuilt
from devstack.programs import ALL


def _say(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with empty folders for PATH and KUBEBUILDER_ASSETS, and nothing built."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setattr(find, "BIN", tmp_path / "built")
    return tmp_path


def test_an_empty_machine_lacks_all(machine: Path) -> None:
    inventory = find.take_inventory(ALL)
    assert [program.name for program in inventory.missing] == list(ALL)
    assert not inventory.found
    with pytest.raises(NotBuilt, match="devstack build etcd consul"):
        find.require(["etcd", "consul"])


def test_kubebuilder_assets_come_before_path(machine: Path) -> None:
    _say(machine / "path", "etcd", "etcd Version: 3.6.1")
    wanted = _say(machine / "assets", "etcd", "etcd Version: 3.5.9")
    binary = find.require(["etcd"])["etcd"]
    assert (binary.path, binary.version, binary.origin) == (wanted, "v3.5.9", "KUBEBUILDER_ASSETS")


def test_what_is_too_old_is_said_and_the_next_one_taken(machine: Path) -> None:
    old = _say(machine / "assets", "consul", "Consul v1.10.0")
    wanted = _say(machine / "path", "consul", "Consul v1.20.1")
    inventory = find.take_inventory(["consul"])
    assert inventory.found["consul"].path == wanted
    assert inventory.refused == [f"{old} v1.10.0 is not used: older than 1.15"]


def test_a_program_that_does_not_run_is_not_used(machine: Path) -> None:
    broken = _say(machine / "path", "etcd", "")
    broken.write_text("#!/bin/sh\nexit 1\n")
    inventory = find.take_inventory(["etcd"])
    assert not inventory.found
    assert inventory.refused == [f"{broken} is not used: does not say its version"]


def test_kubectl_has_to_fit_the_api_server_that_is_used(machine: Path) -> None:
    _say(machine / "path", "kubectl", "Client Version: v1.32.4-dispatcher")
    alone = find.take_inventory(["kubectl"])
    assert not alone.found, "the API server that would be built is newer"
    assert "too far from the API server" in alone.refused[0]

    _say(machine / "path", "kube-apiserver", "Kubernetes v1.33.0")
    assert find.take_inventory(["kubectl"]).found["kubectl"].version == "v1.32.4"


def test_somebody_elses_gateway_is_never_used(machine: Path) -> None:
    _say(machine / "path", "gateway", "gateway v9.9.9")
    assert not find.take_inventory(["gateway"]).found
