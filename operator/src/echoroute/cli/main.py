"""The command line: `echoroute`.

`render` stays quick and works where nothing else is: the command that runs the operator imports its own parts itself.
"""

import click

from echoroute.cli import render, run, status


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="echoroute-operator", prog_name="echoroute")
def main() -> None:
    """Reconcile EchoRoutes into Apache APISIX routes whose services are discovered in Consul."""


for command in (render.render, run.run, status.status):
    main.add_command(command)
