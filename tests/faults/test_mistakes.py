"""Mistakes that people make on their first day, by kubectl: the message names the field and says what to do."""

from dataclasses import dataclass

import pytest
import yaml
from devstack.echoroutes import condition, route
from devstack.handles.answers import JsonObject
from devstack.handles.kube import Kube
from devstack.waiting import until
from pydantic import JsonValue

pytestmark = pytest.mark.usefixtures("operator")


@dataclass(frozen=True)
class Mistake:
    """`says` is what the message has; `tells` is the condition that it stands in, where `kubectl apply` takes it."""

    why: str
    spec: dict[str, JsonValue]
    says: tuple[str, ...]
    tells: str = ""


_MISTAKES = (
    Mistake("no slash", {"match": {"paths": ["a"]}}, ("spec.match.paths[0]", "must start with '/'")),
    Mistake(
        "a port",
        {"match": {"paths": ["/a"], "hosts": ["a.example:80"]}},
        ("spec.match.hosts[0]", "without scheme, port"),
    ),
    Mistake("no unit", {"upstream": {"timeout": {"read": "5"}}}, ("spec.upstream.timeout.read", "such as '6s'")),
    Mistake(
        "a number",
        {"upstream": {"timeout": {"read": 5}}},
        ("spec.upstream.timeout.read", "Invalid value: 5", "a duration in quotes and with its unit, such as '6s'"),
    ),
    Mistake("a boolean in quotes", {"enabled": "yes"}, ("spec.enabled", 'must be of type boolean: "string"')),
    Mistake(
        "small letters",
        {"match": {"paths": ["/a"], "methods": ["get"]}},
        ("spec.match.methods[0]", 'supported values: "GET"'),
    ),
    Mistake("no backend", {"backends": []}, ("spec.backends", "in body should have at least 1 items")),
    Mistake("another name", {"match": {"paths": ["/a"], "host": "a.example"}}, ("spec.match.host", "write hosts")),
    Mistake("no such field", {"upstreams": {}}, ("unknown field", "spec.upstreams")),
    Mistake("a service's typo", {}, ("knows no instance of service", "spec.backends"), "ResolvedRefs"),
    Mistake(
        "no such plugin", {"plugins": {"limit-cuont": {}}}, ("spec.plugins.limit-cuont", "ECHOROUTE_ALLOW"), "Accepted"
    ),
    Mistake(
        "a pattern that is none",
        {"rewrite": {"regex": {"pattern": "^/mistake/(.*", "replacement": "/$1"}}},
        ("spec.rewrite.regex.pattern: ", "^/mistake/(.*"),
        "Programmed",
    ),
    Mistake(
        "a field's type",
        {"plugins": {"limit-count": {"count": "many"}}},
        ("spec.plugins.limit-count.count",),
        "Accepted",
    ),
)


def _manifest(namespace: str, mistake: Mistake) -> JsonObject:
    return route("mistake", namespace, "/mistake", **mistake.spec)


@pytest.mark.parametrize("mistake", _MISTAKES, ids=lambda mistake: mistake.why)
def test_the_message_helps(kube: Kube, namespace: str, mistake: Mistake) -> None:
    done = kube.attempt("apply", "-f", "-", stdin=yaml.safe_dump(_manifest(namespace, mistake)))
    if not mistake.tells:
        assert done.returncode != 0
        assert all(part in done.stderr for part in mistake.says), done.stderr
        return
    assert done.returncode == 0, done.stderr

    def told() -> bool:
        found = condition(kube, namespace, "mistake", mistake.tells)
        return found.status == "False" and all(part in found.message for part in mistake.says)

    until(told, f"{mistake.tells} says {mistake.says}")


def test_a_conflict_names_a_way_out(kube: Kube, namespace: str) -> None:
    kube.apply(route("first", namespace, "/taken"))
    until(lambda: condition(kube, namespace, "first", "Programmed").status == "True")
    kube.apply(route("second", namespace, "/taken"))
    until(lambda: condition(kube, namespace, "second", "Accepted").reason == "Conflicted")
    message = condition(kube, namespace, "second", "Accepted").message
    assert f"/taken belongs to EchoRoute {namespace}/first" in message  # older it is only if a second has passed
    assert "change spec.match.hosts or spec.match.paths, or have the other one give it up" in message


def test_a_gateway_class_that_nobody_serves_says_so(kube: Kube, namespace: str) -> None:
    kube.apply(route("other", namespace, "/other", gatewayClass="nobodys"))
    found = kube.run("get", "er", "other", "-n", namespace, "-o", "wide")
    assert "nobodys" in found
    assert "waiting for the operator of this spec.gatewayClass" in kube.run("describe", "er", "other", "-n", namespace)
