"""`echoroute run`: the operator, in a cluster or in file mode."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from echoroute.errors import SettingsError

if TYPE_CHECKING:
    from echoroute.run.home import OpenHome


@click.command()
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="File mode: take the EchoRoutes from the manifests in this folder; Kubernetes is not needed.",
)
def run(folder: Path | None) -> None:
    """Run the operator. Its settings are environment variables: see docs/reference/settings.md."""
    from echoroute import logs  # noqa: PLC0415 - the other commands need none of it
    from echoroute.run import app, garbage, settings  # noqa: PLC0415

    try:
        loaded = settings.load()
        logs.configure(loaded.log_level, loaded.log_format)
        home = _home(folder)
        garbage.set_aside()
        asyncio.run(app.run(loaded, home))
    except SettingsError as error:
        click.echo(f"echoroute: {error}", err=True)
        sys.exit(2)


def _home(folder: Path | None) -> "OpenHome":
    if folder is None:
        from echoroute.run import cluster  # noqa: PLC0415 - the Kubernetes client takes a while to import

        return cluster.home
    from echoroute.run import standalone  # noqa: PLC0415 - see above

    return standalone.home_in(folder)
