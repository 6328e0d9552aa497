"""A person has confirmed by a token that a set may go. The token is good for that set, and once."""

import re
from collections.abc import Callable

from devstack.echoroutes import create, programmed, route
from devstack.handles.answers import at
from devstack.product import Operator, install
from devstack.stack import Stack
from devstack.waiting import until

Start = Callable[..., Operator]

_SET = [route(f"r{number:02}", "default", f"/r{number:02}") for number in range(12)]
"""More than go without a person."""


def _paths(stack: Stack) -> list[str]:
    return sorted(str(at(one, "uri")) for one in programmed(stack.gateway.api, "default"))


_ALL = [f"/r{number:02}" for number in range(12)]


def _replace_crd(stack: Stack, operator: Operator) -> None:
    """All EchoRoutes go with the CRD, and nobody asked for that."""
    stack.kube.delete("crd", "echoroutes.echoroute.dev")
    until(lambda: operator.check("kubernetes").startswith("[-]kubernetes: the EchoRoute CRD is not installed"))
    install(stack)


def _held(operator: Operator) -> str:
    """The token that would release what is held now."""
    until(lambda: "ECHOROUTE_CONFIRM_DELETION=" in operator.check("deletions"), timeout=60)
    found = re.search("ECHOROUTE_CONFIRM_DELETION=([0-9a-f]+)", operator.check("deletions"))
    assert found is not None
    return found[1]


def _rounds(operator: Operator, number: int) -> None:
    before = operator.metric("echoroute_rounds_total")
    until(lambda: operator.metric("echoroute_rounds_total") >= before + number)


def test_the_token_of_a_set_that_went_releases_nothing_of_the_same_name(breakable_stack: Stack, start: Start) -> None:
    """The same EchoRoutes are applied again, and the setting is still there."""
    try:
        operator = start()
        create(breakable_stack.kube, _SET)
        until(lambda: _paths(breakable_stack) == _ALL)
        _replace_crd(breakable_stack, operator)
        operator.process.stop()
        operator = start()  # by their times the new CRD is no doubt yet, so that the number counts
        token = _held(operator)
        assert _paths(breakable_stack) == _ALL
        operator.process.stop()

        operator = start(ECHOROUTE_CONFIRM_DELETION=token)
        until(lambda: _paths(breakable_stack) == [], timeout=60)

        create(breakable_stack.kube, _SET)
        until(lambda: _paths(breakable_stack) == _ALL)
        _replace_crd(breakable_stack, operator)
        assert _held(operator) != token
        _rounds(operator, 3)
        assert _paths(breakable_stack) == _ALL
        operator.process.stop()

        operator = start(ECHOROUTE_CONFIRM_DELETION=token)
        assert _held(operator) != token
        _rounds(operator, 3)
        assert _paths(breakable_stack) == _ALL
    finally:
        install(breakable_stack)
