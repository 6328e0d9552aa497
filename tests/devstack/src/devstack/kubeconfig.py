"""Kubeconfigs with a bearer token, verified against the stack's own authority."""

import base64
import json
from pathlib import Path

from devstack.pki import write_private


def write_kubeconfig(path: Path, *, server: str, ca: Path, user: str, token: str, namespace: str = "default") -> Path:
    """Write a kubeconfig (as JSON, which is YAML) that only we may read.

    Format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
    """
    authority = base64.b64encode(ca.read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "devstack", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "devstack", "context": {"cluster": "devstack", "user": user, "namespace": namespace}}],
        "current-context": "devstack",
    }
    return write_private(path, json.dumps(config, indent=2).encode())
