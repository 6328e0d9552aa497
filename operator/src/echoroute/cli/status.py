"""`echoroute status`: the statuses of an operator in file mode, as a table or as JSON."""

import sys

import click

from echoroute.core.text import escaped, escaped_lines


@click.command()
@click.option(
    "-o", "--output", type=click.Choice(["table", "wide", "json"]), default="table", help="Form of the output."
)
@click.option(
    "--server",
    metavar="URL",
    help="URL of the operator's own pages. Default: from ECHOROUTE_BIND, or http://127.0.0.1:8080.",
)
def status(output: str, server: str | None) -> None:
    """Print the statuses of an operator in file mode. (In a cluster: kubectl get er.)

    What is wrong with the folder or with a file goes to standard error. The exit code is 1 where no operator answers.
    """
    from echoroute.cli.client import NoStatus, read_status  # noqa: PLC0415 - `render` needs none of it
    from echoroute.folder import table  # noqa: PLC0415

    try:
        text, page = read_status(server)
    except NoStatus as error:
        click.echo(f"echoroute: {error}", err=True)
        sys.exit(1)
    click.echo(escaped_lines(text) if output == "json" else table.table(page, wide=output == "wide"))
    for note in table.notes(page):
        click.echo(escaped(note), err=True)
