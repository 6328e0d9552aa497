"""How many instances of a service take traffic, read from an answer of Consul's health API."""

from dataclasses import dataclass

from pydantic import JsonValue

from echoroute.errors import ConsulError

# Where an instance listens: address and port.
Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """How many of the instances of a service are healthy, as the gateway's own Consul discovery counts them."""

    healthy: int
    total: int


def service_health(answer: JsonValue) -> ServiceHealth:
    """Count the instances in an answer of `/v1/health/service/<name>`; raises `ConsulError` if it is none.

    An instance is healthy when all of its checks, those of its node too, are passing, or it has none: a *warning* one
    is not. Its address is the service's, else the node's; instances with the same address and port count once.

    https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service
    """
    if not isinstance(answer, list):
        raise ConsulError("the health of a service is no list")
    everywhere: set[Endpoint] = set()
    healthy: set[Endpoint] = set()
    for entry in answer:
        endpoint = _endpoint(entry)
        everywhere.add(endpoint)
        if _is_passing(entry):
            healthy.add(endpoint)
    return ServiceHealth(len(healthy), len(everywhere))


def _endpoint(entry: JsonValue) -> Endpoint:
    match entry:
        case {"Service": {"Address": str(address), "Port": int(port)}} if address:
            return address, port
        case {"Service": {"Port": int(port)}, "Node": {"Address": str(address)}}:
            return address, port
    raise ConsulError("an instance of a service has no address and port")


def _is_passing(entry: JsonValue) -> bool:
    match entry:
        case {"Checks": [*checks]}:
            return all(isinstance(check, dict) and check.get("Status") == "passing" for check in checks)
        case {"Checks": None}:  # Go's empty list
            return True
    raise ConsulError("an instance of a service has no checks")
