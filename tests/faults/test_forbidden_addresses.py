"""A service at an address that the platform forbids: no request reaches it through the gateway."""

from collections.abc import Callable

from devstack.echoroutes import condition, create, programmed, route
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

Start = Callable[..., Operator]


def test_a_forbidden_instance_withdraws_its_route_and_nobody_elses(breakable_stack: Stack, start: Start) -> None:
    kube, gateway, consul = breakable_stack.kube, breakable_stack.gateway.api, breakable_stack.consul.api
    good = [consul.register(f"default-{name}", port=9) for name in ("web", "other")]
    consul.register("default-local", port=9, address="127.0.0.7")
    create(kube, [route(name, "default", f"/{name}") for name in ("web", "other", "local")])
    gateway.reset_stats()
    operator = start(ECHOROUTE_FORBIDDEN_ADDRESSES="127.0.0.7/32,127.0.0.8")

    until(lambda: condition(kube, "default", "local", "Ready")[:2] == ("False", "ForbiddenAddress"))
    told = condition(kube, "default", "local", "ResolvedRefs")
    assert "default-local-127.0.0.7-9 (127.0.0.7)" in told.message
    until(lambda: condition(kube, "default", "web", "Ready").status == "True")
    until(lambda: condition(kube, "default", "other", "Ready").status == "True")
    assert {one["uri"] for one in programmed(gateway, "default")} == {"/web", "/other"}
    assert len(gateway.writes()) == 2, "the forbidden one was never there, not for a moment"

    # An instance at a forbidden address joins the others, and leaves.
    odd = consul.register("default-web", port=9, address="127.0.0.8")
    until(lambda: {one["uri"] for one in programmed(gateway, "default")} == {"/other"})
    until(lambda: condition(kube, "default", "web", "Ready")[:2] == ("False", "ForbiddenAddress"))
    consul.deregister(odd)
    until(lambda: {one["uri"] for one in programmed(gateway, "default")} == {"/web", "/other"})
    until(lambda: condition(kube, "default", "web", "Ready").status == "True")
    assert "Traceback" not in operator.process.output()
    for instance in [*good, "default-local-127.0.0.7-9"]:
        consul.deregister(instance)
