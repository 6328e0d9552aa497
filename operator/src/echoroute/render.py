"""EchoRoutes to the JSON that APISIX gets, from text to values: for reviewers, CI and our own tests."""

from collections.abc import Iterator
from dataclasses import dataclass

from echoroute.api.manifests import InvalidManifest
from echoroute.api.parse import parse_spec
from echoroute.core.budget import over_budget
from echoroute.core.declared import Declared, declared
from echoroute.core.objects import JsonObject
from echoroute.core.policy import Policy
from echoroute.core.translate import translate
from echoroute.errors import InvalidSpec


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
    return Rendered(bodies=tuple({"id": ref.id, **body} for ref, body in bundle.objects.items()))
