"""Helm and kubectl, which have to be there: `make chart-check` brings them."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from devstack.errors import NotBuilt
from devstack.find import Binaries, require

from .helm import MANIFESTS, Helm, Objects, objects


@pytest.fixture(scope="session")
def programs() -> Binaries:
    try:
        return require(["helm", "kubectl"])
    except NotBuilt as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def helm(programs: Binaries, tmp_path: Path) -> Helm:
    return Helm(programs["helm"].path, tmp_path)


@pytest.fixture
def kustomize(programs: Binaries, tmp_path: Path) -> Callable[..., Objects]:
    """Renders an overlay, with components and patches as somebody would add them in a kustomization of their own."""

    def run(overlay: str, *components: str) -> Objects:
        folder = tmp_path / "kustomization"
        folder.mkdir()
        kustomization = {
            "resources": [os.path.relpath(MANIFESTS / "overlays" / overlay, folder.resolve())],
            "components": [os.path.relpath(MANIFESTS / "components" / name, folder.resolve()) for name in components],
        }
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        command = [programs["kubectl"].path, "kustomize", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return objects(done.stdout)

    return run
