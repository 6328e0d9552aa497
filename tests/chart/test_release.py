"""What a release publishes of the manifests: `.ci/release chart install`, without the pushing."""

import os
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml
from devstack.find import Binaries
from devstack.paths import REPOSITORY

_REGISTRY = "registry.test/owner"
_OUT = REPOSITORY / "dist" / "release"
_VERSION = tomllib.loads((REPOSITORY / "operator/pyproject.toml").read_text())["project"]["version"]


@pytest.fixture(scope="module")
def said(programs: Binaries, tmp_path_factory: pytest.TempPathFactory) -> str:
    tools = tmp_path_factory.mktemp("tools")
    for name, binary in programs.items():
        (tools / name).symlink_to(binary.path)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "REGISTRY": _REGISTRY, "DRY_RUN": "1"}
    done = subprocess.run(
        [REPOSITORY / ".ci/release", "chart", "install"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_chart_is_pushed_with_the_published_image(said: str) -> None:
    package = _OUT / f"echoroute-operator-{_VERSION}.tgz"
    assert f"would run: helm push dist/release/{package.name} oci://{_REGISTRY}/charts" in said
    with tarfile.open(package) as archive:
        content = archive.extractfile("echoroute-operator/values.yaml")
        assert content is not None
        assert yaml.safe_load(content)["image"]["repository"] == f"{_REGISTRY}/echoroute-operator"


def test_install_yaml_is_the_production_overlay_with_the_published_image(said: str) -> None:
    del said
    found = [each for each in yaml.safe_load_all((_OUT / "install.yaml").read_text()) if each]
    [deployment] = [each for each in found if each["kind"] == "Deployment"]
    images = [each["image"] for each in deployment["spec"]["template"]["spec"]["containers"]]
    assert images == [f"{_REGISTRY}/echoroute-operator:{_VERSION}"]
    assert "registry.example.com" not in (_OUT / "install.yaml").read_text()
    assert (_OUT / "crds.yaml").read_bytes() == Path(REPOSITORY / "crds/echoroutes.echoroute.dev.yaml").read_bytes()
