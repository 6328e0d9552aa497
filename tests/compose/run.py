"""`make compose-check`: images first, with the network that builds need; then the tests, in namespaces of their own."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from cluster import images, machine, podman
from cluster.sandbox import isolate
from devstack.builder import build
from devstack.errors import DevstackError
from devstack.paths import REPOSITORY


def main() -> NoReturn:
    """Becomes the tests; ends with 0, and a line that says so, where this machine cannot run them."""
    try:
        machine.require_machine()
        machine.install_packages()
    except machine.CannotRun as error:
        try:
            machine.not_run("compose-check", error)
        except machine.CannotRun as required:
            sys.exit(f"compose-check: {required}")
        sys.exit(0)
    try:
        podman.prepare()
        images.make_base()
        images.make_parts(build(["consul", "etcd", "gateway"]))
        images.make_products()
    except DevstackError as error:
        sys.exit(f"compose-check: {error}")
    tests = [sys.executable, "-m", "pytest", *sys.argv[1:], str(Path(__file__).parent)]
    environment = {**os.environ, "COMPOSE_CHECK": "inside", "PATH": machine.PATH}
    os.chdir(REPOSITORY)
    # In place of this process, so that whatever ends it ends the namespaces, too.
    os.execvpe("unshare", isolate(tests), environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
