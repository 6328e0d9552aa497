"""A Kubernetes cluster of one real node, in namespaces of its own: for tests of images and manifests."""

import argparse
from collections.abc import Callable

from devstack.cli import run
from devstack.instances import DEFAULT

from cluster import commands


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cluster", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], about: str) -> argparse.ArgumentParser:
        added = subparsers.add_parser(name, help=about, description=about)
        added.set_defaults(run=run)
        return added

    def named(name: str, run: Callable[[argparse.Namespace], None], about: str) -> argparse.ArgumentParser:
        added = command(name, run, about)
        added.add_argument("--name", default=DEFAULT, help="which cluster (several can run at a time)")
        return added

    command("prepare", commands.run_prepare, "install and build what a cluster takes, and start nothing")
    command("images", commands.run_images, "build the images of the test overlay, and print their names")
    command("test", commands.run_test, "build everything, run the tests in tests/cluster, and leave nothing running")
    command("test-pages", commands.run_test_pages, "the same for the pages that need a cluster, command by command")
    named("up", commands.run_up, "start a cluster; comes back when its node is ready")
    named("supervise", commands.run_supervise, "what `up` starts: stays, and ends the cluster when it ends")
    named("down", commands.run_down, "end a cluster, and take away what a crashed one has left")
    command("status", commands.run_status, "list the clusters")
    named("env", commands.run_env, "print KUBECONFIG and more as export lines for a shell")
    named("exec", commands.run_exec, "run a command in the node's namespaces").add_argument("command", nargs="+")
    named("load", commands.run_load, "bring images of podman's into the node").add_argument("image", nargs="+")
    named("logs", commands.run_logs, "print the log of a part").add_argument("part", metavar="PART")
    return parser


def main() -> int:
    return run(_parser())
