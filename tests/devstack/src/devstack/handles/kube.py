"""The Kubernetes API, with kubectl as a person would use it and over HTTP where a test polls."""

import json
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from devstack.errors import UnexpectedAnswer
from devstack.handles.answers import JsonObject, accepted, as_object, at
from devstack.kubeconfig import write_kubeconfig
from devstack.processes import inherited_environment

_TOKEN_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Kube:
    """`http` has the rights of cluster-admin; kubectl has those of `kubeconfig`."""

    kubectl: Path
    kubeconfig: Path
    server: str
    ca: Path
    http: httpx.Client

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Run kubectl and return its stdout. Raises UnexpectedAnswer with its stderr when it fails."""
        answer = self.attempt(*arguments, stdin=stdin, timeout=timeout)
        if answer.returncode != 0:
            msg = f"kubectl {' '.join(arguments)} failed: {answer.stderr.strip()}"
            raise UnexpectedAnswer(msg)
        return answer.stdout

    def attempt(
        self,
        *arguments: str,
        stdin: str | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl whatever comes of it: `returncode`, `stdout`, `stderr`."""
        cache = self.kubeconfig.with_name("kubectl-cache")
        return subprocess.run(
            [self.kubectl, f"--kubeconfig={self.kubeconfig}", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=inherited_environment() | {"KUBECACHEDIR": str(cache)},
        )

    def apply(self, *manifests: str | JsonObject | Path, namespace: str | None = None) -> str:
        """`kubectl apply` of YAML or JSON text, of an object, or of a file or kustomization folder."""
        scope = [] if namespace is None else [f"--namespace={namespace}"]
        said = []
        for manifest in manifests:
            if isinstance(manifest, Path):
                source = "-k" if manifest.is_dir() else "-f"
                said.append(self.run("apply", source, str(manifest), *scope))
            else:
                text = manifest if isinstance(manifest, str) else json.dumps(manifest)
                said.append(self.run("apply", "-f", "-", *scope, stdin=text))
        return "".join(said)

    def wait_established(self, *crds: str, timeout: float = 20) -> None:
        """`kubectl wait` for CRDs that may be so new that they have no conditions, which kubectl takes for an error.

        `crds` is as kubectl takes it: `crd/NAME`, or `-f` and a file. Raises UnexpectedAnswer when it takes too long.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.run("wait", "--for=condition=Established", *crds, f"--timeout={timeout:g}s")
            except UnexpectedAnswer as error:
                if "accessor error" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def get(self, resource: str, name: str, namespace: str | None = None) -> JsonObject:
        """One object, `get("echoroutes.gateway.example", "shop", "team-a")`. Raises UnexpectedAnswer (not found)."""
        scope = [] if namespace is None else [f"--namespace={namespace}"]
        return as_object(self.run("get", resource, name, "-o", "json", *scope), f"{resource} {name}")

    def list_all(self, resource: str, namespace: str | None = None, selector: str = "") -> list[JsonObject]:
        """Objects of one namespace, or of all."""
        scope = "--all-namespaces" if namespace is None else f"--namespace={namespace}"
        answer = as_object(self.run("get", resource, "-o", "json", scope, f"--selector={selector}"), resource)
        items = at(answer, "items")
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    def delete(self, resource: str, name: str, namespace: str | None = None, *, wait: bool = True) -> None:
        """Delete one object; one that is not there is fine."""
        scope = [] if namespace is None else [f"--namespace={namespace}"]
        flags = ["--ignore-not-found", f"--wait={str(wait).lower()}"]
        self.run("delete", resource, name, *flags, *scope)

    def read(self, path: str) -> JsonObject:
        """GET of the API itself, which takes a tenth of kubectl's time: `/apis/GROUP/VERSION/namespaces/...`."""
        return as_object(accepted(self.http.get(path)).content, path)

    def service_account(self, namespace: str, name: str, path: Path) -> "Kube":
        """A handle with the rights of a ServiceAccount, which must be there; its kubeconfig is written to `path`.

        The token comes from the TokenRequest API, which kubelet uses for pods, and lasts a week.
        Raises UnexpectedAnswer when there is no such ServiceAccount.
        """
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": _TOKEN_SECONDS},
        }
        url = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        answer = as_object(accepted(self.http.post(url, json=request)).content, url)
        token = at(answer, "status", "token")
        if not isinstance(token, str):
            msg = f"{url} was answered without a token"
            raise UnexpectedAnswer(msg)
        write_kubeconfig(path, server=self.server, ca=self.ca, user=name, token=token, namespace=namespace)
        return replace(self, kubeconfig=path)
