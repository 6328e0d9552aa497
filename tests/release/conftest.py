"""The distributions, built, and an environment in which their wheels are installed and nothing else was."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from .distributions import DISTRIBUTIONS, ROOT, Distribution


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a program that has to succeed, and return its stdout."""
    # What the tests' own environment says about packages is not for the programs under test.
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    answer = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"{' '.join(map(str, command))}\n{answer.stdout}{answer.stderr}"
    return answer.stdout


def uv(*arguments: str | Path) -> str:
    """Run the uv that runs these tests (`uv run` says where it is)."""
    assert "UV" in os.environ, "start these tests by `make release-check`"
    return run(os.environ["UV"], *arguments)


@dataclass(frozen=True)
class Environment:
    """A virtual environment of its own."""

    root: Path

    @classmethod
    def install(cls, root: Path, wheels: Sequence[Path], constraints: Path) -> "Environment":
        uv("venv", "--quiet", "--python", sys.executable, root)
        uv("pip", "install", "--quiet", "--python", root, "--constraints", constraints, *wheels)
        return cls(root)

    def call(self, program: str, *arguments: str) -> str:
        """Run one of its programs outside the repository, so that no source of ours is found by chance."""
        return run(self.root / "bin" / program, *arguments, cwd=self.root)


@pytest.fixture(scope="session")
def dist() -> Path:
    """`dist/` with an sdist of each, and a wheel that was built from the sdist: what is not in it is missed.

    They stay there: what is published is what was checked.
    """
    folder = ROOT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    for distribution in DISTRIBUTIONS:
        uv("build", "--quiet", "--package", distribution.name, "--out-dir", folder)
    return folder


def wheel(dist: Path, distribution: Distribution) -> Path:
    return dist / f"{distribution.stem}-py3-none-any.whl"


@pytest.fixture(scope="session")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """All three wheels with the locked versions of what they depend on."""
    folder = tmp_path_factory.mktemp("installed")
    constraints = folder / "constraints.txt"
    constraints.write_text(uv("export", "--quiet", "--locked", "--no-dev", "--no-hashes", "--no-emit-workspace"))
    return Environment.install(folder / "venv", [wheel(dist, one) for one in DISTRIBUTIONS], constraints)
