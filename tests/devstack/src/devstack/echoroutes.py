"""EchoRoutes as tests write them, and what became of them: in their status and in the gateway."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from pydantic import JsonValue

from devstack.handles.answers import JsonObject, accepted, at
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube

_APIS = "/apis/echoroute.dev/v1alpha1"


class Condition(NamedTuple):
    """One condition of a status, without its times."""

    status: str
    reason: str
    message: str


NOTHING = Condition("", "", "")
"""What is said where nothing is said (yet)."""


def path_of(namespace: str, name: str = "") -> str:
    """Of one EchoRoute, or of all in a namespace."""
    return f"{_APIS}/namespaces/{namespace}/echoroutes" + (f"/{name}" if name else "")


def route(name: str, namespace: str, path: str, **spec: JsonValue) -> JsonObject:
    """An EchoRoute that takes `path` to the service `NAMESPACE-NAME`, unless `spec` says otherwise."""
    return {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"match": {"paths": [path]}, "backends": [{"service": f"{namespace}-{name}"}], **spec},
    }


def create(kube: Kube, manifests: Iterable[JsonObject]) -> None:
    """Create EchoRoutes, one request each: some milliseconds, where kubectl takes a second."""
    for manifest in manifests:
        accepted(kube.http.post(path_of(str(at(manifest, "metadata", "namespace"))), json=manifest))


def create_with_plugins(kube: Kube, name: str, namespace: str, path: str, plugins: str) -> None:
    """Create an EchoRoute whose plugins are a JSON text, which may be nested deeper than writers of JSON go."""
    text = json.dumps(route(name, namespace, path, plugins="PLUGINS")).replace('"PLUGINS"', plugins)
    accepted(kube.http.post(path_of(namespace), content=text, headers={"Content-Type": "application/json"}))


def delete(kube: Kube, namespace: str, name: str = "") -> None:
    """Delete one EchoRoute, or all of a namespace."""
    accepted(kube.http.delete(path_of(namespace, name)))


def conditions(kube: Kube, namespace: str, name: str) -> dict[str, Condition]:
    """By type; empty where the operator has not spoken of this generation yet."""
    found = kube.read(path_of(namespace, name))
    if at(found, "status", "observedGeneration") != at(found, "metadata", "generation"):
        return {}
    items = at(found, "status", "conditions")
    return {
        str(at(item, "type")): Condition(*(str(at(item, field)) for field in Condition._fields))
        for item in (items if isinstance(items, list) else ())
    }


def condition(kube: Kube, namespace: str, name: str, type_: str) -> Condition:
    """One condition; `NOTHING` where the operator has not spoken of this generation yet."""
    return conditions(kube, namespace, name).get(type_, NOTHING)


def programmed(gateway: GatewayApi, namespace: str) -> list[JsonObject]:
    """The routes in the gateway that carry our mark for a namespace."""
    return [one for one in gateway.list_all("routes") if at(one, "labels", "namespace") == namespace]
