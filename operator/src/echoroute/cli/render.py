"""`echoroute render`: EchoRoutes to the JSON that APISIX gets, for reviewers, CI and our own tests."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

import click

from echoroute.api.manifests import InvalidManifest
from echoroute.api.parse import parse_spec
from echoroute.core.budget import over_budget
from echoroute.core.declared import Declared, declared
from echoroute.core.nodes import Nodes
from echoroute.core.objects import JsonObject
from echoroute.core.ownership import is_owner_id
from echoroute.core.policy import Policy
from echoroute.core.text import escaped, escaped_lines
from echoroute.core.translate import translate
from echoroute.errors import InvalidSpec


@click.command()
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

    One JSON object for each gateway object, as the Admin API takes it: Upstreams first, then the Route. Where the
    operator resolves a backend, its Upstream has no nodes here: they are in Consul. What the operator would refuse goes
    to standard error with the field and what to write instead; the exit code is then 1.
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


@dataclass(frozen=True, slots=True)
class Rendered:
    """What becomes of one EchoRoute: the bodies of its gateway objects with their ids, or what is wrong with it."""

    bodies: tuple[JsonObject, ...] = ()
    problems: tuple[str, ...] = ()


def render_manifest(text: str, *, namespace: str, owner: str, policy: Policy) -> Iterator[Rendered]:
    """Renders each EchoRoute of a manifest; a manifest that cannot be read, or has none, is a problem too.

    `namespace` is for objects that name none; `owner` is an owner id; `policy` what the platform team allows.
    """
    count = 0
    try:
        for found in declared(text, namespace=namespace):
            count += 1
            yield _render(found, owner, policy)
    except InvalidManifest as error:
        yield Rendered(problems=(str(error),))
    else:
        if not count:
            yield Rendered(problems=("has no EchoRoute",))


def _render(found: Declared, owner: str, policy: Policy) -> Rendered:
    key = found.key
    if problem := over_budget(found.spec):
        return Rendered(problems=(f"{key}: {problem}",))
    try:
        spec = parse_spec(found.spec)
    except InvalidSpec as error:
        return Rendered(problems=tuple(f"{key}: {one}" for one in error.errors))
    if refused := policy.refusals(spec):
        return Rendered(problems=tuple(f"{key}: {one}" for one in refused))
    bundle = translate(key, spec, owner=owner)
    bundle = bundle.with_nodes(dict.fromkeys(bundle.resolved.values(), Nodes()))
    return Rendered(bodies=tuple({"id": ref.id, **body} for ref, body in bundle.objects.items()))
