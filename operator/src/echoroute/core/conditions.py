"""The status of an EchoRoute as a fold over facts and the status before.

Four functions, each for one condition: `Accepted` follows the spec, policy and conflicts; `ResolvedRefs` Consul;
`Programmed` the gateway; `Ready` is the first of these that is not True in the order Accepted, Programmed,
ResolvedRefs, instances, and takes over its reason. `Reconciling` and `Stalled` are present only while true, which is
what kstatus reads (https://github.com/kubernetes-sigs/cli-utils, pkg/kstatus).
"""

from dataclasses import dataclass
from datetime import datetime

from echoroute.core import backend_conditions as of_backends
from echoroute.core.backend_conditions import GRACE
from echoroute.core.facts import Facts, Failed, Programmed, Refusal, Unreached
from echoroute.core.objects import JsonObject
from echoroute.core.reasons import Reason
from echoroute.core.status import Condition, Previous, moment
from echoroute.core.text import escaped
from echoroute.core.written import MESSAGE_LIMIT, STATUS, cut, in_place, rendered

STALLED = frozenset(
    {
        Reason.INVALID,
        Reason.NOT_ALLOWED,
        Reason.CONFLICTED,
        Reason.FORBIDDEN_ADDRESS,
        Reason.CONSUL_NOT_CONFIGURED,
        Reason.GATEWAY_REJECTED,
        Reason.FOREIGN_OBJECT,
    }
)
"""Reasons that only a person can mend: a change of the spec, a policy or another object."""

RECONCILING = frozenset({Reason.PENDING, Reason.GATEWAY_UNREACHABLE, Reason.GATEWAY_UNAUTHORIZED})
"""Reasons that the operator is working on."""

# Ready has the whole message, for Events and for Argo CD, as has the condition that it follows from. A third copy would
# only be in the way of who reads `kubectl describe`; kstatus takes status and reason.
_IN_PROGRESS = "in progress; the message of Ready says what it waits for"
_TO_BE_MENDED = "it waits for a person; the message of Ready says what to mend"

_TRIED_AGAIN = "; tried again within 30 minutes and when the gateway comes back"

_NOT_LISTED_YET = "this generation is not in the gateway; whether an earlier one is, is not known yet"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The status to be; status and reason of its Ready condition; in how many seconds time alone can change it."""

    status: JsonObject
    ready: tuple[str, str]
    recheck_after: float | None


def fold(facts: Facts, previous: Previous, *, now: datetime) -> Outcome:
    """The whole status that follows from `facts`, given the status before."""
    # What Consul said for another generation may be about another service.
    same = previous if previous.generation == facts.generation else Previous()
    accepted = _accepted(facts)
    resolved = _resolved_refs(facts, same)
    programmed = _programmed(facts, same)
    ready = _ready(accepted, programmed, resolved, _instances(facts, same))
    conditions: dict[str, Condition] = {
        "Accepted": accepted,
        "ResolvedRefs": resolved,
        "Programmed": programmed,
        "Ready": ready,
    }
    settling = _settles_in(accepted, previous, now)
    waits = facts.refusal is None and programmed.reason is Reason.REFS_NOT_RESOLVED
    if ready.reason in RECONCILING or settling > 0 or waits:
        conditions["Reconciling"] = Condition(True, ready.reason, _IN_PROGRESS)
    elif ready.reason in STALLED:
        conditions["Stalled"] = Condition(True, ready.reason, _TO_BE_MENDED)
    status: JsonObject = {
        "observedGeneration": facts.generation,
        "conditions": in_place(
            {t: rendered(t, c, facts.generation, previous, now) for t, c in conditions.items()}, previous
        ),
        "routeId": facts.route_id,
    }
    generation = _programmed_generation(facts, previous)
    if generation is not None:
        status["programmedGeneration"] = generation
    if facts.refusal is None:
        status |= of_backends.counts(facts.backends, same)
    if facts.services:
        status["services"] = facts.services
    recheck = settling if settling > 0 else None
    if recheck is None and facts.refusal is None:
        recheck = of_backends.recheck_after(facts.backends, same)
    return Outcome(status, (STATUS[ready.status], ready.reason.value), recheck)


def _settles_in(accepted: Condition, previous: Previous, now: datetime) -> float:
    """For how many seconds a lost conflict is still in progress: a rename by create-then-delete loses for a moment."""
    if accepted.reason is not Reason.CONFLICTED:
        return 0.0
    before = previous.transitions.get("Accepted")
    since = moment(before.time) if before and before.status == STATUS[False] else None
    return GRACE if since is None else GRACE - (now - since).total_seconds()


def _accepted(facts: Facts) -> Condition:
    if facts.refusal is not None and not facts.refusal.accepts:
        return Condition(False, facts.refusal.reason, facts.refusal.message)
    return Condition(True, Reason.ACCEPTED, "; ".join(filter(None, ("the spec is valid and allowed", facts.note))))


def _resolved_refs(facts: Facts, previous: Previous) -> Condition:
    if facts.refusal is not None:
        return _of_refused(facts.refusal)
    return of_backends.resolved_refs(facts.backends, previous)


def _of_refused(refusal: Refusal) -> Condition:
    """ResolvedRefs where a route is refused."""
    if refusal.accepts:
        return Condition(False, refusal.reason, refusal.message)
    return Condition(None, Reason.NOT_ACCEPTED, "not checked while the spec is not accepted")


def _programmed(facts: Facts, previous: Previous) -> Condition:
    gateway = facts.gateway
    before = previous.conditions.get("Programmed")
    if isinstance(gateway, Unreached) and before is not None and _still_true(facts, previous, before):
        return before
    if facts.refusal is not None:
        reason = Reason.REFS_NOT_RESOLVED if facts.refusal.accepts else Reason.NOT_ACCEPTED
        said = before.message if before and before.reason is reason else _NOT_LISTED_YET
        return Condition(False, reason, said if facts.in_gateway is None else _what_serves_a_refused(facts))
    match gateway:
        case Programmed():
            return Condition(True, Reason.PROGRAMMED, f"the gateway has confirmed route {facts.route_id}")
        case Failed() | Unreached():
            if before and before.reason is gateway.reason in RECONCILING:
                # An outage's text changes from try to try; a patch for each would be noise.
                return before
            return Condition(False, gateway.reason, _told(gateway))
        case _:
            return Condition(False, Reason.PENDING, "waiting for the gateway to confirm this generation")


def _told(gateway: Failed | Unreached) -> str:
    if gateway.reason is not Reason.GATEWAY_REJECTED:
        return gateway.message
    # Whole, however much the gateway has to say; and without a time, so that a try in vain costs no patch.
    return f"{cut(escaped(gateway.message), MESSAGE_LIMIT - len(_TRIED_AGAIN))}{_TRIED_AGAIN}"


def _still_true(facts: Facts, previous: Previous, before: Condition) -> bool:
    """Whether what was said of this generation before the gateway went away need not be unsaid."""
    if facts.refusal is not None:
        return before.reason in {Reason.NOT_ACCEPTED, Reason.REFS_NOT_RESOLVED}
    return before.status is True and previous.programmed_generation == facts.generation


def _what_serves_a_refused(facts: Facts) -> str:
    if not facts.in_gateway:
        return "nothing serves: the gateway holds nothing of this EchoRoute"
    if facts.refusal is not None and facts.refusal.keeps:
        return "the last good generation stays in the gateway"
    match facts.gateway:
        case Failed(message=message) | Unreached(message=message):
            return f"to be withdrawn from the gateway: {message}"
        case _:
            return "being withdrawn from the gateway"


def _instances(facts: Facts, previous: Previous) -> Condition:
    """Whether somebody can answer: not a condition of its own, the last link of `Ready`."""
    if not facts.enabled:
        return Condition(True, Reason.DISABLED, "in the gateway and switched off, as spec.enabled asks")
    return of_backends.instances(facts.backends, previous)


def _ready(accepted: Condition, programmed: Condition, resolved: Condition, instances: Condition) -> Condition:
    for link in (accepted, _with_its_reason(programmed, resolved), resolved):
        if link.status is False or (link.status is None and link.reason is not Reason.CONSUL_NOT_CONFIGURED):
            return link
    return instances


def _with_its_reason(programmed: Condition, resolved: Condition) -> Condition:
    """What is not programmed for want of a reference says there why it is wanting, as far as that is known."""
    told = resolved.status is not True and resolved.reason is not Reason.CONSUL_NOT_CONFIGURED
    if programmed.reason is Reason.REFS_NOT_RESOLVED and (told or resolved.status is False):
        return Condition(False, resolved.reason, resolved.message)
    return programmed


def _programmed_generation(facts: Facts, previous: Previous) -> int | None:
    done = isinstance(facts.gateway, Programmed)
    if facts.refusal is None and done:
        return facts.generation
    if facts.refusal is not None and facts.in_gateway is False:
        return None
    return previous.programmed_generation
