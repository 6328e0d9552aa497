"""The EchoRoutes of all files, kept as an API server would: with versions, generations, uids and statuses.

They live as long as the process: a new one starts with generation 1 and statuses that say 'waiting for the operator',
and the gateway, which remembers everything by itself, is not written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from echoroute.api.objects import API_VERSION, KIND
from echoroute.api.spec import EchoRouteSpec, class_of
from echoroute.api.status import pending_status
from echoroute.core.objects import JsonObject, Key
from echoroute.core.seen import Seen, seen
from echoroute.core.source import Listing
from echoroute.errors import FolderError
from echoroute.folder.files import File

_CREATED = "1970-01-01T00:00:00Z"
"""The same for all: files have no age that survives a checkout, so conflicts are decided by namespace/name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files say of one key. `fault` is why its spec is not to be used."""

    files: tuple[str, ...]
    spec: JsonObject = field(repr=False)  # plugin configs can hold secrets
    annotations: Mapping[str, str]
    fault: str = ""


@dataclass(slots=True)
class Stored:
    """An EchoRoute with what an API server adds to it."""

    wanted: Wanted
    uid: str
    generation: int
    version: int
    status: JsonObject


def wanted(files: Mapping[str, File]) -> dict[Key, Wanted]:
    """What a set of files says: a function of what they declare, whatever was there before."""
    found: dict[Key, Wanted] = {}
    for name, file in sorted(files.items()):
        fault = f"{name} {file.problem}" if file.problem else ""
        for one in file.declared:
            other = found.get(one.key)
            if other is None:
                found[one.key] = Wanted((name,), one.spec, one.annotations, fault)
            else:
                names = (*other.files, name)
                twice = f"stands more than once, in {', '.join(names)}; keep one"
                found[one.key] = Wanted(names, other.spec, other.annotations, twice)
    return found


class Catalog:
    """The EchoRoutes by key. Not thread-safe."""

    def __init__(self, gateway_class: str) -> None:
        self._gateway_class = gateway_class
        self._objects: dict[Key, Stored] = {}
        self._version = 0

    def __len__(self) -> int:
        return len(self._objects)

    def items(self) -> Iterable[tuple[Key, Stored]]:
        return sorted(self._objects.items())

    def take(self, now: Mapping[Key, Wanted]) -> tuple[list[Seen], set[Key]]:
        """Follow the files; gives what changed, and the keys that are gone."""
        gone = self._objects.keys() - now.keys()
        for key in gone:
            self._version += 1
            del self._objects[key]
        changed = [self._seen(key, self._objects[key]) for key, one in now.items() if self._put(key, one)]
        return changed, set(gone)

    def _put(self, key: Key, new: Wanted) -> bool:
        old = self._objects.get(key)
        if old is None:
            self._version += 1
            self._objects[key] = Stored(new, f"file-{self._version}", 1, self._version, pending_status())
            return True
        new = _checked(new, old.wanted)
        if new == old.wanted:
            return False
        self._version += 1
        old.version = self._version
        old.generation += (new.spec, new.fault) != (old.wanted.spec, old.wanted.fault)
        old.wanted = new
        return True

    def listing(self) -> Listing:
        """A complete list."""
        return Listing(
            version=self._version,
            versions={key: one.version for key, one in self._objects.items()},
            objects=[self._seen(key, one) for key, one in self._objects.items()],
        )

    def read(self, key: Key) -> Seen | None:
        one = self._objects.get(key)
        return self._seen(key, one) if one else None

    def patch_status(self, key: Key, uid: str, status: JsonObject) -> Seen:
        """Merge a status (RFC 7396, one level). Raises `FolderError` (404) where the EchoRoute is gone."""
        one = self._objects.get(key)
        if one is None or one.uid != uid:
            raise FolderError(f"EchoRoute {key} is gone", status=404)
        one.status = {name: value for name, value in {**one.status, **status}.items() if value is not None}
        self._version += 1
        one.version = self._version
        return self._seen(key, one)

    def _seen(self, key: Key, one: Stored) -> Seen:
        raw: JsonObject = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {
                "namespace": key.namespace,
                "name": key.name,
                "uid": one.uid,
                "generation": one.generation,
                "resourceVersion": one.version,
                "creationTimestamp": _CREATED,
                "annotations": dict(one.wanted.annotations),
            },
            "spec": one.wanted.spec,
            "status": one.status,
        }
        return seen(raw, gateway_class=self._gateway_class, fault=one.wanted.fault)


def _checked(new: Wanted, old: Wanted) -> Wanted:
    """What only a comparison with the object as it was can judge, as the CRD's rules with `oldSelf` do."""
    if new.fault or class_of(new.spec) == class_of(old.spec):
        return new
    [rule] = EchoRouteSpec.cel_rules
    return Wanted(new.files, old.spec, new.annotations, f"spec.{rule.field}: {rule.message}")
