"""Nobody is told to install by name what no package index has: somebody else could put a package there.

When the three distributions are published, this test goes, and the READMEs say their names.
"""

import re
import subprocess
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_OURS = {"consul-init", "echo-service", "echoroute-operator"}


def test_no_document_installs_an_unpublished_name() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=_ROOT, capture_output=True, text=True, check=True)
    found = {}
    for name in listed.stdout.splitlines():
        told = re.findall(r"(?:pip|pipx|uv add|uv tool) install ([^#`\n]*)", (_ROOT / name).read_text(encoding="utf-8"))
        words = {re.sub(r"[\"'\[=<>@].*", "", word) for line in told for word in line.split()}
        if words & _OURS:
            found[name] = words & _OURS
    assert found == {}
