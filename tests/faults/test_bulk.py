"""200 routes at once: one that is bad delays none of them, and a gateway that loses all of them gets them back."""

from collections.abc import Callable

from devstack.echoroutes import condition, create, programmed, route
from devstack.handles.gateway import GatewayApi
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

Start = Callable[..., Operator]

_MANY = 200
_BAD = {"uri-blocker": {"block_rules": ["("]}}


def _span(gateway: GatewayApi) -> float:
    """Seconds from the first to the last accepted write."""
    times = [write.time for write in gateway.writes() if write.status in {200, 201}]
    return max(times) - min(times)


def test_one_that_the_gateway_rejects_delays_none_of_200(breakable_stack: Stack, start: Start) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route(f"good-{number}", "default", f"/good/{number}") for number in range(_MANY)])
    gateway.reset_stats()
    operator = start()
    until(lambda: len(programmed(gateway, "default")) == _MANY)
    usual = _span(gateway)
    operator.process.stop()

    gateway.wipe()
    gateway.reset_stats()
    create(kube, [route("bad", "default", "/bad", plugins=_BAD)])
    operator = start()
    until(lambda: len(programmed(gateway, "default")) == _MANY)
    assert _span(gateway) <= 2 * usual + 2  # one by one, or after a gate that closed and opened again, takes longer
    until(lambda: condition(kube, "default", "bad", "Programmed").reason == "GatewayRejected")
    assert "uri-blocker" in condition(kube, "default", "bad", "Programmed").message
    rounds = operator.metric("echoroute_rounds_total")
    until(lambda: operator.metric("echoroute_rounds_total") >= rounds + 2, timeout=120)
    assert operator.metric('echoroute_reconcile_errors_total{reason="GatewayRejected"}') == 1, "it waits for a change"
    assert len(gateway.writes()) == _MANY + 1, "each is written once"
    assert operator.metric("echoroute_gateway_up") == 1
    until(lambda: condition(kube, "default", "good-0", "Programmed").status == "True")


def test_a_wiped_gateway_gets_all_back_within_a_drift_interval(breakable_stack: Stack, start: Start) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route(f"r{number}", "default", f"/r/{number}") for number in range(_MANY)])
    operator = start()
    until(lambda: len(programmed(gateway, "default")) == _MANY)
    until(lambda: operator.metric("echoroute_rounds_total") >= 2, timeout=120)
    patches = operator.metric("echoroute_status_patches_total")
    rounds = operator.metric("echoroute_rounds_total")
    gateway.wipe()
    gateway.reset_stats()
    # The interval grows where a list takes long, as it does on a busy machine: rounds count, not seconds.
    until(lambda: len(programmed(gateway, "default")) == _MANY, timeout=120)
    assert operator.metric("echoroute_rounds_total") <= rounds + 2, (
        "the round under way, and the next one at the latest"
    )
    assert len(gateway.writes()) == _MANY
    assert operator.metric("echoroute_drift_repaired_total") == _MANY
    assert operator.metric("echoroute_status_patches_total") <= patches + _MANY, "statuses stay as they are"
