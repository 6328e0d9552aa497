"""The command `consul-init`."""

import argparse
import logging
import sys
from collections.abc import Sequence

from consul_init.check import check
from consul_init.children import StartError
from consul_init.control import ask_to_leave, control_address
from consul_init.errors import ControlError, SettingsError
from consul_init.registration import Registration
from consul_init.settings import Settings
from consul_init.sidecar import run_sidecar
from consul_init.wrapper import run

_EPILOG = "Settings are environment variables: SERVICE_NAME, SERVICE_PORT, CONSUL_HTTP_ADDR, ...; see the README."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code; 2 for a setting that is missing or wrong."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        return _dispatch(options)
    except StartError as error:
        print(f"consul-init: {error}", file=sys.stderr)
        return error.exit_code
    except (SettingsError, ControlError) as error:
        print(f"consul-init: {error}", file=sys.stderr)
        return 2


def _dispatch(options: argparse.Namespace) -> int:
    settings = Settings.from_env()
    match options.action:
        case "run":
            return run(settings, _command(options.command))
        case "sidecar":
            return run_sidecar(settings)
        case "leave":
            return _leave(settings, wait=options.wait)
        case _:
            report = check(settings)
            print(report.document() if options.output == "json" else "\n".join(report.lines()))
            return report.exit_code


def _command(words: list[str]) -> list[str]:
    command = words[1:] if words[:1] == ["--"] else words
    if not command:
        raise StartError("run: the command is missing, as in: consul-init run -- node server.js", 2)
    return command


def _leave(settings: Settings, *, wait: bool) -> int:
    if not settings.enabled:
        return 0
    address = control_address(settings, Registration.from_settings(settings).id)
    if ask_to_leave(address, wait=settings.drain if wait else None):
        return 0
    print("consul-init: Consul did not confirm the deregistration", file=sys.stderr)
    return 1


class _Version(argparse.Action):
    """Asks the package's metadata, which costs more than all else that is imported here."""

    def __call__(self, parser: argparse.ArgumentParser, *_arguments: object) -> None:
        from importlib.metadata import version  # noqa: PLC0415

        print(f"consul-init {version('consul-init')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="consul-init", description="Keeps a service in Consul exactly while it can serve.", epilog=_EPILOG
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version, and end")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    wrapped = actions.add_parser(
        "run", help="run a command, registered while it runs", usage="consul-init run [--] COMMAND..."
    )
    wrapped.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command and its arguments")
    actions.add_parser("sidecar", help="keep the main container of this pod registered")
    leave = actions.add_parser("leave", help="have the keeper deregister the instance, as a preStop hook")
    leave.add_argument("--wait", action="store_true", help="return when it has left and drained")
    check_parser = actions.add_parser(
        "check",
        help="what would be registered, and whether Consul agrees",
        epilog="Exit code 0: it agrees and passes; 1: it differs, or is not there; 2: cannot be known, or a setting is"
        " wrong; 3: it agrees, and Consul's check does not pass.",
    )
    check_parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="for people or programs")
    return parser
