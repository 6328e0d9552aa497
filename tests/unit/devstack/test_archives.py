"""What archives.toml pins: for each platform, of a version that will do."""

import platform

import pytest
from devstack import archives
from devstack.archives import archive_of, published, this_platform
from devstack.programs import DEMO, KUBE_APISERVER, PROGRAMS, pinned_version, refusal
from devstack.versions import Version

PLATFORMS = ["linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"]


@pytest.mark.parametrize("name", PLATFORMS)
def test_each_platform_has_all_that_the_demo_runs_but_our_own_gateway(name: str) -> None:
    found = {program for archive in published(name) for program in archive.programs}
    assert found == set(DEMO) - {"gateway"}
    for archive in published(name):
        assert archive.url.startswith("https://")
        assert "{" not in archive.url
        assert len(archive.digest) == {"sha256": 64, "sha512": 128}[archive.algorithm]


def test_hashes_are_of_different_archives() -> None:
    digests = [archive.digest for name in PLATFORMS for archive in published(name)]
    assert len(set(digests)) == len(digests) == 8


def test_versions_will_do() -> None:
    """Kubernetes within a minor version of the one that is built; the others at least as old as what is used at all."""
    versions = {name: version for archive in published("linux-amd64") for name, version in archive.programs.items()}
    pinned, apiserver = pinned_version(KUBE_APISERVER), versions["kube-apiserver"]
    assert pinned is not None
    assert (pinned.major, pinned.minor - 1) <= (apiserver.major, apiserver.minor) <= (pinned.major, pinned.minor)
    for name, version in versions.items():
        assert refusal(PROGRAMS[name], version, apiserver) is None, name


def test_programs_are_told_where_they_are() -> None:
    for name in DEMO:
        archive = archive_of(name)
        assert archive is None or name in archive.programs


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "linux-amd64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Linux", "riscv64", "linux-riscv64"),
    ],
)
def test_platform(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, name: str) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert this_platform() == name


def test_a_platform_that_nobody_publishes_for_is_left_to_the_build() -> None:
    assert published("linux-riscv64") == []


def test_a_version_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Version, "find", lambda text: None)
    with pytest.raises(ValueError, match=r"archives\.toml: '3\.6\.8' is no version"):
        archives.published("linux-amd64")
