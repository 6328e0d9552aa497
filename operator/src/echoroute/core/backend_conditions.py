"""What Consul's answers on its backends make of an EchoRoute: each backend that gets requests counts, and is named.

A tenth of the requests without an instance is a tenth of 503s. So the first backend that is not fine is told.
"""

from collections.abc import Iterable

from echoroute.core import instance_messages as messages
from echoroute.core.facts import Answered, BackendFacts, NotConfigured, Unanswered
from echoroute.core.mentions import as_json
from echoroute.core.objects import JsonObject
from echoroute.core.reasons import Reason
from echoroute.core.status import Condition, Previous

GRACE = 30.0
"""Seconds for which a service that was seen healthy may be without instances: a rolling update must not flap."""

_FINE = Condition(True, Reason.READY, "in the gateway and served")


def resolved_refs(backends: Iterable[BackendFacts], previous: Previous) -> Condition:
    """Whether Consul knows all of them."""
    found = dict.fromkeys(_resolved(backend, previous) for backend in backends if backend.serves)
    worst = next((one for status in (False, None) for one in found if one.status is status), None)
    if worst is not None:
        return worst
    return Condition(True, Reason.RESOLVED_REFS, "; ".join(one.message for one in found))


def instances(backends: Iterable[BackendFacts], previous: Previous) -> Condition:
    """Whether somebody can answer for each of them."""
    found = (_served(backend, previous) for backend in backends if backend.serves)
    return next((one for one in found if one.status is not True), _FINE)


def _resolved(backend: BackendFacts, previous: Previous) -> Condition:
    match backend.discovery:
        case NotConfigured():
            return Condition(
                None,
                Reason.CONSUL_NOT_CONFIGURED,
                "the operator has no Consul (CONSUL_HTTP_ADDR), so it cannot see instances",
            )
        case Unanswered(reason=reason):
            return _said_before("ResolvedRefs", backend, previous) or _of_unanswered(backend, reason)
        case Answered() as answer:
            return _of_answer(backend, answer, previous)


def _said_before(type_: str, backend: BackendFacts, previous: Previous) -> Condition | None:
    """What the status before says of this backend, and of no other one; None where it does not."""
    before = previous.conditions.get(type_)
    if before is None or before.status is None:
        return None
    said = messages.about(backend.selection, before.message)
    if said is not None:
        return Condition(before.status, before.reason, said)
    if type_ == "ResolvedRefs" and before.status and previous.backends and _counted(backend, previous):
        return Condition(True, Reason.RESOLVED_REFS, messages.known(backend.selection))
    return None


def _of_unanswered(backend: BackendFacts, reason: Reason) -> Condition:
    match reason:
        case Reason.CONSUL_ACCESS_DENIED:
            return Condition(None, reason, messages.access_denied(backend.selection))
        case Reason.DATACENTER_NOT_FOUND:
            return Condition(False, reason, messages.no_datacenter(backend.selection, backend.place))
        case _:
            return Condition(None, Reason.CONSUL_UNREACHABLE, messages.not_answered(backend.selection))


def _of_answer(backend: BackendFacts, answer: Answered, previous: Previous) -> Condition:
    if answer.missed:
        return Condition(False, Reason.SERVICE_NOT_FOUND, messages.missed(backend.selection, answer))
    if answer.total == 0 and not _still_known(answer, previous):
        return Condition(False, Reason.SERVICE_NOT_FOUND, messages.not_found(backend.selection, backend.place))
    return Condition(True, Reason.RESOLVED_REFS, messages.known(backend.selection, answer))


def _served(backend: BackendFacts, previous: Previous) -> Condition:
    match backend.discovery:
        case NotConfigured():
            return _FINE
        case Unanswered():
            return _known_before(backend, previous) or _FINE
        case Answered(healthy=0) as answer if not _in_grace(backend, answer, previous):
            return Condition(False, Reason.NO_HEALTHY_INSTANCES, messages.none_healthy(backend.selection, answer))
        case Answered() as answer if answer.unusable and answer.healthy and not _unusable_in_grace(answer, previous):
            return Condition(False, Reason.UNUSABLE_INSTANCES, messages.some_unusable(backend.selection, answer))
        case Answered():
            return _FINE


def _known_before(backend: BackendFacts, previous: Previous) -> Condition | None:
    """What the status before lacks, while Consul has not answered."""
    ready = _said_before("Ready", backend, previous)
    if ready is not None and ready.reason in {Reason.NO_HEALTHY_INSTANCES, Reason.UNUSABLE_INSTANCES}:
        return ready
    named = previous.backends or _said_before("ResolvedRefs", backend, previous)  # a sum alone names no backend
    if named and previous.was_healthy(as_json(backend.selection)) is False:
        return Condition(False, Reason.NO_HEALTHY_INSTANCES, messages.none_healthy(backend.selection))
    return None


def _counted(backend: BackendFacts, previous: Previous) -> bool:
    return previous.counts_of(as_json(backend.selection)) is not None


def _in_grace(backend: BackendFacts, answer: Answered, previous: Previous) -> bool:
    """Whether a service without healthy instances had some a short while ago, as far as anybody knows."""
    lack = answer.lack_of_healthy
    seen = lack.seen_before or previous.was_healthy(as_json(backend.selection)) is True
    return seen and lack.seconds < GRACE


def _unusable_in_grace(answer: Answered, previous: Previous) -> bool:
    """Whether instances that the gateway cannot use may still be about to be mended; what was said of them stays."""
    ready = previous.conditions.get("Ready")
    said = ready is not None and ready.reason is Reason.UNUSABLE_INSTANCES
    return not said and answer.unusable_for < GRACE


def _still_known(answer: Answered, previous: Previous) -> bool:
    """Whether a service without instances had some, healthy or not, a short while ago, as far as anybody knows."""
    before = previous.conditions.get("ResolvedRefs")
    known = before is not None and before.reason is Reason.RESOLVED_REFS
    lack = answer.lack_of_any
    return (lack.seen_before or known) and lack.seconds < GRACE


def recheck_after(backends: Iterable[BackendFacts], previous: Previous) -> float | None:
    """In how many seconds the first grace is over."""
    ends: list[float] = []
    for backend in backends:
        answer = backend.discovery
        if not isinstance(answer, Answered) or not backend.serves:
            continue
        if answer.healthy == 0 and _in_grace(backend, answer, previous):
            ends.append(GRACE - answer.lack_of_healthy.seconds)
        if answer.total == 0 and _still_known(answer, previous):
            ends.append(GRACE - answer.lack_of_any.seconds)
        if answer.unusable and _unusable_in_grace(answer, previous):
            ends.append(GRACE - answer.unusable_for)
    return min(ends, default=None)


def counts(backends: Iterable[BackendFacts], previous: Previous) -> JsonObject:
    """The counts of a status: `instances` is the sum, and `backends` has each where there are several.

    While one is not known, its own are those of the status before, and so is the sum.
    """
    told = [(backend, _numbers(backend, previous.counts_of(as_json(backend.selection)))) for backend in backends]
    status: JsonObject = {}
    known = [numbers for _, numbers in told if numbers is not None]
    if known and len(known) == len(told):
        status["instances"] = {name: sum(numbers[name] for numbers in known) for name in ("healthy", "total")}
    elif previous.instances is not None and any(isinstance(one.discovery, Unanswered) for one, _ in told):
        status["instances"] = previous.instances
    if len(told) > 1:
        status["backends"] = [
            {**as_json(backend.selection), "weight": backend.weight, **(numbers or {})} for backend, numbers in told
        ]
    return status


def _numbers(backend: BackendFacts, before: dict[str, int] | None) -> dict[str, int] | None:
    match backend.discovery:
        case Answered(healthy=healthy, total=total):
            return {"healthy": healthy, "total": total}
        case Unanswered():
            return before
        case NotConfigured():
            return None
