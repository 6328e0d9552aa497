"""`consul-init check`: what would be registered, and whether Consul agrees."""

from collections.abc import Iterator

from consul_init.agent import Agent
from consul_init.durations import format_duration
from consul_init.errors import ConsulError
from consul_init.registration import Registration
from consul_init.settings import Settings

AGREES, DIFFERS, UNKNOWN = 0, 1, 2


def check(settings: Settings) -> tuple[int, list[str]]:
    """Exit code (0 agrees, 1 differs or is not there, 2 cannot be known) and lines for a person.

    Raises SettingsError.
    """
    registration = Registration.from_settings(settings)
    lines = list(_describe(registration))
    lines.append(f"consul   {settings.consul.address}")
    try:
        found = Agent(settings.consul).find(registration)
    except ConsulError as error:
        return UNKNOWN, [*lines, f"cannot be known: {error}"]
    if found is None:
        return DIFFERS, [*lines, "differs: not registered with this agent"]
    differences = registration.differences(found)
    if differences:
        return DIFFERS, [*lines, *(f"differs: {each}" for each in differences)]
    return AGREES, [*lines, f"agrees: registered with the agent of node {found.node}, health {found.status}"]


def _describe(registration: Registration) -> Iterator[str]:
    yield f"id       {registration.id}"
    yield f"service  {registration.name}"
    yield f"address  {registration.address} port {registration.port} ({registration.address_reason})"
    yield f"tags     {', '.join(registration.tags) or '-'}"
    yield f"meta     {', '.join(f'{key}={value}' for key, value in sorted(registration.meta.items())) or '-'}"
    yield f"check    {registration.check_name}"
    yield f"         removed by Consul after {format_duration(registration.deregister_after)} critical"
