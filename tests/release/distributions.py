"""The three distributions of this repository, as their pyproject.toml describes them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Distribution:
    """A folder with a pyproject.toml; its version stands there and nowhere else."""

    name: str
    folder: Path
    package: str

    @property
    def version(self) -> str:
        project = tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]
        assert project["name"] == self.name
        return str(project["version"])

    @property
    def stem(self) -> str:
        """How the names of its files begin."""
        return f"{self.name.replace('-', '_')}-{self.version}"


OPERATOR = Distribution("echoroute-operator", ROOT / "operator", "echoroute")
ECHO = Distribution("echo-service", ROOT / "echo", "echo_service")
INIT_LIBRARY = Distribution("consul-init", ROOT / "echo/consul-init", "consul_init")
DISTRIBUTIONS = (OPERATOR, ECHO, INIT_LIBRARY)
