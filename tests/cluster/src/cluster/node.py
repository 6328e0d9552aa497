"""The first program inside a node's namespaces: furnishes them, starts the parts, and ends when one of them does.

`python -m cluster.node FOLDER CGROUP PORT`. It says `ready` by making the file of that name in its folder.
"""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from devstack.errors import DevstackError, PartFailed
from devstack.find import require
from devstack.handles.answers import at
from devstack.handles.kube import Kube
from devstack.kubeconfig import write_kubeconfig
from devstack.layout import Layout, Ports
from devstack.parts.base import Site
from devstack.parts.etcd import Etcd
from devstack.parts.kubernetes import ControllerManager
from devstack.pki import create_pki
from devstack.processes import Process, ProcessGroup
from devstack.programs import CLUSTER
from devstack.progress import say

from cluster import configs
from cluster.machine import cni_folder
from cluster.parts import Containerd, CoreDns, Kubelet, KubeProxy, NodeApiServer, Scheduler, ctr
from cluster.paths import NODE, PAUSE_ARCHIVE
from cluster.sandbox import furnish

READY = "ready"
_WATCH_SECONDS = 0.5
_NODE_SECONDS = 90.0


def start(port: int) -> list[Process]:
    """All parts, in the order in which each finds what it needs. Raises PartFailed."""
    layout = Layout(NODE, replace(Ports.pick(), apiserver=port))
    layout.clear()
    pki = create_pki(NODE)
    site = Site(require(CLUSTER), layout, pki, ProcessGroup(), lambda: None)
    containerd, etcd, apiserver = Containerd(site, cni_folder() or ""), Etcd(site), NodeApiServer(site)
    write_kubeconfig(layout.kubeconfig, server=apiserver.url, ca=pki.ca, user="admin", token=layout.admin_token)
    kube = Kube(site.binaries["kubectl"].path, layout.kubeconfig, apiserver.url, pki.ca, apiserver.http)
    say("etcd, containerd, kube-apiserver")
    containerd.spawn()
    etcd.start()
    apiserver.start()
    containerd.wait_until(containerd.is_ready, timeout=30)
    say("kubelet, kube-controller-manager, kube-scheduler, CoreDNS")
    subprocess.run(ctr("images", "import", str(PAUSE_ARCHIVE)), check=True)
    kubelet, others = Kubelet(site), [ControllerManager(site), Scheduler(site), CoreDns(site)]
    for part in (kubelet, *others):
        part.spawn()
    for part in (kubelet, *others):
        part.wait_ready()
    say("the node")
    for number in range(configs.VOLUMES):
        configs.volume_folder(number).mkdir(parents=True)
    kube.run("apply", "-f", "-", stdin=configs.cluster_objects())
    kubelet.wait_until(lambda: node_is_ready(kube), _NODE_SECONDS, "a ready node")
    proxy = KubeProxy(site)
    proxy.start()
    return [containerd, etcd, apiserver, kubelet, *others, proxy]


def node_is_ready(kube: Kube) -> bool:
    nodes = kube.list_all("nodes")
    conditions = at(nodes[0], "status", "conditions") if nodes else None
    return isinstance(conditions, list) and any(
        isinstance(one, dict) and one.get("type") == "Ready" and one.get("status") == "True" for one in conditions
    )


def watch(processes: list[Process]) -> None:
    """Return never; raises PartFailed when a part has ended."""
    while True:
        for process in processes:
            if not process.running:
                msg = f"{process.name} has ended with status {process.exit_status}{process.last_lines()}"
                raise PartFailed(msg)
        time.sleep(_WATCH_SECONDS)


def main() -> int:
    folder, cgroup, port = sys.argv[1:]
    try:
        furnish(Path(folder), cgroup)
        processes = start(int(port))
        (NODE / READY).touch()
        watch(processes)
    except DevstackError as error:
        print(error, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
