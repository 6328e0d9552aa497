"""Wheels and sdists: complete, well described, and what they install works."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from .conftest import Environment, run, wheel
from .distributions import DISTRIBUTIONS, ECHO, INIT_LIBRARY, OPERATOR, ROOT, Distribution

_each = pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda one: one.name)


def _tracked(folder: Path) -> set[str]:
    listed = subprocess.run(["git", "ls-files", "."], cwd=folder, capture_output=True, text=True, check=True)
    return set(listed.stdout.splitlines())


def test_package_indexes_would_take_them(dist: Path) -> None:
    files = sorted(dist.glob("*.whl")) + sorted(dist.glob("*.tar.gz"))
    assert len(files) == 2 * len(DISTRIBUTIONS)
    said = run(sys.executable, "-m", "twine", "check", "--strict", *files)
    assert said.count("PASSED") == len(files), said


@_each
def test_metadata(dist: Path, distribution: Distribution) -> None:
    with zipfile.ZipFile(wheel(dist, distribution)) as archive:
        metadata = Parser().parsestr(archive.read(f"{distribution.stem}.dist-info/METADATA").decode())
    assert (metadata["Name"], metadata["Version"]) == (distribution.name, distribution.version)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Summary"]
    assert f"# {distribution.name}" in str(metadata.get_payload()), "the README is what an index shows"


@_each
def test_a_wheel_has_the_whole_package_and_nothing_else(dist: Path, distribution: Distribution) -> None:
    with zipfile.ZipFile(wheel(dist, distribution)) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == _tracked(distribution.folder / "src")
    assert f"{distribution.package}/py.typed" in names


@_each
def test_an_sdist_has_the_sources_and_the_licence(dist: Path, distribution: Distribution) -> None:
    with tarfile.open(dist / f"{distribution.stem}.tar.gz") as archive:
        members = archive.getmembers()
    assert all(member.isfile() for member in members), "a link could point out of it"
    names = {member.name.removeprefix(f"{distribution.stem}/") for member in members}
    sources = {f"src/{name}" for name in _tracked(distribution.folder / "src")}
    assert names == sources | {"PKG-INFO", "pyproject.toml", "README.md", "LICENSE", ".gitignore"}


def test_the_command_lines_answer(installed: Environment) -> None:
    assert "render" in installed.call("echoroute", "--help")
    for command in ("render", "run"):
        assert f"echoroute {command}" in installed.call("echoroute", command, "--help")
    assert "sidecar" in installed.call("consul-init", "--help")
    assert installed.call("echoroute", "--version") == f"echoroute, version {OPERATOR.version}\n"
    assert installed.call("consul-init", "--version") == f"consul-init {INIT_LIBRARY.version}\n"
    assert installed.call("python", "-m", "echoroute", "--version") == installed.call("echoroute", "--version")
    assert installed.call("python", "-m", "consul_init", "--version") == installed.call("consul-init", "--version")


def test_the_echo_service_starts_and_names_a_wrong_setting(installed: Environment) -> None:
    command = [installed.root / "bin/echo-service"]
    answer = subprocess.run(command, env={"SERVICE_PORT": "x"}, capture_output=True, text=True, check=False, timeout=60)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "SERVICE_PORT" in answer.stderr, ECHO.name


def test_the_operator_renders_a_sample(installed: Environment) -> None:
    sample = str(ROOT / "manifests/samples/echo.yaml")
    assert '"service_name": "echo"' in installed.call("echoroute", "render", "-f", sample)


def test_the_init_library_brings_nothing_along(dist: Path, tmp_path: Path) -> None:
    (tmp_path / "none.txt").touch()
    alone = Environment.install(tmp_path / "venv", [wheel(dist, INIT_LIBRARY)], tmp_path / "none.txt")
    [site] = alone.root.glob("lib/python*/site-packages")
    packages = {path.name.removesuffix(".dist-info") for path in site.glob("*.dist-info")}
    assert packages == {INIT_LIBRARY.stem}
    alone.call("consul-init", "--help")


def test_crds_and_documents_are_what_the_wheel_generates(installed: Environment, tmp_path: Path) -> None:
    installed.call("python", "-m", "echoroute.api.crd", str(tmp_path / "crds"))
    for path in (ROOT / "crds").iterdir():
        assert (tmp_path / "crds" / path.name).read_text() == path.read_text(), path.name
    documents = tmp_path / "docs"
    shutil.copytree(ROOT / "docs", documents)
    installed.call("python", "-m", "echoroute.reference", str(documents))
    for path in (ROOT / "docs").rglob("*.md"):
        assert (documents / path.relative_to(ROOT / "docs")).read_text() == path.read_text(), path.name
