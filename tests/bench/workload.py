"""EchoRoutes in numbers, and what they become in the gateway."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
from devstack.handles.answers import JsonObject, accepted, as_object, at
from devstack.handles.kube import Kube
from echoroute.api.parse import parse_spec
from echoroute.core.objects import Key, ObjectRef
from echoroute.core.translate import translate
from pydantic import JsonValue

OWNER = "be4c4be4"
NAMESPACE = "default"
SERVICE = "echo"
COLLECTION = f"/apis/echoroute.dev/v1alpha1/namespaces/{NAMESPACE}/echoroutes"


def name_of(number: int) -> str:
    return f"r{number:05d}"


SECOND_SERVICE = "echo-next"


def spec(name: str, backends: int = 1) -> JsonObject:
    """With one backend, or with two of which the second gets a tenth."""
    weighted: list[JsonValue] = [{"service": SERVICE, "weight": 90}, {"service": SECOND_SERVICE, "weight": 10}]
    return {
        "match": {"paths": [f"/{name}/*"]},
        "rewrite": {"regex": {"pattern": f"^/{name}/(.*)", "replacement": "/$1"}},
        "backends": [{"service": SERVICE}] if backends == 1 else weighted,
    }


def manifest(name: str, backends: int = 1) -> JsonObject:
    metadata: JsonObject = {"name": name, "namespace": NAMESPACE}
    return {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "metadata": metadata,
        "spec": spec(name, backends),
    }


def objects_of(name: str) -> dict[ObjectRef, JsonObject]:
    """The gateway objects of an EchoRoute, as the operator writes them."""
    return dict(translate(Key(NAMESPACE, name), parse_spec(spec(name)), owner=OWNER).objects)


def route_id(name: str) -> str:
    """The id of its route in the gateway."""
    return f"{OWNER}.{NAMESPACE}.{name}"


def create(kube: Kube, names: Sequence[str], backends: int = 1) -> None:
    """Create EchoRoutes, eight at once."""

    def post(name: str) -> None:
        accepted(kube.http.post(COLLECTION, json=manifest(name, backends)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(post, names))


def delete_all(kube: Kube) -> None:
    """One call deletes them all."""
    accepted(kube.http.delete(COLLECTION, timeout=120))


def items(kube: Kube) -> list[JsonObject]:
    """All EchoRoutes, page by page."""
    found: list[JsonObject] = []
    token = ""
    while True:
        answer = kube.http.get(COLLECTION, params={"limit": 500, "continue": token}, timeout=60)
        page = as_object(accepted(answer).content, "list of EchoRoutes")
        entries = at(page, "items")
        found += [item for item in entries if isinstance(item, dict)] if isinstance(entries, list) else []
        token = str(at(page, "metadata", "continue") or "") if "continue" in json.dumps(page["metadata"]) else ""
        if not token:
            return found


def is_ready(item: JsonObject) -> bool:
    """Whether all conditions of an EchoRoute are true."""
    status = item.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    if not isinstance(conditions, list):
        return False
    return [one["status"] for one in conditions if isinstance(one, dict)] == ["True"] * 4


def merge_spec(kube: Kube, name: str, change: JsonObject) -> httpx.Response:
    """Merge into a spec; the API server's answer."""
    headers = {"Content-Type": "application/merge-patch+json"}
    return accepted(kube.http.patch(f"{COLLECTION}/{name}", headers=headers, content=json.dumps({"spec": change})))
