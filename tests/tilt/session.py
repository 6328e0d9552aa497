"""A running `tilt up`, over a copy of the sources that a test may edit."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.waiting import until

_ROOT = Path(__file__).parents[2]


def copy_sources(to: Path) -> Path:
    """The working copy without what Git ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split("\0"):
        source, target = _ROOT / name, to / name
        if name and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return to


@dataclass(frozen=True)
class Session:
    """`tilt up` in `sources`; its commands reach it by `port`."""

    tilt: Path
    sources: Path
    port: int
    environment: Mapping[str, str]

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.sources / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file}: {old!r}"
        path.write_text(text.replace(old, new))

    def ask(self, *arguments: str) -> str:
        command = [self.tilt, *arguments, f"--port={self.port}"]
        answer = subprocess.run(
            command, cwd=self.sources, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )
        return answer.stdout if answer.returncode == 0 else ""

    def resource(self, name: str) -> dict[str, object]:
        """The status of a resource, as the web page shows it; empty while Tilt does not answer."""
        text = self.ask("get", "uiresource", name, "--output=json")
        return json.loads(text)["status"] if text else {}

    def is_up_to_date(self, name: str) -> bool:
        status = self.resource(name)
        return status.get("updateStatus") == "ok" and status.get("runtimeStatus") in ("ok", "not_applicable")

    def click(self, name: str, timeout: float) -> None:
        """Run a manual resource, and wait for its end, which has to be a good one."""
        before = self.resource(name).get("lastDeployTime")
        self.ask("trigger", name)

        def done() -> bool:
            status = self.resource(name)
            assert status.get("updateStatus") != "error", self.ask("logs", name)
            return status.get("updateStatus") == "ok" and status.get("lastDeployTime") != before

        until(done, f"{name} has run", timeout)
