"""`make rules-check`: the rules of components/monitoring as promtool judges them, and cases.yaml run against them.

A PrometheusRule is a rule file in an envelope; promtool takes what is inside.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from devstack.find import require
from devstack.paths import REPOSITORY

_RULES = REPOSITORY / "manifests" / "components" / "monitoring" / "rules.yaml"


def main() -> int:
    promtool = require(["promtool"])["promtool"].path
    with tempfile.TemporaryDirectory() as scratch:
        rules = Path(scratch, "rules.yaml")
        rules.write_text(yaml.safe_dump(yaml.safe_load(_RULES.read_text())["spec"]))
        cases = Path(shutil.copy(Path(__file__).with_name("cases.yaml"), scratch))
        for arguments in (["check", "rules", "--lint=all", rules], ["test", "rules", cases]):
            status = subprocess.run([promtool, *arguments], check=False).returncode
            if status != 0:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
