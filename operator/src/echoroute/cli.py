"""The command line: `echoroute`.

At the top stands what needs no cluster. A command that runs the operator imports its own parts itself, so that `render`
stays quick and works where nothing else is.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from echoroute.core.ownership import is_owner_id
from echoroute.core.policy import Policy
from echoroute.core.text import escaped, escaped_lines
from echoroute.errors import SettingsError
from echoroute.render import render_manifest

if TYPE_CHECKING:
    from echoroute.home import OpenHome


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="echoroute-operator", prog_name="echoroute")
def main() -> None:
    """Reconcile EchoRoutes into Apache APISIX routes whose services are discovered in Consul."""


@main.command()
@click.option(
    "-f",
    "--filename",
    "files",
    type=click.File(encoding="utf-8"),
    multiple=True,
    required=True,
    help="Manifest with EchoRoutes, YAML or JSON; '-' for standard input. May be repeated.",
)
@click.option("-n", "--namespace", default="default", show_default=True, help="Namespace of objects that name none.")
@click.option("--owner", default="00000000", show_default=True, help="Owner id of the operator: 8 hex digits.")
@click.option(
    "--allow-plugins",
    envvar="ECHOROUTE_ALLOW_PLUGINS",
    default="",
    help="Plugins that the platform team allows beyond the open ones, separated by commas.",
)
def render(files: tuple[TextIO, ...], namespace: str, owner: str, allow_plugins: str) -> None:
    """Print the APISIX JSON of EchoRoutes, without a cluster or a gateway.

    One JSON object for each gateway object, as the Admin API takes it. What the operator would refuse goes to standard
    error with the field and what to write instead; the exit code is then 1.
    """
    if not is_owner_id(owner):
        raise click.BadParameter("must be 8 lower-case hex digits", param_hint="--owner")
    policy = Policy(frozenset(name.strip() for name in allow_plugins.split(",") if name.strip()))
    failed = False
    for file in files:
        for rendered in render_manifest(file.read(), namespace=namespace, owner=owner, policy=policy):
            for body in rendered.bodies:
                click.echo(escaped_lines(json.dumps(body, indent=2, ensure_ascii=False)))
            for problem in rendered.problems:
                failed = True
                click.echo(escaped(f"{file.name}: {problem}"), err=True)
    if failed:
        sys.exit(1)


@main.command()
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="File mode: take the EchoRoutes from the manifests in this folder; Kubernetes is not needed.",
)
def run(folder: Path | None) -> None:
    """Run the operator. Its settings are environment variables: see docs/operations.md."""
    from echoroute import app, logs, settings  # noqa: PLC0415 - `render` needs none of it

    try:
        loaded = settings.load()
        logs.configure(loaded.log_level, loaded.log_format)
        asyncio.run(app.run(loaded, _home(folder)))
    except SettingsError as error:
        click.echo(f"echoroute: {error}", err=True)
        sys.exit(2)


def _home(folder: Path | None) -> "OpenHome":
    if folder is None:
        from echoroute import cluster  # noqa: PLC0415 - the Kubernetes client takes a while to import

        return cluster.home
    from echoroute import standalone  # noqa: PLC0415 - see above

    return standalone.home_in(folder)


@main.command()
@click.option(
    "-o", "--output", type=click.Choice(["table", "wide", "json"]), default="table", help="Form of the output."
)
@click.option(
    "--server",
    metavar="URL",
    help="Where the operator's own pages are. Default: as ECHOROUTE_BIND says, http://127.0.0.1:8080 without it.",
)
def status(output: str, server: str | None) -> None:
    """Print the statuses of an operator in file mode. (In a cluster: kubectl get er.)

    What is wrong with the folder or with a file goes to standard error. The exit code is 1 where no operator answers.
    """
    from echoroute.folder import table  # noqa: PLC0415 - `render` needs none of it
    from echoroute.status import NoStatus, read_status  # noqa: PLC0415

    try:
        text, page = read_status(server)
    except NoStatus as error:
        click.echo(f"echoroute: {error}", err=True)
        sys.exit(1)
    click.echo(escaped_lines(text) if output == "json" else table.table(page, wide=output == "wide"))
    for note in table.notes(page):
        click.echo(escaped(note), err=True)
