"""What a person who has just applied something, or lost something, sees at once."""

import time
from collections.abc import Callable

import pytest
from devstack.echoroutes import condition, path_of, route
from devstack.handles.answers import accepted, at
from devstack.handles.consul import ConsulApi
from devstack.handles.kube import Kube
from devstack.waiting import until

pytestmark = pytest.mark.usefixtures("operator")

_AT_ONCE = 2.0
"""What is promised, in seconds; a test allows five times as much."""


def _events(kube: Kube, namespace: str, name: str) -> list[tuple[str, str]]:
    found = kube.read(f"/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.name={name}")
    items = at(found, "items")
    return [(str(at(one, "type")), str(at(one, "reason"))) for one in (items if isinstance(items, list) else ())]


def test_the_first_ready_is_an_event(kube: Kube, namespace: str, consul: ConsulApi) -> None:
    consul.register(f"{namespace}-web", port=1)
    time.sleep(1.1)  # the API server's times are whole seconds
    kube.apply(route("web", namespace, "/told"))
    until(lambda: _events(kube, namespace, "web") == [("Normal", "Ready")])


def test_the_last_instance_that_leaves_is_counted_out_at_once(
    kube: Kube, namespace: str, consul: ConsulApi, figure: Callable[[str], None]
) -> None:
    instance = consul.register(f"{namespace}-web", port=1)
    kube.apply(route("web", namespace, "/counted"))
    until(lambda: condition(kube, namespace, "web", "Ready").reason == "Ready")
    for status, healthy in (("critical", 0), ("passing", 1)):
        consul.set_status(instance, status)
        took = until(lambda healthy=healthy: _healthy(kube, namespace) == healthy, timeout=5 * _AT_ONCE)
        figure(f"healthy {healthy} is shown after {took:.2f} s, promised {_AT_ONCE:g} s")
        assert condition(kube, namespace, "web", "Ready").reason == "Ready", "it keeps its 30 s"


def _healthy(kube: Kube, namespace: str) -> object:
    return at(kube.read(path_of(namespace, "web")), "status", "instances", "healthy")


def test_conditions_of_another_controller_stay(kube: Kube, namespace: str, consul: ConsulApi) -> None:
    instance = consul.register(f"{namespace}-web", port=1)
    kube.apply(route("web", namespace, "/shared"))
    until(lambda: condition(kube, namespace, "web", "Ready").reason == "Ready")
    conditions = at(kube.read(path_of(namespace, "web")), "status", "conditions")
    assert isinstance(conditions, list)
    foreign = {
        "type": "example.com/Audited",
        "status": "True",
        "reason": "Seen",
        "message": "by another controller",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    body = {"status": {"conditions": [foreign, *conditions]}}
    headers = {"Content-Type": "application/merge-patch+json"}
    accepted(kube.http.patch(f"{path_of(namespace, 'web')}/status", json=body, headers=headers))
    consul.deregister(instance)
    until(lambda: condition(kube, namespace, "web", "Ready").reason != "Ready", timeout=45)
    assert condition(kube, namespace, "web", "example.com/Audited")[:2] == ("True", "Seen")
