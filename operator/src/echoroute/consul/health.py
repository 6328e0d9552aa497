"""How many instances of a service take traffic, read from an answer of Consul's health API."""

from dataclasses import dataclass

from pydantic import JsonValue

from echoroute.core.addresses import Networks, is_within
from echoroute.errors import ConsulError

# Where an instance listens: address and port.
Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """How many of the instances of a service are healthy, as the gateway's own Consul discovery counts them."""

    healthy: int
    total: int
    forbidden: str = ""
    """The first instance at an address that is forbidden, as `id (address)`; empty where there is none."""


def service_health(answer: JsonValue, forbidden: Networks = ()) -> ServiceHealth:
    """Count the instances in an answer of `/v1/health/service/<name>`; raises `ConsulError` if it is none.

    An odd instance beside others is not counted, and `ConsulError` is raised where all are odd. Instances at an address
    in `forbidden` are looked for among all of them, whatever their checks say: they may pass the next moment.

    An instance is healthy when all of its checks, those of its node too, are passing, or it has none: a *warning* one
    is not. Its address is the service's, else the node's; instances with the same address and port count once.

    https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service
    """
    if not isinstance(answer, list):
        raise ConsulError("the health of a service is no list")
    everywhere: set[Endpoint] = set()
    healthy: set[Endpoint] = set()
    odd: list[ConsulError] = []
    for entry in answer:
        try:
            endpoint, passing = _endpoint(entry), _is_passing(entry)
        except ConsulError as error:
            odd.append(error)
            continue
        everywhere.add(endpoint)
        if passing:
            healthy.add(endpoint)
    if odd and not everywhere:
        raise odd[0]
    return ServiceHealth(len(healthy), len(everywhere), _first_forbidden(answer, forbidden))


def _first_forbidden(answer: list[JsonValue], forbidden: Networks) -> str:
    found = (
        f"{service.get('ID')} ({address})"
        for entry in answer
        if isinstance(entry, dict) and isinstance(service := entry.get("Service"), dict)
        if isinstance(address := service.get("Address"), str) and is_within(address, forbidden)
    )
    # The smallest, so that an unchanged set of instances says the same each time.
    return min(found, default="")


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
