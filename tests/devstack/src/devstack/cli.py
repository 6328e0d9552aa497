"""The command line: `devstack build|up|status|env|logs|down`."""

import argparse
import sys

from devstack.builder import build
from devstack.errors import DevstackError
from devstack.paths import shown
from devstack.programs import ALL, DEMO, PROGRAMS


def _build(arguments: argparse.Namespace) -> None:
    names = ALL if arguments.all else arguments.part or DEMO
    for name, binary in build(names).items():
        print(f"{name:<24} {binary.version:<10} {binary.origin}: {shown(binary.path)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devstack", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("build", help="find or build the programs; without names those of the demo")
    command.add_argument("part", nargs="*", choices=[*PROGRAMS, []], help=", ".join(PROGRAMS), metavar="PART")
    command.add_argument("--all", action="store_true", help="also what only the tests need")
    command.set_defaults(run=_build)
    return parser


def main() -> int:
    arguments = _parser().parse_args()
    try:
        arguments.run(arguments)
    except DevstackError as error:
        print(f"devstack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
