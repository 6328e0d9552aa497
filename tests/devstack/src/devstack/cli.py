"""Real etcd, Kubernetes API, Consul and a stand-in gateway as local processes."""

import argparse
import sys
from collections.abc import Callable

from devstack import commands
from devstack.errors import DevstackError
from devstack.instances import DEFAULT
from devstack.programs import PROGRAMS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devstack", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], about: str) -> argparse.ArgumentParser:
        added = subparsers.add_parser(name, help=about, description=about)
        added.set_defaults(run=run)
        return added

    def named(added: argparse.ArgumentParser) -> argparse.ArgumentParser:
        added.add_argument("--name", default=DEFAULT, help="which stack (several can run at a time)")
        return added

    build = command("build", commands.run_build, "find or build the programs; without names those of the demo")
    build.add_argument("part", nargs="*", metavar="PART", help=", ".join(PROGRAMS))
    build.add_argument("--all", action="store_true", help="also what only the tests need")

    command("vet", commands.run_vet, "`go vet` of the programs that are our own")

    up = named(command("up", commands.run_up, "start a stack and stay until Ctrl-C"))
    up.add_argument("--detach", action="store_true", help="come back when it is ready")
    up.add_argument("--controller-manager", action="store_true", help="with kube-controller-manager")

    command("status", commands.run_status, "list the stacks and their processes")
    named(command("env", commands.run_env, "print the addresses as export lines for a shell"))
    named(command("logs", commands.run_logs, "print the log of a part")).add_argument("part", metavar="PART")
    down = named(command("down", commands.run_down, "end a stack, and what a crashed one has left"))
    down.add_argument("--all", action="store_true", help="all stacks, those of running tests too")
    return parser


def run(parser: argparse.ArgumentParser) -> int:
    """Do what the command line says (`run` of its command); the exit status. An error of ours is one line."""
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except DevstackError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def main() -> int:
    return run(_parser())
