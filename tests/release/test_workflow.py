"""The workflow for a public host: valid, safe, and doing what everybody can do at home."""

import re
import sys
from pathlib import Path

import yaml

from .conftest import run
from .distributions import ROOT

_WORKFLOW = ROOT / ".github/workflows/ci.yml"


def test_it_is_valid() -> None:
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", _WORKFLOW)


def test_it_is_safe() -> None:
    """Rights, credentials and injected text, as zizmor judges them; it ends with an error where it finds something."""
    run(Path(sys.executable).with_name("zizmor"), "--offline", "--no-progress", "--pedantic", _WORKFLOW)


def test_actions_are_pinned_by_commit_and_the_release_is_said() -> None:
    used = re.findall(r"uses: (.*)", _WORKFLOW.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_it_runs_what_the_repository_runs() -> None:
    [job] = yaml.safe_load(_WORKFLOW.read_text())["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
