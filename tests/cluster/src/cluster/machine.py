"""Whether this machine can run a node, and the Debian packages that it takes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from devstack.errors import DevstackError, tail
from devstack.progress import Step

from cluster.paths import HOME

# Each program and the Debian package that brings it.
_PROGRAMS = {
    "catatonit": "catatonit",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "podman": "podman",
    "runc": "runc",
    "socat": "socat",
    # podman chooses its network at its first start, for good, and with CNI containers would have no names.
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
    "/usr/lib/podman/netavark": "netavark",
}
_CNI = "containernetworking-plugins"
_CNI_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
"""Debian keeps iptables, ip and debootstrap where an ordinary user's PATH does not lead."""

BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


class CannotRun(DevstackError):
    """This machine cannot run a node; the message says what is missing, in one line."""


def not_run(target: str, reason: CannotRun) -> None:
    """Say so in one line, for people's machines.

    Raises it where CLUSTER_TEST=required: a CI that looks at nothing would be green as well.
    """
    if os.environ.get("CLUSTER_TEST") == "required":
        raise reason
    print(f"{target}: not run: {reason}")


def cni_folder() -> str | None:
    """Where the CNI plugins are."""
    return next((folder for folder in _CNI_FOLDERS if os.access(f"{folder}/bridge", os.X_OK)), None)


def _missing() -> list[str]:
    packages = {package for program, package in _PROGRAMS.items() if shutil.which(program, path=PATH) is None}
    return sorted(packages | (set() if cni_folder() else {_CNI}))


def require_machine() -> None:
    """Raises CannotRun where no package could help: another system, no root, no namespaces, no apt-get, no module."""
    if sys.platform != "linux":
        msg = "a test cluster needs Linux"
        raise CannotRun(msg)
    if os.geteuid() != 0:
        msg = "a test cluster needs root (namespaces, mounts, containerd)"
        raise CannotRun(msg)
    probe = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "mount", "-t", "tmpfs", "probe", "/mnt"]
    if subprocess.run(probe, capture_output=True, check=False, env={"PATH": PATH}).returncode != 0:
        msg = "a test cluster needs the right to make namespaces and to mount in them; root has not got it here"
        raise CannotRun(msg)
    missing = _missing()
    if missing and shutil.which("apt-get") is None:
        msg = f"a test cluster needs {', '.join(missing)}, and there is no apt-get to install them"
        raise CannotRun(msg)
    _require_bridge_filter()


def _require_bridge_filter() -> None:
    """Without it packets between two pods, which are on one bridge, bypass the rules that make Services."""
    if BRIDGE_FILTER.exists():
        return
    subprocess.run(["modprobe", "br_netfilter"], capture_output=True, check=False, env={"PATH": PATH})
    if not BRIDGE_FILTER.exists():
        msg = "a test cluster needs the kernel module br_netfilter, which `modprobe br_netfilter` does not load"
        raise CannotRun(msg)


def install_packages() -> None:
    """Install the Debian packages that are missing. Raises CannotRun."""
    missing = _missing()
    if not missing:
        return
    HOME.mkdir(parents=True, exist_ok=True)
    log = HOME / "apt.log"
    with Step(f"Debian packages by apt-get: {' '.join(missing)}") as step, log.open("wb") as output:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
            command = ["apt-get", "--quiet", *arguments]
            answer = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, env=environment
            )
        if answer.returncode != 0 or _missing():
            msg = f"apt-get could not install {' '.join(_missing())}; see {log}:\n{tail(log)}"
            raise CannotRun(msg)
        step.finish("installed")
