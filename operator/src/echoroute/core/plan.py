"""What has to change in the gateway: desired state against known state, as a value.

The decision table, for each gateway object:

    desired          | known                     | change
    -----------------+---------------------------+--------------------------------------------
    in the bundle    | nothing                   | PUT
    in the bundle    | ours, equal               | none: an identical PUT would be a write
    in the bundle    | ours, different           | PUT
    in the bundle    | not ours                  | foreign: nothing of this bundle is written
    not in it        | ours                      | DELETE
    kept in a bundle | ours                      | none: whatever it is, the rest of the bundle is written
    kept in a bundle | nothing                   | waits: nothing of this bundle is written
    keep             | an Upstream of ours that  | DELETE: no Route ever named it, or none does any more
                     | no Route there names      |
    keep             | anything else             | none
    absent           | ours                      | DELETE
    anything         | not ours, not in a bundle | none, it is never looked at

Order within one key: what is referred to is put first and deleted last (`Kind`), puts come before deletions. Where
nothing can be written (foreign, waits), what neither the Route there nor the bundle names goes, as where it is kept.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from echoroute.core.changes import Delete, Put
from echoroute.core.facts import Failed
from echoroute.core.objects import Bundle, JsonObject, Key, Kind, ObjectRef
from echoroute.core.reasons import Reason

Digest = bytes

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_MAY_BE_WHOLE = re.compile(r"[0-9](?:\.0|e[+][0-9]+)[,\]}]")
"""Finds each float in a canonical text that is a whole number, and may find what looks like one within a string."""

_WRITE_ORDER = {kind: position for position, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bundle as it is compared: the digests of what is to be there, and what only has to be there."""

    digests: Mapping[ObjectRef, Digest]
    kept: frozenset[ObjectRef] = frozenset()

    @classmethod
    def of(cls, bundle: Bundle) -> "Wanted":
        """What a bundle asks for."""
        return cls({ref: digest(body) for ref, body in bundle.objects.items()}, frozenset(bundle.kept))

    def refs(self) -> frozenset[ObjectRef]:
        """The ids that it is about."""
        return self.kept.union(self.digests)

    def with_part(self, part: Bundle) -> "Wanted":
        """The same, but for a part of the bundle, which is asked for otherwise now."""
        new = Wanted.of(part)
        others = {ref: digest_ for ref, digest_ in self.digests.items() if ref not in new.kept}
        return Wanted({**others, **new.digests}, new.kept | (self.kept - new.digests.keys()))


NOTHING = Wanted({})


@dataclass(frozen=True, slots=True)
class Present:
    """The gateway is to hold exactly this bundle for the key."""

    bundle: Bundle
    wanted: Wanted
    """The same, as it is compared."""
    waits: str = ""
    """Why nothing of it is written yet; what is there already is as desired all the same."""

    def refs(self) -> frozenset[ObjectRef]:
        """The ids that it is about."""
        return self.wanted.refs()


@dataclass(frozen=True, slots=True)
class Keep:
    """Whatever the gateway holds for the key stays: the spec cannot be evaluated."""

    def refs(self) -> frozenset[ObjectRef]:
        return frozenset()


@dataclass(frozen=True, slots=True)
class Absent:
    """The gateway is to hold nothing for the key."""

    def refs(self) -> frozenset[ObjectRef]:
        return frozenset()


Desired = Present | Keep | Absent


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one gateway object: who owns it (`None`: not us), and the digest of its body."""

    key: Key | None
    digest: Digest
    create_time: int
    modified_index: int
    names: frozenset[str] = frozenset()
    """The ids of the Upstreams that it names, or may name."""


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """What is to be done for one key, each in the order in which it is to be done, and what stands in its way.

    The key is as asked once its writes are made. Removals need a permit, come after, and hold up nothing.
    """

    writes: tuple[Put, ...] = ()
    removals: tuple[Delete, ...] = ()
    foreign: tuple[ObjectRef, ...] = ()
    waits: Failed | None = None
    """Why none of the writes that there would be is made now."""

    @property
    def writes_route(self) -> bool:
        """Whether the Route is not in the gateway as it is asked for."""
        return any(put.ref.kind is Kind.ROUTE for put in self.writes)

    @property
    def removes_route(self) -> bool:
        """Whether the Route goes, and not only what it named."""
        return any(removal.ref.kind is Kind.ROUTE for removal in self.removals)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of the objects of one key: which are to be written, to be deleted, not its own, and kept though they are gone."""

    puts: tuple[ObjectRef, ...] = ()
    deletes: tuple[ObjectRef, ...] = ()
    foreign: tuple[ObjectRef, ...] = ()
    missing: tuple[ObjectRef, ...] = ()


AS_DESIRED = Comparison()


def serves_as_desired(found: Comparison) -> bool:
    """Whether all that is wanted is there, and no Route that is not: at most Upstreams are left over."""
    lacks = found.puts or found.foreign or found.missing
    return not lacks and all(ref.kind is Kind.UPSTREAM for ref in found.deletes)


def compare(key: Key, wanted: Wanted, known: Mapping[ObjectRef, Known]) -> Comparison:
    """The decision table, by digests alone; `known` as for `plan_key`."""
    digests = wanted.digests
    if {ref: object_.digest for ref, object_ in known.items() if object_.key == key} == digests and not wanted.kept:
        return AS_DESIRED  # nearly all of them, in nearly each round
    refs = wanted.refs()
    return Comparison(
        puts=tuple(ref for ref, digest_ in digests.items() if ref not in known or known[ref].digest != digest_),
        deletes=tuple(ref for ref, object_ in known.items() if object_.key == key and ref not in refs),
        foreign=tuple(sorted(ref for ref in refs if ref in known and known[ref].key != key)),
        missing=tuple(sorted(wanted.kept - known.keys())),
    )


def unnamed(
    key: Key, known: Mapping[ObjectRef, Known], *, but: frozenset[ObjectRef] = frozenset()
) -> tuple[ObjectRef, ...]:
    """The Upstreams of a key that no Route there names; without those (`but`) that a Route is yet to name."""
    named = frozenset[str]().union(*(object_.names for ref, object_ in known.items() if ref.kind is Kind.ROUTE))
    mine = (ref for ref, object_ in known.items() if object_.key == key and ref.kind is Kind.UPSTREAM)
    return tuple(sorted(ref for ref in mine if ref.id not in named and ref not in but))


def plan_key(key: Key, desired: Desired, known: Mapping[ObjectRef, Known]) -> KeyPlan:
    """The changes that make `known` what `desired` says, for one key.

    `known` needs the objects that the key owns and those at the ids of its bundle; others are passed over.
    """
    if isinstance(desired, Keep):
        return KeyPlan(removals=tuple(map(Delete, unnamed(key, known))))
    objects, wanted = dict[ObjectRef, JsonObject](), NOTHING
    if isinstance(desired, Present):
        objects, wanted = dict(desired.bundle.objects), desired.wanted
    found = compare(key, wanted, known)
    if stuck := _stuck(desired, found):
        return replace(stuck, removals=tuple(map(Delete, unnamed(key, known, but=wanted.refs()))))
    puts = sorted(found.puts, key=lambda ref: (_WRITE_ORDER[ref.kind], ref.id))
    deletes = sorted(found.deletes, key=lambda ref: (-_WRITE_ORDER[ref.kind], ref.id))
    return KeyPlan(writes=tuple(Put(ref, objects[ref]) for ref in puts), removals=tuple(map(Delete, deletes)))


def _stuck(desired: Desired, found: Comparison) -> KeyPlan | None:
    """The plan where nothing can be written, with the reason; None where it can."""
    if found.foreign:
        return KeyPlan(foreign=found.foreign)
    if found.missing:
        return KeyPlan(waits=_waits_for(desired, found.missing))
    waits = desired.waits if isinstance(desired, Present) else ""
    return KeyPlan(waits=Failed(Reason.PENDING, waits)) if waits and found.puts else None


def withdrawing(key: Key, plan: KeyPlan, known: Mapping[ObjectRef, Known]) -> KeyPlan:
    """A plan by which nothing replaces the key's Route: it goes, too."""
    routes = sorted(ref for ref, object_ in known.items() if object_.key == key and ref.kind is Kind.ROUTE)
    return replace(plan, removals=(*map(Delete, routes), *plan.removals))


def _waits_for(desired: Desired, missing: tuple[ObjectRef, ...]) -> Failed:
    unknown = desired.bundle.kept if isinstance(desired, Present) else {}
    what = ", ".join(dict.fromkeys(unknown[ref] for ref in missing))
    return Failed(Reason.REFS_NOT_RESOLVED, f"Consul has not told {what} yet; what the gateway holds stays as it is")


def names(body: JsonValue) -> frozenset[str]:
    """The ids of the Upstreams that an object names, wherever they stand in it."""
    if isinstance(body, dict):
        own = frozenset([str(body["upstream_id"])]) if "upstream_id" in body else frozenset[str]()
        return own.union(*map(names, body.values()))
    return frozenset[str]().union(*map(names, body)) if isinstance(body, list) else frozenset()


def digest(body: JsonObject) -> Digest:
    """A digest of what a body means: the order of members does not count, and 6.0 is 6 (as APISIX stores it)."""
    canonical = _CANONICAL(body)
    if _MAY_BE_WHOLE.search(canonical):
        canonical = _CANONICAL(_whole_numbers(body))
    return hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _whole_numbers(value: JsonValue) -> JsonValue:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _whole_numbers(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return value
