"""EchoRoutes to the JSON that APISIX gets, from text to values: for reviewers, CI and our own tests."""

from collections.abc import Iterator
from dataclasses import dataclass

from echoroute.api.manifests import InvalidManifest, echo_routes
from echoroute.api.objects import EchoRouteObject
from echoroute.api.parse import parse_spec
from echoroute.core.objects import JsonObject, Key
from echoroute.core.ownership import is_key
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
        for raw in echo_routes(text):
            count += 1
            yield _render(EchoRouteObject.from_raw(raw), namespace, owner, policy)
    except InvalidManifest as error:
        yield Rendered(problems=(str(error),))
    else:
        if not count:
            yield Rendered(problems=("has no EchoRoute",))


def _render(found: EchoRouteObject, namespace: str, owner: str, policy: Policy) -> Rendered:
    key = Key(found.namespace or namespace, found.name)
    if not is_key(key):
        return Rendered(
            problems=(
                f"{key}: metadata: name and namespace must be lower-case letters, digits, '-' (in names also '.')",
            )
        )
    try:
        spec = parse_spec(found.spec)
    except InvalidSpec as error:
        return Rendered(problems=tuple(f"{key}: {one}" for one in error.errors))
    if refused := policy.refusals(spec):
        return Rendered(problems=tuple(f"{key}: {one}" for one in refused))
    bundle = translate(key, spec, owner=owner)
    return Rendered(bodies=tuple({"id": ref.id, **body} for ref, body in bundle.objects.items()))
