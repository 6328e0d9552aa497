"""The kinds of specs that schedules apply, by name."""

from collections.abc import Callable

from echoroute.core.objects import JsonObject, Key

from .cluster import GATEWAY_CLASS
from .gateway import REFUSED
from .world import spec_of


def _deep() -> JsonObject:
    value: JsonObject = {"a": "b"}
    for _ in range(300):
        value = {"a": value}
    return value


_DEEP = _deep()

KINDS: dict[str, Callable[[Key], JsonObject]] = {
    "good": lambda key: spec_of(f"/{key}"),
    "other": lambda key: spec_of(f"/{key}", websocket=True),
    "shared": lambda key: spec_of(f"/shared-{key.name}"),
    "off": lambda key: spec_of(f"/shared-{key.name}", enabled=False),
    "common": lambda key: spec_of(f"/common-{key.namespace}"),
    "beside": lambda key: {
        **spec_of(""),
        "match": {"paths": [f"/common-{key.namespace}"], "priority": 1 + int(key.name[1:])},
    },
    "refused": lambda key: spec_of(f"{REFUSED}/{key}"),
    "invalid": lambda _: spec_of("no-slash"),
    "deep": lambda key: spec_of(f"/{key}", plugins={"cors": _DEEP}),
    "denied": lambda key: spec_of(f"/{key}", plugins={"serverless-pre-function": {}}),
    "elsewhere": lambda key: spec_of(f"/{key}", gatewayClass=f"not-{GATEWAY_CLASS}"),
}
"""`shared` is claimed by the keys of the same name in all namespaces, `common` by all of one namespace."""

OFTEN = {"good": 3, "other": 2, "shared": 3, "common": 2}
