"""Several backends as rules of APISIX's traffic-split, which reads them in order: the first one that holds decides.

No rule has two weighted upstreams, since APISIX's weights do not hold at scale (`core.shares`). Where no rule holds,
the route's own upstream serves: the first backend of positive weight.
"""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from echoroute.api.backends import Backend
from echoroute.api.selection import Selection
from echoroute.api.spec import EchoRouteSpec
from echoroute.core.matching import conditions
from echoroute.core.objects import JsonObject
from echoroute.core.shares import pattern, thresholds


def serving(spec: EchoRouteSpec) -> tuple[Selection, ...]:
    """The backends that get requests, each once, the route's own first; one of weight 0 is nothing in the gateway."""
    return tuple(dict.fromkeys(backend.selection for backend in spec.all_backends if backend.share > 0))


def rules(spec: EchoRouteSpec, upstream_ids: Mapping[Selection, str]) -> list[JsonValue]:
    """The rules, canaries first; empty where the route's own upstream serves all. It has no id here."""
    found = [
        rule
        for canary in spec.canary or ()
        for rule in _split(canary.backends, conditions(canary.match.conditions), upstream_ids)
    ]
    return [*found, *_split(spec.backends, [], upstream_ids)]


def _split(
    backends: Sequence[Backend], of: list[JsonValue], upstream_ids: Mapping[Selection, str]
) -> Iterator[JsonObject]:
    """Rules for requests of which all of these conditions hold; without conditions the first backend needs none."""
    first, *others = [backend for backend in backends if backend.share > 0]
    parts = thresholds([backend.share for backend in (first, *others)]) if others else ()
    for backend, threshold in zip(others, parts, strict=True):
        yield _rule([*of, ["request_id", "~~", pattern(threshold)]], upstream_ids.get(backend.selection))
    if of:
        yield _rule(of, upstream_ids.get(first.selection))


def _rule(of: list[JsonValue], upstream_id: str | None) -> JsonObject:
    upstream: JsonObject = {"weight": 1} if upstream_id is None else {"upstream_id": upstream_id, "weight": 1}
    return {"match": [{"vars": of}], "weighted_upstreams": [upstream]}
