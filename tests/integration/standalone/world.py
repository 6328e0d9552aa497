"""What the tests of file mode work on: a folder, an operator that watches it, and the gateway."""

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from devstack import waiting
from devstack.handles.gateway import GatewayApi, Write
from devstack.product import Operator, start_standalone
from devstack.stack import Stack

_ECHOROUTE = Path(sys.executable).parent / "echoroute"


until = partial(waiting.until, timeout=15)
"""The folder is looked at every second, and what is gone from it is judged in rounds that follow at once."""


def route(name: str, path: str | None = None, service: str = "web", **spec: object) -> str:
    """An EchoRoute as a YAML document."""
    document = {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "metadata": {"name": name},
        "spec": {"match": {"paths": [path or f"/{name}"]}, "backends": [{"service": service}], **spec},
    }
    return f"---\n{yaml.safe_dump(document)}"


@dataclass
class World:
    """A folder, the operators that watch it, and what the gateway holds of theirs."""

    stack: Stack
    folder: Path
    owner: str
    operator: Operator | None = None

    @property
    def gateway(self) -> GatewayApi:
        return self.stack.gateway.api

    def start(self, *, wait: bool = True, **settings: str) -> Operator:
        """Start the operator with a drift interval that no test waits for by accident."""
        environment = {"ECHOROUTE_OWNER_ID": self.owner, "ECHOROUTE_DRIFT_INTERVAL": "1h", **settings}
        self.operator = start_standalone(self.stack, self.folder, environment, wait=wait)
        return self.operator

    def write(self, file: str, *documents: str) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / file).write_text("".join(documents))

    def served(self) -> dict[str, Any]:
        """The paths of our routes in the gateway, by the names of their EchoRoutes."""
        routes: list[Any] = self.gateway.list_all("routes")
        ours = [one for one in routes if one.get("labels", {}).get("owner") == self.owner]
        return {one["labels"]["name"]: one["uri"] for one in ours}

    def writes(self) -> list[Write]:
        return [write for write in self.gateway.writes() if write.id.startswith(self.owner)]

    def echoroute_status(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        assert self.operator is not None
        command = [str(_ECHOROUTE), "status", "--server", self.operator.url, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def page(self) -> dict[str, Any]:
        """What `echoroute status -o json` prints, without the start of a process for each look."""
        assert self.operator is not None
        found: dict[str, Any] = self.gateway.http.get(f"{self.operator.url}/echoroutes").json()
        return found

    def conditions(self, name: str) -> dict[str, tuple[str, str, str]]:
        """Status, reason and message by type, once they are about the newest generation."""
        for item in self.page()["items"]:
            if item["metadata"]["name"] == name and self._is_current(item):
                return {
                    one["type"]: (one["status"], one["reason"], one["message"]) for one in item["status"]["conditions"]
                }
        return {}

    @staticmethod
    def _is_current(item: dict[str, Any]) -> bool:
        return bool(item["status"]["observedGeneration"] == item["metadata"]["generation"])

    def reason(self, name: str, condition: str = "Ready") -> str:
        return self.conditions(name).get(condition, ("", "", ""))[1]
