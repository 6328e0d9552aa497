"""Leaving is clean: a namespace, a route or the operator goes without anything that hangs or is left over."""

from collections.abc import Callable

from devstack.echoroutes import create, programmed, route
from devstack.handles.answers import accepted, at
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

Start = Callable[..., Operator]


def test_a_namespace_goes_with_its_routes(kube: Kube, gateway: GatewayApi, operator: Operator) -> None:
    """There is no finalizer that could keep it; the routes go by the delete events."""
    name = "leaving"
    accepted(kube.http.post("/api/v1/namespaces", json={"metadata": {"name": name}}))
    create(kube, [route(f"r{number}", name, f"/leaving/{number}") for number in range(5)])
    until(lambda: len(programmed(gateway, name)) == 5)
    for one in kube.list_all("echoroutes", name):
        assert at(one, "metadata", "finalizers") is None
    accepted(kube.http.delete(f"/api/v1/namespaces/{name}"))
    until(lambda: kube.http.get(f"/api/v1/namespaces/{name}").status_code == 404, timeout=60)
    until(lambda: programmed(gateway, name) == [])
    assert "Traceback" not in operator.process.output()


def test_an_echoroute_goes_while_no_operator_runs(breakable_stack: Stack, start: Start) -> None:
    """Nothing holds it; its route is found as an orphan by the next operator."""
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route(name, "default", f"/{name}") for name in ("stays", "goes")])
    operator = start()
    until(lambda: len(programmed(gateway, "default")) == 2)
    operator.process.stop()
    assert operator.process.exit_status == 0
    kube.run("delete", "er", "goes", "-n", "default", "--timeout=10s")  # kubectl waits for what has a finalizer
    assert len(programmed(gateway, "default")) == 2, "nobody is there to withdraw it"
    start()
    until(lambda: [one["uri"] for one in programmed(gateway, "default")] == ["/stays"])


def test_the_operator_stops_at_once_while_all_around_it_hangs(breakable_stack: Stack, start: Start) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route("web", "default", "/web")])
    operator = start()
    until(lambda: len(programmed(gateway, "default")) == 1)
    until(lambda: operator.check("watch") == "[+]watch")
    create(kube, [route("late", "default", "/late")])
    for part in (breakable_stack.gateway, breakable_stack.apiserver, breakable_stack.consul):
        part.pause()
    operator.process.stop()  # SIGTERM, and SIGKILL after 10 s
    assert operator.process.exit_status == 0
