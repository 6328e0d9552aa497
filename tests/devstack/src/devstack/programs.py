"""The programs of the devstack: where each is built from, and which versions of it will do."""

import re
from dataclasses import dataclass
from pathlib import Path

from devstack.paths import GATEWAY, KSTATUS_SOURCES, MODULES
from devstack.versions import Version

_ANY_VERSION = Version(0, 0)


@dataclass(frozen=True, slots=True)
class Program:
    """An executable that is found on the machine or built with Go.

    `module` is the Go module whose version is pinned in `directory`/go.mod; empty for sources of our own.
    With `cgo` a C compiler is needed.
    """

    name: str
    directory: Path
    package: str
    module: str = ""
    version_arguments: tuple[str, ...] = ()
    oldest: Version = _ANY_VERSION
    cgo: bool = False


_KUBERNETES = MODULES / "kubernetes"
_OLDEST_KUBERNETES = Version(1, 31)


def _kubernetes(name: str, *version_arguments: str) -> Program:
    return Program(
        name=name,
        directory=_KUBERNETES,
        package=f"k8s.io/kubernetes/cmd/{name}",
        module="k8s.io/kubernetes",
        version_arguments=version_arguments,
        oldest=_OLDEST_KUBERNETES,
    )


ETCD = Program(
    name="etcd",
    directory=MODULES / "etcd",
    package="go.etcd.io/etcd/server/v3",
    module="go.etcd.io/etcd/server/v3",
    version_arguments=("--version",),
    oldest=Version(3, 5),
)
KUBE_APISERVER = _kubernetes("kube-apiserver", "--version")
KUBECTL = _kubernetes("kubectl", "version", "--client")
KUBE_CONTROLLER_MANAGER = _kubernetes("kube-controller-manager", "--version")
KUBE_SCHEDULER = _kubernetes("kube-scheduler", "--version")
KUBELET = _kubernetes("kubelet", "--version")
KUBE_PROXY = _kubernetes("kube-proxy", "--version")
CONSUL = Program(
    name="consul",
    directory=MODULES / "consul",
    package="github.com/hashicorp/consul",
    module="github.com/hashicorp/consul",
    version_arguments=("version",),
    oldest=Version(1, 15),
)
COREDNS = Program(
    name="coredns",
    directory=MODULES / "coredns",
    package="github.com/coredns/coredns",
    module="github.com/coredns/coredns",
    version_arguments=("-version",),
    oldest=Version(1, 11),
)
GATEWAY_STANDIN = Program(name="gateway", directory=GATEWAY, package=".")
KSTATUS = Program(name="kstatus", directory=KSTATUS_SOURCES, package=".")
TILT = Program(
    name="tilt",
    directory=MODULES / "tilt",
    package="github.com/tilt-dev/tilt/cmd/tilt",
    module="github.com/tilt-dev/tilt",
    version_arguments=("version",),
    oldest=Version(0, 33),
    cgo=True,  # its `tilt lsp` parses with tree-sitter
)

HELM = Program(
    name="helm",
    directory=MODULES / "helm",
    package="helm.sh/helm/v4/cmd/helm",
    module="helm.sh/helm/v4",
    version_arguments=("version", "--short"),
    oldest=Version(3, 14),
)

PROMTOOL = Program(
    name="promtool",
    directory=MODULES / "prometheus",
    package="github.com/prometheus/prometheus/cmd/promtool",
    module="github.com/prometheus/prometheus",
    version_arguments=("--version",),
)

# In the order of their building, those of one module side by side.
PROGRAMS: dict[str, Program] = {
    program.name: program
    for program in (
        ETCD,
        KUBE_APISERVER,
        KUBECTL,
        KUBE_CONTROLLER_MANAGER,
        KUBE_SCHEDULER,
        KUBELET,
        KUBE_PROXY,
        CONSUL,
        GATEWAY_STANDIN,
        COREDNS,
        KSTATUS,
        TILT,
        HELM,
        PROMTOOL,
    )
}
# What `make demo` runs; the tests also want a controller manager (namespaces go away, owners are collected).
DEMO = ("etcd", "kube-apiserver", "kubectl", "consul", "gateway")
STACK = (*DEMO, "kube-controller-manager")
# All that `make test` needs; Tilt is for `make tilt-check` alone, Helm for `make chart-check`.
ALL = (*STACK, "kstatus")
# A test cluster, with a node.
CLUSTER = (*STACK, "kube-scheduler", "kubelet", "kube-proxy", "coredns")


def pinned_version(program: Program) -> Version | None:
    """The version in the program's go.mod; None for sources of our own."""
    if not program.module:
        return None
    go_mod = (program.directory / "go.mod").read_text()
    match = re.search(rf"^\s*(?:require )?{re.escape(program.module)} (v\S+)", go_mod, re.MULTILINE)
    version = Version.find(match.group(1)) if match else None
    if version is None:
        msg = f"{program.directory / 'go.mod'} requires no version of {program.module}"
        raise ValueError(msg)
    return version


def linker_flags(program: Program) -> str:
    """`-ldflags`: no debug tables, and the versions that only release scripts fill in: of Kubernetes, Tilt and Helm."""
    flags = ["-s", "-w"]
    version = pinned_version(program)
    if program.directory == _KUBERNETES and version is not None:
        package = "k8s.io/component-base/version"
        facts = {"gitVersion": version, "gitMajor": version.major, "gitMinor": version.minor}
        flags += [f"-X {package}.{name}={value}" for name, value in facts.items()]
    if program is TILT and version is not None:
        flags.append(f"-X main.version={str(version).removeprefix('v')}")
    if program is HELM:
        flags.append(f"-X helm.sh/helm/v4/internal/version.version={version}")
    return " ".join(flags)


def refusal(program: Program, found: Version, apiserver: Version) -> str | None:
    """Why a program found on the machine is not to be used; None when it will do.

    Kubernetes' version skew policy: kubectl within one minor version of the API server, in both directions;
    the others never newer than the API server (and here no more than one minor older).
    """
    if found < program.oldest:
        return f"older than {program.oldest.major}.{program.oldest.minor}"
    if program.directory == _KUBERNETES and program is not KUBE_APISERVER:
        ahead = found.minor - apiserver.minor
        newest = 1 if program is KUBECTL else 0
        if found.major != apiserver.major or not -1 <= ahead <= newest:
            return f"too far from the API server's {apiserver}"
    return None
