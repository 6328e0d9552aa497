"""Consul is away: told once; routes are programmed all the same, statuses stay, and it goes on by itself."""

from collections.abc import Callable

from devstack.echoroutes import condition, create, path_of, programmed, route
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

Start = Callable[..., Operator]


def _told_as_away(operator: Operator) -> None:
    until(lambda: operator.check("consul").startswith("[-]consul: "))
    assert operator.ready()
    assert operator.metric("echoroute_consul_up") == 0


def _told_as_back(operator: Operator) -> None:
    until(lambda: operator.check("consul") == "[+]consul", timeout=60)
    assert operator.metric("echoroute_consul_up") == 1
    said = operator.said("WARNING")
    assert len([line for line in said if "stays until it answers" in line]) == 1, said
    assert operator.said("ERROR") == []
    assert "Traceback" not in operator.process.output()


def test_away_at_the_start(breakable_stack: Stack, start: Start) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    breakable_stack.consul.kill()
    create(kube, [route("web", "default", "/web")])
    operator = start()
    until(lambda: condition(kube, "default", "web", "Programmed").status == "True")
    assert condition(kube, "default", "web", "ResolvedRefs")[:2] == ("Unknown", "ConsulUnreachable")
    assert condition(kube, "default", "web", "Ready")[:2] == ("Unknown", "ConsulUnreachable")
    assert len(programmed(gateway, "default")) == 1
    _told_as_away(operator)
    breakable_stack.consul.start()
    instance = breakable_stack.consul.api.register("default-web", port=9)
    until(lambda: condition(kube, "default", "web", "Ready")[:2] == ("True", "Ready"), timeout=60)
    _told_as_back(operator)
    breakable_stack.consul.api.deregister(instance)


def test_an_outage_while_it_runs(breakable_stack: Stack, start: Start) -> None:
    kube, gateway, consul = breakable_stack.kube, breakable_stack.gateway.api, breakable_stack.consul
    instances = [consul.api.register(f"default-{name}", port=9) for name in ("web", "new")]
    create(kube, [route("web", "default", "/web")])
    operator = start()
    until(lambda: condition(kube, "default", "web", "Ready")[:2] == ("True", "Ready"))
    before = kube.read(path_of("default", "web"))
    gateway.reset_stats()
    consul.kill()
    _told_as_away(operator)
    create(kube, [route("new", "default", "/new")])
    until(lambda: condition(kube, "default", "new", "Ready")[:2] == ("Unknown", "ConsulUnreachable"))
    assert kube.read(path_of("default", "web")) == before, "an outage repaints nothing"
    assert [write.method for write in gateway.writes()] == ["PUT"], "and the gateway gets what is new"
    consul.start()
    for instance in instances:
        consul.api.set_status(instance, "passing")  # an agent that restarts takes all for critical until it is told
    until(lambda: condition(kube, "default", "new", "Ready")[:2] == ("True", "Ready"), timeout=60)
    _told_as_back(operator)
    assert condition(kube, "default", "web", "Ready")[:2] == ("True", "Ready")
    for instance in instances:
        consul.api.deregister(instance)
