"""The Kubernetes API server and the controller manager."""

from collections.abc import Sequence

import httpx

from devstack.parts.base import Part, Site, loopback_client


class ApiServer(Part):
    """kube-apiserver with RBAC, real service account tokens, and TLS of the stack's own authority.

    Admission is as by default, Pod Security included. Its data are etcd's.
    """

    grace = 2.0  # else it waits up to a minute for watches to end

    def __init__(self, site: Site) -> None:
        port = site.layout.ports.apiserver
        super().__init__("kube-apiserver", site, loopback_client(port, site.pki, site.layout.admin_token))
        self.url = f"https://127.0.0.1:{port}"
        self._pki = site.pki

    @property
    def http(self) -> httpx.Client:
        """A client of its API with the rights of cluster-admin."""
        return self._http

    def command(self) -> Sequence[str]:
        return [
            str(self.binary),
            f"--etcd-servers=http://127.0.0.1:{self._layout.ports.etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._layout.ports.apiserver}",
            "--endpoint-reconciler-type=none",  # a loopback address is no valid endpoint
            f"--tls-cert-file={self._pki.certificate}",
            f"--tls-private-key-file={self._pki.key}",
            f"--cert-dir={self.data}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self._pki.account_public_key}",
            f"--service-account-signing-key-file={self._pki.account_key}",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",  # as clusters have it: what refuses such pods is Pod Security
            f"--token-auth-file={self._layout.tokens}",
        ]

    def is_ready(self) -> bool:
        """Ready is more than /readyz: the system namespaces are made a moment later."""
        paths = ("/readyz", "/api/v1/namespaces/kube-system", "/api/v1/namespaces/default")
        return all(self.answers(path) is not None for path in paths)


class ControllerManager(Part):
    """kube-controller-manager: namespaces go away, garbage is collected, default service accounts are made."""

    def __init__(self, site: Site) -> None:
        port = site.layout.ports.controller_manager
        super().__init__("kube-controller-manager", site, loopback_client(port, site.pki))
        self._pki = site.pki

    def command(self) -> Sequence[str]:
        return [
            str(self.binary),
            f"--kubeconfig={self._layout.kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._layout.ports.controller_manager}",
            f"--tls-cert-file={self._pki.certificate}",
            f"--tls-private-key-file={self._pki.key}",
            f"--cert-dir={self.data}",
            "--leader-elect=false",
            f"--root-ca-file={self._pki.ca}",
            f"--service-account-private-key-file={self._pki.account_key}",
        ]

    def is_ready(self) -> bool:
        return self.answers("/healthz") is not None
