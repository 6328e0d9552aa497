"""The workflows for a public host: valid, safe, and doing what everybody can do at home."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .conftest import run
from .distributions import INIT_LIBRARY, OPERATOR, ROOT

_FOLDER = ROOT / ".github"
_CI, _RELEASE = _FOLDER / "workflows/ci.yml", _FOLDER / "workflows/release.yml"
_WORKFLOWS = sorted(_FOLDER.glob("workflows/*.yml"))
_each = pytest.mark.parametrize("workflow", _WORKFLOWS, ids=lambda path: path.name)


def _valid(schema: str, *files: Path) -> None:
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files)


def test_workflows_and_dependabot_are_valid() -> None:
    _valid("vendor.github-workflows", *_WORKFLOWS)
    _valid("vendor.dependabot", _FOLDER / "dependabot.yml")


def test_issue_forms_are_valid() -> None:
    forms = [path for path in (_FOLDER / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
    assert len(forms) == 2
    _valid("vendor.github-issue-forms", *forms)
    _valid("vendor.github-issue-config", _FOLDER / "ISSUE_TEMPLATE/config.yml")


def test_they_are_safe() -> None:
    """Rights, credentials and injected text, as zizmor judges them; it ends with an error where it finds something."""
    files = (*_WORKFLOWS, _FOLDER / "dependabot.yml")
    run(Path(sys.executable).with_name("zizmor"), "--offline", "--no-progress", "--pedantic", *files)


@_each
def test_actions_are_pinned_by_commit_and_the_release_is_said(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def _commands() -> list[str]:
    jobs = yaml.safe_load(_CI.read_text())["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def test_it_runs_what_the_repository_runs() -> None:
    """Nothing stands in the workflow alone: each step is .ci/run or a target, with its settings in front."""
    makefile = (ROOT / "Makefile").read_text()
    for command in _commands():
        target = re.fullmatch(
            r"(?:sudo env PATH=\"\$PATH\" )?(?:CLUSTER_TEST=required )?make ([\w-]+)(?: PYTHON=python)?", command
        )
        assert command == ".ci/run" or (target and f"\n{target[1]}:" in makefile), command


@pytest.mark.parametrize("script", sorted((ROOT / ".ci").iterdir()), ids=lambda path: path.name)
def test_scripts_can_be_run_and_stop_at_the_first_error(script: Path) -> None:
    """What no machine at home runs is at least no nonsense."""
    run("bash", "-n", script)
    assert os.access(script, os.X_OK)
    assert "\nset -euo pipefail\n" in script.read_text()


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
        "pages-check",
        "tilt-ci",
    } <= run
    for command in _commands():
        if command.endswith(("cluster-test", "compose-check", "pages-check")):
            assert "CLUSTER_TEST=required" in command, "'not run' is a failure there"


def test_every_python_that_is_supported_is_tried() -> None:
    jobs = yaml.safe_load(_CI.read_text())["jobs"]
    first = [step["with"]["python-version"] for step in jobs["ci"]["steps"] if "setup-python" in step.get("uses", "")]
    assert [*first, *jobs["python"]["strategy"]["matrix"]["python"]] == ["3.11", "3.12", "3.13", "3.14"]


def _release(*steps: str, tag: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "REGISTRY": "registry.test/owner", "DRY_RUN": "1", "TAG": tag}
    return subprocess.run(
        [ROOT / ".ci/release", *steps], env=environment, capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_the_release_makes_images_for_two_architectures_that_say_what_is_in_them() -> None:
    done = _release("images", tag=f"v{OPERATOR.version}")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    names = {re.search(r"--tag registry.test/owner/(\S+)", line)[1] for line in lines}  # type: ignore[index]
    assert names == {f"{name}:{OPERATOR.version}" for name in ("echoroute-operator", "echo-service", "consul-init")}
    for line in lines:
        assert "--platform linux/amd64\\,linux/arm64" in line
        assert "--sbom=true --provenance=mode=max" in line
        assert "--target runtime" in line, "not the stage with a reloader, which is for development"


def _newest(changelog: Path) -> str:
    """The newest version that it has a section of."""
    found = re.search(r"^## \[(\d[^\]]*)\] - ", changelog.read_text(), re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("prefix", "changelog", "published"),
    [
        ("v", ROOT / "CHANGELOG.md", ["echoroute_operator-", "echo_service-"]),
        ("consul-init-v", INIT_LIBRARY.folder / "CHANGELOG.md", ["consul_init-"]),
    ],
)
def test_a_tag_publishes_its_own_distributions_and_its_notes(
    dist: Path, prefix: str, changelog: Path, published: list[str]
) -> None:
    tag = f"{prefix}{_newest(changelog)}"
    done = _release("distributions", "page", tag=tag)
    assert done.returncode == 0, done.stderr
    upload, page = done.stdout.splitlines()
    files = re.findall(r"dist/(\S+)", upload)
    assert {re.sub(r"\d.*", "", file) for file in files} == set(published)
    assert len(files) == 2 * len(published), "a wheel and an sdist of each"
    assert f"gh release create {tag} --verify-tag" in page
    assert (dist / "notes.md").read_text().strip()


def test_what_is_no_tag_of_a_release_publishes_nothing() -> None:
    done = _release("distributions", tag="latest")
    assert (done.returncode, done.stdout) == (1, "")
    assert "latest is no tag of a release" in done.stderr


def test_only_the_steps_that_need_a_right_have_it() -> None:
    jobs = yaml.safe_load(_RELEASE.read_text())["jobs"]
    rights = {
        name: {right for right, what in job["permissions"].items() if what == "write"} for name, job in jobs.items()
    }
    assert rights == {"check": set(), "images": {"packages"}, "distributions": {"id-token"}, "page": {"contents"}}
    assert "secrets." not in _RELEASE.read_text(), "no token is kept anywhere"
