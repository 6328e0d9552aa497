"""The gateway refuses the key, is away, hangs or fails: told once, waited for, nothing deleted, mended by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from devstack.echoroutes import condition, create, delete, path_of, programmed, route
from devstack.handles.gateway import Fault
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

Start = Callable[..., Operator]
Action = Callable[[Stack], None]

_ROTATED = "the-rotated-key-of-the-gateway"


def _told_as_away(operator: Operator, reason: str) -> None:
    """In `/readyz?verbose`, in a metric and in one line of the log; an outage of the gateway restarts nothing."""
    until(lambda: operator.check("gateway").startswith(f"[-]gateway: {reason}: "))
    assert operator.ready()
    assert operator.metric("echoroute_gateway_up") == 0
    assert len(_outage_lines(operator)) == 1, operator.said("ERROR")
    assert "Traceback" not in operator.process.output()


def _told_as_back(operator: Operator) -> None:
    until(lambda: operator.check("gateway") == "[+]gateway")
    assert operator.metric("echoroute_gateway_up") == 1
    assert len([line for line in operator.said("WARNING") if "the gateway answers again" in line]) == 1
    assert len(_outage_lines(operator)) == 1, operator.said("ERROR")


def _outage_lines(operator: Operator) -> list[str]:
    return [line for line in operator.said("ERROR") if "takes no writes" in line]


def test_a_wrong_key_at_the_start_and_the_right_one_later_in_the_file(
    breakable_stack: Stack, start: Start, tmp_path: Path
) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    file = tmp_path / "key"
    file.write_text("not-the-key-of-this-gateway")
    create(kube, [route(f"r{number}", "default", f"/r{number}") for number in range(20)])
    gateway.reset_stats()
    operator = start(ECHOROUTE_APISIX_ADMIN_KEY_FILE=str(file))
    until(lambda: condition(kube, "default", "r0", "Programmed").reason == "GatewayUnauthorized")
    _told_as_away(operator, "GatewayUnauthorized")
    assert condition(kube, "default", "r0", "Reconciling").status == "True"
    assert gateway.stats().writes == 0, "one probe finds out, not a try for each route"
    file.write_text(breakable_stack.gateway.admin_key_file.read_text())
    until(lambda: len(programmed(gateway, "default")) == 20)
    until(lambda: condition(kube, "default", "r0", "Programmed").status == "True")
    _told_as_back(operator)
    assert gateway.stats().writes == 20


def _refuse_key(stack: Stack) -> None:
    stack.gateway.api.add_fault(Fault(action="admin_key", key=_ROTATED))


def _answer(status: int) -> Action:
    return lambda stack: stack.gateway.api.add_fault(Fault(action="status", status=status, message="on purpose"))


class Outage(NamedTuple):
    """One way to be away: how it begins and ends, and the reason that conditions give."""

    why: str
    fail: Action
    mend: Action
    reason: str = "GatewayUnreachable"


def _well(stack: Stack) -> None:
    stack.gateway.api.clear_faults()


_OUTAGES = [
    Outage("its process is gone", lambda stack: stack.gateway.kill(), lambda stack: stack.gateway.start()),
    Outage(
        "it hangs: connections stay open", lambda stack: stack.gateway.pause(), lambda stack: stack.gateway.resume()
    ),
    Outage("its etcd is away", _answer(503), _well),
    Outage("something else answers at its address", _answer(404), _well),
    Outage("it has another key now", _refuse_key, _well, "GatewayUnauthorized"),
]


@pytest.mark.parametrize("outage", _OUTAGES, ids=[outage.why for outage in _OUTAGES])
def test_an_outage_while_it_runs(breakable_stack: Stack, start: Start, outage: Outage) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route(name, "default", f"/{name}") for name in ("stays", "goes")])
    operator = start()
    until(lambda: condition(kube, "default", "stays", "Programmed").status == "True")
    until(lambda: operator.check("watch") == "[+]watch")
    before = kube.read(path_of("default", "stays"))
    gateway.reset_stats()

    outage.fail(breakable_stack)
    create(kube, [route("new", "default", "/new")])
    delete(kube, "default", "goes")
    until(lambda: condition(kube, "default", "new", "Programmed").reason == outage.reason)
    _told_as_away(operator, outage.reason)
    assert kube.read(path_of("default", "stays")) == before, "what is programmed is not repainted"

    outage.mend(breakable_stack)
    until(lambda: condition(kube, "default", "new", "Programmed").status == "True")
    until(lambda: sorted(str(one["uri"]) for one in programmed(gateway, "default")) == ["/new", "/stays"])
    _told_as_back(operator)
    assert kube.read(path_of("default", "stays")) == before
    touched = {str(write.id).rpartition(".")[2] for write in gateway.writes()}
    assert "stays" not in touched, "what is programmed is neither deleted nor written again"


def test_away_at_the_start(breakable_stack: Stack, start: Start) -> None:
    """Changes are followed meanwhile, and the operator is ready: a rollout of it must not wait for the gateway."""
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    breakable_stack.gateway.kill()
    create(kube, [route("early", "default", "/early")])
    operator = start()
    until(lambda: condition(kube, "default", "early", "Programmed").reason == "GatewayUnreachable")
    _told_as_away(operator, "GatewayUnreachable")
    until(lambda: operator.check("watch") == "[+]watch")
    create(kube, [route("late", "default", "/late")])
    until(lambda: condition(kube, "default", "late", "Programmed").reason == "GatewayUnreachable")
    breakable_stack.gateway.start()
    until(lambda: len(programmed(gateway, "default")) == 2)
    until(lambda: condition(kube, "default", "late", "Programmed").status == "True")
    _told_as_back(operator)
