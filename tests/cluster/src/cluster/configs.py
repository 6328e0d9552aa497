"""The configuration files of the node's parts."""

import json
from pathlib import Path

from devstack.handles.answers import JsonObject

from cluster.paths import NODE
from cluster.sandbox import ADDRESS, POD_RANGE

NODE_NAME = "node1"
DNS_ADDRESS = "10.0.0.10"
DNS_PORT = 1053
VOLUMES = 16
PAUSE_IMAGE = "localhost/pause:1"
CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")


def containerd(data: Path, cni_programs: str, cni_configuration: Path) -> str:
    """https://github.com/containerd/containerd/blob/release/1.6/docs/cri/config.md; later releases read it too."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{data}"
state = "/run/containerd"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false
[{cri}.cni]
  bin_dir = "{cni_programs}"
  conf_dir = "{cni_configuration}"
"""


def cni() -> str:
    """A bridge that is the node's own address; with hairpin, so that a pod reaches itself through its Service."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_RANGE}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, portmap]}, indent=2)


def kubelet() -> str:
    """https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/.

    A throw-away node that nobody else reaches: its API asks nobody who they are.
    """
    return json.dumps(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": ADDRESS,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "cgroupsPerQOS": False,
            "enforceNodeAllocatable": [],
            "failCgroupV1": False,
            "failSwapOn": False,
            "localStorageCapacityIsolation": False,
            "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
            "clusterDNS": [DNS_ADDRESS],
            "clusterDomain": "cluster.local",
            "resolvConf": "",  # nothing outside is to be resolved
            "podLogsDir": str(NODE / "logs" / "pods"),
            # The disk is the machine's: how full it is says nothing about the cluster.
            "evictionHard": {"memory.available": "100Mi"},
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "registryPullQPS": 0,
            "maxPods": 110,
        },
        indent=2,
    )


def kube_proxy(kubeconfig: Path) -> str:
    """https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/."""
    return json.dumps(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "hostnameOverride": NODE_NAME,
            "clusterCIDR": POD_RANGE,
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "conntrack": {"maxPerCore": 0},  # a limit of the machine's, not of the namespace's
        },
        indent=2,
    )


def corefile(kubeconfig: Path) -> str:
    """https://coredns.io/plugins/kubernetes/. Names outside the cluster do not exist."""
    return f"""cluster.local:{DNS_PORT} 10.in-addr.arpa:{DNS_PORT} {{
    bind {ADDRESS}
    errors
    health {ADDRESS}:8090
    ready {ADDRESS}:8181
    kubernetes cluster.local 10.in-addr.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        ttl 5
    }}
    cache 5
}}
.:{DNS_PORT} {{
    bind {ADDRESS}
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def cluster_objects() -> str:
    """What a cluster's installer puts into it: its DNS, which runs as a process of the node, and some volumes."""
    items = [*_dns(), _storage_class(), *(_volume(number) for number in range(VOLUMES))]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def _dns() -> list[JsonObject]:
    service: JsonObject = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {
            "clusterIP": DNS_ADDRESS,
            "ports": [{"name": name, "protocol": name.upper(), "port": 53} for name in ("udp", "tcp")],
        },
    }
    endpoints: JsonObject = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {"kubernetes.io/service-name": "kube-dns"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
        "ports": [{"name": name, "protocol": name.upper(), "port": DNS_PORT} for name in ("udp", "tcp")],
    }
    return [service, endpoints]


def _storage_class() -> JsonObject:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "local",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def volume_folder(number: int) -> Path:
    return NODE / "data" / "volumes" / str(number)


def _volume(number: int) -> JsonObject:
    """A folder of the node that one claim can have, once: nothing provisions others."""
    here: JsonObject = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"local-{number}"},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "local",
            "local": {"path": str(volume_folder(number))},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
