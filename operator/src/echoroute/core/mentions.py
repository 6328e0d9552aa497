"""The backends of a spec as a status tells them: each once, in the order in which they are first mentioned."""

from collections.abc import Iterator
from dataclasses import dataclass

from echoroute.api.backends import Backend
from echoroute.api.selection import Selection
from echoroute.api.spec import EchoRouteSpec
from echoroute.core.objects import JsonObject

_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Mention:
    """A backend, wherever it stands: several mentions of the same one are one."""

    selection: Selection
    weight: int = 1
    """Of the first mention."""
    serves: bool = True
    """Whether it gets requests: one of weight 0 is nothing in the gateway, and is counted all the same."""
    place: str = "spec.backends[0]"
    """Where it is mentioned first."""


def mentions(spec: EchoRouteSpec) -> tuple[Mention, ...]:
    """The backends, those of `backends` before those of canaries."""
    found: dict[Selection, list[tuple[str, int]]] = {}
    for place, backend in _placed(spec):
        found.setdefault(backend.selection, []).append((place, backend.share))
    return tuple(
        Mention(which, given[0][1], serves=any(share for _, share in given), place=given[0][0])
        for which, given in found.items()
    )


def _placed(spec: EchoRouteSpec) -> Iterator[tuple[str, Backend]]:
    for index, backend in enumerate(spec.backends):
        yield f"spec.backends[{index}]", backend
    for number, rule in enumerate(spec.canary or ()):
        for index, backend in enumerate(rule.backends):
            yield f"spec.canary[{number}].backends[{index}]", backend


def as_json(which: Selection) -> JsonObject:
    """A backend as a spec has it, without its weight."""
    subset: JsonObject = {}
    if which.tags:
        subset["tags"] = [*sorted(which.tags)]
    if which.meta:
        subset["meta"] = dict(sorted(which.meta))
    if which.service.datacenter:
        subset["datacenter"] = which.service.datacenter
    found: JsonObject = {"service": which.service.name, "resolve": which.resolver.value}
    return {**found, "subset": subset} if subset else found


def services(spec: EchoRouteSpec) -> str:
    """The text of a printer column: `echo`, or `echo 90 %, echo version:2 10 %; canary echo version:3`."""
    serving = [backend for backend in spec.backends if backend.share > 0]
    total = sum(backend.share for backend in serving)
    parts = [
        f"{_name(backend)} {100 * backend.share / total:.3g} %" if len(serving) > 1 else _name(backend)
        for backend in serving
    ]
    own = {backend.selection for backend in serving}
    others = dict.fromkeys(
        _name(backend)
        for rule in spec.canary or ()
        for backend in rule.backends
        if backend.share > 0 and backend.selection not in own
    )
    text = ", ".join(parts) + (f"; canary {', '.join(others)}" if others else "")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _name(backend: Backend) -> str:
    which = backend.selection
    pairs = (f"{name}={value}" for name, value in sorted(which.meta))
    return " ".join(filter(None, (which.service.name, *sorted(which.tags), *pairs, which.service.datacenter)))
