"""An EchoRoute as a manifest declares it: what kubectl and the API server check before anybody looks at the spec."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from echoroute.api.manifests import InvalidManifest, echo_routes
from echoroute.api.objects import EchoRouteObject
from echoroute.api.parse import not_a_field
from echoroute.core.objects import JsonObject, Key
from echoroute.core.ownership import is_key

_FIELDS = ("apiVersion", "kind", "metadata", "spec", "status")
_METADATA = (
    "name", "namespace", "labels", "annotations", "finalizers", "ownerReferences",
    # Written by the API server: what `kubectl get -o yaml` has shown may be given back.
    "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields",
    "resourceVersion", "selfLink", "uid",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Declared:
    """An EchoRoute of a manifest. `annotations` are those of `echoroute.dev/`; the spec is not judged yet."""

    key: Key
    spec: JsonObject = field(repr=False)  # plugin configs can hold secrets
    annotations: Mapping[str, str] = field(default_factory=dict)


def declared(text: str, *, namespace: str) -> Iterator[Declared]:
    """The EchoRoutes of a manifest, in order; `namespace` is that of objects that name none.

    Raises `InvalidManifest` for what leaves open which EchoRoutes there are, or what they are called.
    """
    for raw in echo_routes(text):
        yield _declared(raw, namespace)


def _declared(raw: Mapping[str, JsonValue], namespace: str) -> Declared:
    found = EchoRouteObject.from_raw(raw)
    key = Key(found.namespace or namespace, found.name)
    metadata = raw.get("metadata")
    if not found.name or not isinstance(metadata, dict):
        raise InvalidManifest("has an EchoRoute without a name; write metadata.name")
    if not is_key(key):
        raise InvalidManifest(
            f"has an EchoRoute {key}: metadata: name and namespace must be lower-case letters, digits, '-' "
            "(in names also '.')"
        )
    for fields, known, prefix in ((raw, _FIELDS, ""), (metadata, _METADATA, "metadata.")):
        for name in fields:
            if name not in known:
                raise InvalidManifest(f"has an EchoRoute {key}: {prefix}{name}: {not_a_field(name, known)}")
    spec = raw.get("spec", {})
    if not isinstance(spec, dict):
        raise InvalidManifest(f"has an EchoRoute {key}: spec: must be an object with fields")
    return Declared(key, spec, found.annotations)
