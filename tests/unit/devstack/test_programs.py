"""Which programs of the machine will do, and what is built where none will."""

from pathlib import Path

import pytest
from devstack.programs import (
    ALL,
    CLUSTER,
    CONSUL,
    DEMO,
    ETCD,
    HELM,
    KUBE_APISERVER,
    KUBE_CONTROLLER_MANAGER,
    KUBECTL,
    PROGRAMS,
    STACK,
    TILT,
    Program,
    linker_flags,
    pinned_version,
    refusal,
)
from devstack.versions import Version


@pytest.mark.parametrize(
    ("text", "version", "why"),
    [
        ("Kubernetes v1.37.2\n", Version(1, 37, 2), "kube-apiserver --version"),
        ("etcd Version: 3.6.16\nGit SHA: x\nGo Version: go1.26.8\n", Version(3, 6, 16), "the first one counts"),
        ("Consul v1.19.2\nBuild Date 1970-01-01\n", Version(1, 19, 2), "consul version"),
        ("Consul v1.21.0+ent\n", Version(1, 21, 0), "an edition is no part of it"),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0\n", Version(1, 32, 4), "a wrapped kubectl"),
        ("built with go1.26.8", None, "Go's own version is none of the program's"),
        ("v1.37", None, "half a version is none"),
        ("", None, "a program that says nothing"),
    ],
)
def test_the_version_that_a_program_prints(text: str, version: Version | None, why: str) -> None:
    assert Version.find(text) == version, why


def test_versions_compare_as_numbers() -> None:
    assert Version(1, 9, 10) < Version(1, 31)
    assert Version(1, 31) < Version(1, 31, 1)


@pytest.mark.parametrize(
    ("program", "found", "used", "why"),
    [
        (KUBE_APISERVER, Version(1, 31, 0), True, "the oldest supported"),
        (KUBE_APISERVER, Version(1, 30, 14), False, "older than supported"),
        (KUBE_APISERVER, Version(1, 40, 0), True, "newer than the pinned one is fine"),
        (ETCD, Version(3, 5, 0), True, "the oldest supported"),
        (ETCD, Version(3, 4, 37), False, "older than supported"),
        (CONSUL, Version(1, 15, 0), True, "the oldest supported"),
        (CONSUL, Version(1, 14, 11), False, "older than supported"),
        (KUBECTL, Version(1, 34, 0), True, "the same minor"),
        (KUBECTL, Version(1, 33, 9), True, "one minor behind"),
        (KUBECTL, Version(1, 35, 0), True, "one minor ahead"),
        (KUBECTL, Version(1, 32, 4), False, "two minors behind"),
        (KUBECTL, Version(1, 36, 0), False, "two minors ahead"),
        (KUBECTL, Version(2, 34, 0), False, "another major version"),
        (KUBE_CONTROLLER_MANAGER, Version(1, 34, 7), True, "the same minor"),
        (KUBE_CONTROLLER_MANAGER, Version(1, 33, 0), True, "one minor behind"),
        (KUBE_CONTROLLER_MANAGER, Version(1, 35, 0), False, "never newer than the API server"),
    ],
)
def test_a_version_decides(program: Program, found: Version, used: bool, why: str) -> None:
    reason = refusal(program, found, Version(1, 34, 1))
    assert (reason is None) is used, why
    assert reason is None or reason, "a refusal says why"


def test_each_program_of_a_module_is_pinned() -> None:
    for program in PROGRAMS.values():
        version = pinned_version(program)
        assert (version is not None) is bool(program.module), program.name
        assert version is None or version >= program.oldest, program.name


def test_a_module_that_pins_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module m\n\nrequire example.org/other v1.0.0\n")
    with pytest.raises(ValueError, match=r"go.mod requires no version of example.org/wanted"):
        pinned_version(Program("wanted", tmp_path, "example.org/wanted", module="example.org/wanted"))


def test_kubernetes_is_told_its_version() -> None:
    flags = linker_flags(KUBECTL)
    version = pinned_version(KUBECTL)
    assert version is not None
    assert f"-X k8s.io/component-base/version.gitVersion={version}" in flags
    assert f"gitMinor={version.minor}" in flags
    assert "-X" not in linker_flags(ETCD), "the others carry theirs in their sources"


def test_tilt_is_told_its_version_without_the_v_that_it_adds() -> None:
    assert f"-X main.version={pinned_version(TILT)}".replace("=v", "=") in linker_flags(TILT)


def test_helm_is_told_its_version() -> None:
    assert f"version.version={pinned_version(HELM)}" in linker_flags(HELM)


def test_programs_that_are_built_in_one_call_get_their_names_from_their_packages() -> None:
    by_module: dict[Path, list[Program]] = {}
    for program in PROGRAMS.values():
        by_module.setdefault(program.directory, []).append(program)
    for programs in by_module.values():
        if len(programs) > 1:
            assert [program.package.rpartition("/")[2] for program in programs] == [p.name for p in programs]


def test_the_demo_builds_only_what_it_runs_and_the_tests_do_not_build_tilt() -> None:
    assert set(STACK) - set(DEMO) == {"kube-controller-manager"}
    assert set(ALL) - set(STACK) == {"kstatus"}
    assert not {"tilt", "helm", "promtool"} & {*ALL, *CLUSTER}


def test_only_a_cluster_has_a_node() -> None:
    assert set(CLUSTER) - set(STACK) == {"coredns", "kube-proxy", "kube-scheduler", "kubelet"}
    assert not set(ALL) & (set(CLUSTER) - set(STACK))
