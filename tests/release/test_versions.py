"""A version stands in one place; where others have to repeat it, they say the same."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from .distributions import INIT_LIBRARY, OPERATOR, ROOT, Distribution

_IMAGES = re.compile(r"image: \S*?(echoroute-operator|echo-service|consul-init):(\S+)")
_TAGS = re.compile(r"(?:targetRevision: |tag: |[?]ref=)v(\d[^\s}\"\]]*)")
_CHANGELOGS = {OPERATOR: ROOT / "CHANGELOG.md", INIT_LIBRARY: INIT_LIBRARY.folder / "CHANGELOG.md"}


def _manifests() -> list[Path]:
    return [*sorted((ROOT / "manifests").rglob("*.yaml")), ROOT / "docs/gitops.md"]


def _sections(changelog: Path) -> dict[str, str]:
    """The sections of a changelog, by their headings without brackets and date."""
    parts = re.split(r"^## \[?([^\]\s]+)\]?.*$", changelog.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def test_manifests_name_the_images_of_this_version() -> None:
    """All images are built and tagged together, by the operator's version."""
    found = [(path, *match) for path in _manifests() for match in _IMAGES.findall(path.read_text())]
    assert {name for _, name, _ in found} == {"echoroute-operator", "echo-service", "consul-init"}
    for path, name, version in found:
        assert version == OPERATOR.version, f"{path.relative_to(ROOT)}: {name}"


def test_labels_name_this_version() -> None:
    found = re.findall(
        r"app.kubernetes.io/version: (\d+\.\d+\.\d+)", (ROOT / "manifests/base/kustomization.yaml").read_text()
    )
    assert found == [OPERATOR.version]


def test_the_chart_is_released_with_the_operator() -> None:
    chart = yaml.safe_load((ROOT / "manifests/chart/Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (OPERATOR.version, OPERATOR.version)


def test_gitops_examples_name_this_version() -> None:
    found = {(path, tag) for path in _manifests() for tag in _TAGS.findall(path.read_text())}
    assert found
    for path, tag in found:
        assert tag == OPERATOR.version, path.relative_to(ROOT)


@pytest.mark.parametrize("distribution", _CHANGELOGS, ids=lambda one: one.name)
def test_the_changelog_has_something_to_say_of_this_version(distribution: Distribution) -> None:
    sections = _sections(_CHANGELOGS[distribution])
    assert "Unreleased" in sections, "the place for what is to come"
    assert sections.get(distribution.version) or sections["Unreleased"]


def test_a_tagged_commit_is_a_released_version() -> None:
    command = ["git", "tag", "--points-at", "HEAD", "--list", "v*", "consul-init-v*"]
    tags = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    if not tags:
        pytest.skip("this commit has no tag v… or consul-init-v…: nothing is released")
    for tag in tags:
        distribution = INIT_LIBRARY if tag.startswith("consul-init-") else OPERATOR
        prefix = "consul-init-v" if distribution is INIT_LIBRARY else "v"
        assert tag == f"{prefix}{distribution.version}"
        heading = rf"^## \[{re.escape(distribution.version)}\] - \d{{4}}-\d\d-\d\d$"
        dated = re.search(heading, _CHANGELOGS[distribution].read_text(), re.MULTILINE)
        assert dated, "move what is under Unreleased into a section with version and date"
