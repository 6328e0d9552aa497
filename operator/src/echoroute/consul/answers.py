"""What an answer of Consul's health API says: instances. Whatever an entry lacks or has odd, the others count.

https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service
"""

from pydantic import JsonValue

from echoroute.core.instances import Instance, State
from echoroute.errors import ConsulError

_STATES = {state.value: state for state in State}
_BY_SEVERITY = tuple(State)


def instances(answer: JsonValue) -> tuple[Instance, ...]:
    """The instances in an answer, in an order of their own, so that an unchanged set is equal. Raises `ConsulError`."""
    if not isinstance(answer, list):
        raise ConsulError("the health of a service is no list")
    found = (_instance(_fields(entry)) for entry in answer)
    return tuple(sorted(found, key=lambda one: (one.address, one.port, one.id, one.node_address, one.state)))


def _instance(entry: dict[str, JsonValue]) -> Instance:
    service, node = _fields(entry.get("Service")), _fields(entry.get("Node"))
    weights = _fields(service.get("Weights"))
    tags = service.get("Tags")
    return Instance(
        id=_text(service.get("ID")),
        service=_text(service.get("Service")),
        address=_text(service.get("Address")),
        node_address=_text(node.get("Address")),
        port=_number(service.get("Port"), 0),
        state=_state(entry.get("Checks")),
        weights=(_number(weights.get("Passing"), 1), _number(weights.get("Warning"), 1)),
        tags=frozenset(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else frozenset(),
        meta=frozenset((name, _text(value)) for name, value in _fields(service.get("Meta")).items()),
    )


def _state(checks: JsonValue) -> State:
    """The worst state of the checks; without checks it is passing. An unknown state is as critical."""
    if checks is None:  # Go's empty list
        return State.PASSING
    if not isinstance(checks, list):
        return State.CRITICAL
    found = [_STATES.get(_text(_fields(check).get("Status")), State.CRITICAL) for check in checks]
    return max(found, key=_BY_SEVERITY.index, default=State.PASSING)


def _fields(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _number(value: JsonValue, otherwise: int) -> int:
    return value if type(value) is int else otherwise
