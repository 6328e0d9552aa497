"""What must hold once all has healed: by a second way of thinking, in kinds of specs instead of plans."""

import itertools

from echoroute.api.objects import EchoRouteObject
from echoroute.core.objects import Key, Kind

from .asked import asked_of, meet, served_by
from .gateway import named_by
from .rules import condition
from .schedules import KEYS, Schedule
from .told import key_of
from .world import ref_of

REJECTED = {"refused", "several refused"}
WAITING = {"far": "False/DatacenterNotFound"}
_NOT_FOLLOWED = {*REJECTED, *WAITING}
"""Accepted, and the gateway does not come to hold them."""
_NOT_ACCEPTED = {"denied": "False/NotAllowed", "invalid": "False/Invalid", "deep": "False/Invalid"}


def problems(schedule: Schedule) -> list[str]:
    """What is not as asked, each as a sentence."""
    if schedule.has_ended:
        return ["the operator has ended"]
    found = ((key, _problem(schedule, key) or _untrue(schedule, key)) for key in KEYS)
    told = [f"{key} ({schedule.asked.get(key)}): {problem}" for key, problem in found if problem]
    return told + _doubles(schedule) + _of_upstreams(schedule) + schedule.problems()


def _of_upstreams(schedule: Schedule) -> list[str]:
    """Routes that name an Upstream which is not there, and Upstreams that no Route names."""
    objects, is_owned = schedule.gateway.objects, schedule.gateway.is_owned
    named = {ref: named_by(stored.body) for ref, stored in objects.items() if is_owned(ref)}
    there = {ref.id: key_of(objects[ref].body) for ref in named if ref.kind is Kind.UPSTREAM}
    missing = [
        f"{ref} names {ids - there.keys()}"
        for ref, ids in named.items()
        if ids - there.keys() and not _cannot_be_mended(schedule, key_of(objects[ref].body))
    ]
    used = frozenset[str]().union(*named.values())
    # Where somebody else's object has taken the Route's place, the rest is kept for the day on which that goes.
    used |= {one for one, key in there.items() if ref_of(key) in objects and not is_owned(ref_of(key))}
    left = [
        f"no Route names {one} of {key}"
        for one, key in there.items()
        if one not in used and not (schedule.asked.get(key, "elsewhere") == "elsewhere" and schedule.may_be_held(key))
    ]
    return missing + left


def _cannot_be_mended(schedule: Schedule, key: Key) -> bool:
    """Whether what the gateway has lost of a Route is of a spec that nobody knows any more: the one of now waits.

    Or its EchoRoute is gone, and the brake holds the Route as it is.
    """
    if not (schedule.gateway.wiped or schedule.gateway.went_back):
        return False
    if key not in schedule.asked:
        return schedule.held is not None and key in schedule.held.keys
    return not condition(schedule.status(key), "Programmed").startswith("True")


def _doubles(schedule: Schedule) -> list[str]:
    """Pairs of routes that serve the same, less what is held, and what a backup of the gateway has brought back."""
    if schedule.gateway.went_back:
        return []
    served = {
        key: stored.body
        for key, kind in schedule.asked.items()
        if kind != "elsewhere"
        and (stored := schedule.gateway.objects.get(ref_of(key)))
        and schedule.gateway.is_owned(ref_of(key))
    }
    return [
        f"{one} and {other} serve {served_by(served[one]) & served_by(served[other])}"
        for one, other in itertools.combinations(served, 2)
        # What the gateway refused, or has to wait, gave its path up; what served before goes on, beside who got it.
        if meet(served[one], served[other]) and not _NOT_FOLLOWED & {schedule.asked[one], schedule.asked[other]}
    ]


def _problem(schedule: Schedule, key: Key) -> str:
    kind, ref = schedule.asked.get(key), ref_of(key)
    ours = ref in schedule.gateway.objects and schedule.gateway.is_owned(ref)
    if kind is None or kind == "elsewhere":
        return "still in the gateway" if ours and not schedule.may_be_held(key) else ""
    found = EchoRouteObject.from_raw(schedule.cluster.objects[key])
    if found.status.get("observedGeneration") != found.generation:
        return "its status is of an older spec"
    ready = condition(dict(found.status), "Ready")
    if kind == "denied" and ours:
        return "still in the gateway"
    if kind in _NOT_ACCEPTED:
        return "" if ready == _NOT_ACCEPTED[kind] else f"says {ready}"
    if ready == "False/Conflicted":
        return "" if _is_met(schedule, key) else "kept out, and nobody has it"
    return _problem_of_accepted(schedule, key, kind, ready, ours=ours)


def _problem_of_accepted(schedule: Schedule, key: Key, kind: str, ready: str, *, ours: bool) -> str:
    stored = schedule.gateway.objects.get(ref_of(key))
    if stored is not None and not ours:
        # What was rejected before is not tried, and need not hear of it.
        told = {"False/ForeignObject", "False/GatewayRejected" if kind in REJECTED else ""}
        return "" if ready in told else f"somebody else's, and says {ready}"
    if kind in REJECTED:
        return "" if ready == "False/GatewayRejected" else f"says {ready}"
    if kind in WAITING:
        return "" if ready == WAITING[kind] else f"says {ready}"
    asked = asked_of(schedule.cluster, key)
    if stored is None or asked is None or stored.body != asked.bodies[ref_of(key)]:
        return f"not in the gateway as asked, and says {ready}"
    return "" if ready.startswith("True/") else f"serves, and says {ready}"


def _is_met(schedule: Schedule, key: Key) -> bool:
    """Whether somebody else serves what a key asks for, or is accepted with it, or finds another's in its place."""
    objects, asked = schedule.gateway.objects, asked_of(schedule.cluster, key)
    bodies = asked.bodies if asked else {}
    others = [stored.body for ref, stored in objects.items() if ref not in bodies]
    for other in schedule.asked.keys() - {key}:
        if condition(schedule.status(other), "Accepted").startswith("True"):
            accepted = asked_of(schedule.cluster, other)
            others += accepted.bodies.values() if accepted else ()
    is_met = any(meet(body, one) for body in bodies.values() for one in others)
    return is_met or not all(map(schedule.gateway.is_owned, objects))


def _untrue(schedule: Schedule, key: Key) -> str:
    """Whether a status says of this generation that the gateway has it, which has not."""
    raw = schedule.cluster.objects.get(key)
    if raw is None or condition(dict(EchoRouteObject.from_raw(raw).status), "Programmed") != "True/Programmed":
        return ""
    asked, stored = asked_of(schedule.cluster, key), schedule.gateway.objects.get(ref_of(key))
    serves = stored is not None and asked is not None and stored.body == asked.bodies[ref_of(key)]
    return "" if serves else "says Programmed=True, and does not serve"
