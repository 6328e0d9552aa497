"""What an EchoRoute asks of the gateway, by its spec alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from echoroute.api.selection import Selection
from echoroute.core.evaluate import Evaluation, evaluate
from echoroute.core.objects import JsonObject, Key, ObjectRef
from echoroute.core.plan import Digest, digest
from echoroute.core.seen import Entry

from .cluster import START, Cluster
from .told import key_of
from .world import OWNER, POLICY


@dataclass(frozen=True, slots=True)
class Asked:
    """The objects that are to be there; of those with nodes only for which instances they are."""

    bodies: Mapping[ObjectRef, JsonObject]
    digests: Mapping[ObjectRef, Digest]
    resolved: Mapping[ObjectRef, Selection]


def asked_of(cluster: Cluster, key: Key) -> Asked | None:
    """What the EchoRoute in the cluster asks for; None where its spec is refused."""
    entry = cluster.as_seen(cluster.objects[key]).entry
    return _asked(key, _spec_of(entry)) if entry else None


def gives_up(key: Key, entry: Entry, body: JsonObject) -> bool:
    """Whether an EchoRoute asks for nothing of what this body serves: who gets it is written before that is done."""
    evaluation = _evaluated(key, _spec_of(entry))
    if evaluation.bundle is None:
        return evaluation.refusal is not None and not evaluation.refusal.keeps  # withdrawn, by policy
    return not any(meet(body, one) for one in evaluation.bundle.objects.values())


def meet(one: JsonObject, other: JsonObject) -> bool:
    """Whether two of our routes would both answer for one host and path."""
    if served_by(one).isdisjoint(served_by(other)) or 0 in (one.get("status"), other.get("status")):
        return False
    mine, theirs = key_of(one), key_of(other)
    if not mine.name:
        return False
    alike = all(one.get(field) == other.get(field) for field in ("priority", "vars"))
    methods = [set(_texts(body, "methods", "method")) for body in (one, other)]
    return mine.namespace != theirs.namespace or (alike and (not all(methods) or bool(set.intersection(*methods))))


def served_by(body: JsonObject) -> set[tuple[str, str]]:
    """The pairs of a host (empty for any) and a path of a Route; an Upstream has none."""
    return {(host, uri) for host in _texts(body, "hosts", "host") or [""] for uri in _texts(body, "uris", "uri")}


def _texts(body: JsonObject, *fields: str) -> list[str]:
    """What a field has that APISIX knows as a list, and by another name as a single text."""
    values = [body.get(field) for field in fields]
    return [str(each) for value in values if value for each in (value if isinstance(value, list) else [value])]


def _spec_of(entry: Entry) -> Entry:
    """Less what it asks for does not depend on, so that each spec is evaluated once."""
    return replace(entry, uid="", generation=0, created=START, status=b"{}")


@cache
def _evaluated(key: Key, entry: Entry) -> Evaluation:
    return evaluate(key, entry, owner=OWNER, policy=POLICY)


@cache
def _asked(key: Key, entry: Entry) -> Asked | None:
    bundle = _evaluated(key, entry).bundle
    if bundle is None:
        return None
    bodies = {ref: body for ref, body in bundle.objects.items() if ref not in bundle.resolved}
    return Asked(bodies, {ref: digest(body) for ref, body in bodies.items()}, bundle.resolved)
