"""The wheel by itself: installed into an empty environment, typed, without dependencies."""

import os
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from .agent import ConsulAgent

PROJECT = Path(__file__).parents[3] / "echo" / "consul-init"
NAMES = ("python3.11", "python3.12", "python3.13", "python3.14", "python3.15")


@pytest.fixture(scope="module")
def uv() -> str:
    """The uv that runs the tests, or one on PATH, or the Makefile's."""
    cached = sorted((PROJECT.parents[1] / ".cache").glob("uv-*/bin/uv"))
    found = os.environ.get("UV") or shutil.which("uv") or (str(cached[-1]) if cached else None)
    assert found is not None, "uv is not there: run `make help` once, or set UV"
    return found


@pytest.fixture(scope="module")
def wheel(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", out, PROJECT], check=True)
    (built,) = out.glob("*.whl")
    return built


@cache
def interpreters() -> dict[str, str]:
    """By version, from 3.11 on, whatever is at hand: on PATH, or pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [sys.executable, *filter(None, map(shutil.which, NAMES)), *map(str, pyenv.glob("3.*/bin/python"))]
    found: dict[tuple[int, int], str] = {}
    for candidate in candidates:
        # A shim of pyenv's is on PATH also where it leads nowhere.
        code = "import sys; print(*sys.version_info[:2])"
        answer = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            major, minor = map(int, answer.stdout.split())
            found.setdefault((major, minor), candidate)
    return {f"{major}.{minor}": found[major, minor] for major, minor in sorted(found) if (major, minor) >= (3, 11)}


@pytest.mark.parametrize("python", interpreters().values(), ids=interpreters().keys())
def test_installed_into_an_empty_environment(
    python: str, uv: str, wheel: Path, tmp_path: Path, shared_agent: ConsulAgent
) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == []
    bin_directory = tmp_path / "venv" / "bin"
    subprocess.run([uv, "venv", "--quiet", "--python", python, tmp_path / "venv"], check=True)
    install = [uv, "pip", "install", "--quiet", "--no-index", "--python", bin_directory / "python", wheel]
    subprocess.run(install, check=True)

    version = subprocess.check_output([bin_directory / "consul-init", "--version"], text=True)
    assert version == f"consul-init {project['version']}\n"
    code = "import consul_init, pathlib; print(pathlib.Path(consul_init.__file__).with_name('py.typed').exists())"
    assert subprocess.check_output([bin_directory / "python", "-I", "-c", code], text=True) == "True\n"

    variables = {"SERVICE_PORT": "9", "SERVICE_ADDRESS": "127.0.0.1", "CONSUL_HTTP_ADDR": shared_agent.address}
    command = [bin_directory / "consul-init", "run", "--", bin_directory / "python", "-c", "exit(7)"]
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (
        2,
        "consul-init: SERVICE_NAME is not set: the name of the service in Consul\n",
    )
    variables["SERVICE_NAME"] = "installed"
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 7
    assert "installed-127.0.0.1-9: the command ended with exit code 7" in ended.stderr
    assert shared_agent.api.instances("installed") == []
