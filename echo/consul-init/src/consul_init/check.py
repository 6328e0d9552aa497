"""`consul-init check`: what would be registered, whether Consul agrees, and what its check says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from consul_init.agent import Agent
from consul_init.durations import format_duration
from consul_init.errors import ConsulError
from consul_init.hints import hint_for
from consul_init.registration import FoundInstance, Registration
from consul_init.settings import Settings

AGREES, DIFFERS, UNKNOWN, FAILING = 0, 1, 2, 3


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was found. `problem` says why it cannot be known, where it cannot."""

    registration: Registration
    consul: str
    found: FoundInstance | None = None
    differences: list[str] = field(default_factory=list)
    problem: str | None = None

    @property
    def exit_code(self) -> int:
        """0: it agrees, and passes; 1: it differs or is not there; 2: cannot be known; 3: agrees, and does not pass."""
        if self.problem is not None:
            return UNKNOWN
        if self.found is None or self.differences:
            return DIFFERS
        return AGREES if self.found.status == "passing" else FAILING

    def lines(self) -> Iterator[str]:
        """For a person."""
        ours, found = self.registration, self.found
        yield f"id       {ours.id}"
        yield f"service  {ours.name}"
        yield f"address  {ours.address} port {ours.port} ({ours.address_reason})"
        yield f"tags     {', '.join(ours.tags) or '-'}"
        yield f"meta     {', '.join(f'{key}={value}' for key, value in sorted(ours.meta.items())) or '-'}"
        yield f"check    {ours.check_name}"
        yield f"         removed by Consul after {format_duration(ours.deregister_after)} critical"
        yield f"consul   {self.consul}"
        if self.problem is not None:
            yield f"cannot be known: {self.problem}"
        elif found is None:
            yield "differs: not registered with this agent"
        elif self.differences:
            yield from (f"differs: {each}" for each in self.differences)
        else:
            yield f"agrees: registered with the agent of node {found.node}, health {found.status}"
        if found is not None and found.status != "passing":
            yield f"gets no traffic: {found.output or 'no answer yet'}{hint_for(found.output)}"

    def document(self) -> str:
        """As JSON, for programs."""
        ours, found = self.registration, self.found
        document = {
            "exit_code": self.exit_code,
            "id": ours.id,
            "service": ours.name,
            "address": ours.address,
            "port": ours.port,
            "address_reason": ours.address_reason,
            "tags": list(ours.tags),
            "meta": dict(ours.meta),
            "weights": {"passing": ours.weights[0], "warning": ours.weights[1]},
            "check": ours.check_name,
            "consul": self.consul,
            "problem": self.problem,
            "registered": None if self.problem is not None else found is not None,
            "differences": self.differences,
            "node": None if found is None else found.node,
            "health": None if found is None else found.status,
            "output": None if found is None else found.output,
        }
        return json.dumps(document, indent=2)


def check(settings: Settings) -> Report:
    """Raises SettingsError."""
    registration, consul = Registration.from_settings(settings), str(settings.consul.address)
    try:
        found = Agent(settings.consul).find(registration)
    except ConsulError as error:
        return Report(registration=registration, consul=consul, problem=str(error))
    differences = [] if found is None else registration.differences(found)
    return Report(registration=registration, consul=consul, found=found, differences=differences)
