"""Somebody who types the commands of the documents into a cluster."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.handles.kube import Kube
from devstack.paths import REPOSITORY

from ...docs.reader import Reader

_ANSWERS = "for try in $(seq 200); do curl -so /dev/null localhost:8080/healthz && break; sleep 0.1; done"


def once_it_answers(command: str) -> str:
    """A person types slower than `kubectl port-forward` starts."""
    return f"{_ANSWERS}; {command}"


@contextmanager
def reader(kube: Kube, folder: Path) -> Iterator[Reader]:
    """Starts in a copy of the manifests; what runs in its background ends with it."""
    for name in ("crds", "manifests"):
        shutil.copytree(REPOSITORY / name, folder / name)
    programs = folder / "bin"
    programs.mkdir()
    (programs / "kubectl").symlink_to(kube.kubectl)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "KUBECONFIG": str(kube.kubeconfig), "HOME": str(folder)}
    person = Reader(folder, environment)
    try:
        yield person
    finally:
        person.end()
