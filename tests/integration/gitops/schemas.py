"""The CRDs of Argo CD and Flux, out of their Go modules: released by the projects themselves, verified by checksum."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from devstack.golang import ensure_go


@dataclass(frozen=True)
class Schema:
    """A file with a CRD in a version of a Go module; `checksum` is that of the module, as in a go.sum."""

    module: str
    checksum: str
    file: str

    def fetch(self) -> Path:
        """Download the module, unless Go's module cache has it, and return the file."""
        go = ensure_go()
        command = [str(go.path), "mod", "download", "-json", self.module]
        # In the root directory, where no go.mod is in force: the module is wanted for a file, not to be built.
        answer = subprocess.run(command, cwd="/", env=go.environment(), capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        facts = json.loads(answer.stdout)
        assert facts["Sum"] == self.checksum, f"{self.module} is not what it was when it was pinned"
        return Path(facts["Dir"], self.file)


SCHEMAS = (
    Schema(
        "github.com/argoproj/argo-cd/v3@v3.4.0",
        "h1:yZwfaOIzE/aQTA52mOfeZQbribmyxKYvMgirQja4eX0=",
        "manifests/crds/application-crd.yaml",
    ),
    Schema(
        "github.com/fluxcd/kustomize-controller@v1.9.6",
        "h1:XB+G3A0mky0j5uVHZWv4oSlS2RvZBoNIUhstIvY0JKE=",
        "config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",
    ),
    Schema(
        "github.com/fluxcd/source-controller@v1.9.6",
        "h1:nG534/bI6nVpyHra7ONAk6xDB3xPsVT+EOLHZHXPrrc=",
        "config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml",
    ),
)
