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


def _commands() -> list[str]:
    jobs = yaml.safe_load(_WORKFLOW.read_text())["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def test_it_runs_what_the_repository_runs() -> None:
    """Nothing stands in the workflow alone: each step is .ci/run or a target, with its settings in front."""
    makefile = (ROOT / "Makefile").read_text()
    for command in _commands():
        target = re.fullmatch(
            r"(?:sudo env PATH=\"\$PATH\" )?(?:CLUSTER_TEST=required )?make ([\w-]+)(?: PYTHON=python)?", command
        )
        assert command == ".ci/run" or (target and f"\n{target[1]}:" in makefile), command


def test_each_target_that_no_machine_at_home_need_run_is_run_there() -> None:
    """What needs root, Docker or kind says 'not run' elsewhere; some machine has to look at it."""
    run = {command.rpartition("make ")[2].split()[0] for command in _commands() if "make " in command}
    assert {
        "cluster-test",
        "compose-check",
        "docker-check",
        "image-test",
        "kind-check",
        "contract-check",
        "tilt-ci",
    } <= run
    for command in _commands():
        if command.endswith(("cluster-test", "compose-check")):
            assert "CLUSTER_TEST=required" in command, "'not run' is a failure there"


def test_every_python_that_is_supported_is_tried() -> None:
    jobs = yaml.safe_load(_WORKFLOW.read_text())["jobs"]
    first = [step["with"]["python-version"] for step in jobs["ci"]["steps"] if "setup-python" in step.get("uses", "")]
    assert [*first, *jobs["python"]["strategy"]["matrix"]["python"]] == ["3.11", "3.12", "3.13", "3.14"]
