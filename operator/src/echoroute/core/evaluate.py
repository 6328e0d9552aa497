"""What one EchoRoute asks for, judged on its own: what follows from its spec and from what is allowed."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from pydantic_core import from_json

from echoroute.api.parse import parse_spec
from echoroute.core.alike import normal_form
from echoroute.core.apart import demands
from echoroute.core.claims import ANY_HOST, Claim
from echoroute.core.facts import Refusal
from echoroute.core.inputs import Input
from echoroute.core.mentions import Mention, mentions, services
from echoroute.core.notes import notes
from echoroute.core.objects import Bundle, JsonObject, Key, Kind, ObjectRef
from echoroute.core.ownership import route_id
from echoroute.core.policy import Policy
from echoroute.core.reasons import Reason
from echoroute.core.seen import Entry
from echoroute.core.split import serving
from echoroute.core.translate import translate
from echoroute.errors import InvalidSpec


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The bundle that the spec asks for and what it claims, or why it is refused (then `bundle` is None)."""

    route_id: str
    refusal: Refusal | None = None
    bundle: Bundle | None = None
    claim: Claim | None = None
    backends: tuple[Mention, ...] = ()
    services: str = ""
    """The backends in short."""
    enabled: bool = True
    notes: tuple[str, ...] = ()
    """What is told beside the acceptance."""
    inputs: frozenset[Input] = frozenset()
    """What it depends on beside the spec: the backends that get requests."""


def evaluate(key: Key, entry: Entry, *, owner: str, policy: Policy) -> Evaluation:
    """Judge an EchoRoute on its own. Total: a bug that one of them meets refuses that one, and stops no other."""
    identity = route_id(owner, key)
    if entry.fault:
        return Evaluation(identity, Refusal(Reason.INVALID, entry.fault))
    try:
        return _judged(key, entry, identity, owner=owner, policy=policy)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is of this EchoRoute
        # Without the error's text: it may show values of the spec.
        problem = f"spec: the operator cannot evaluate it ({type(error).__name__}), which is a fault of the operator"
        return Evaluation(identity, Refusal(Reason.INVALID, problem))


def _judged(key: Key, entry: Entry, identity: str, *, owner: str, policy: Policy) -> Evaluation:
    try:
        parsed = parse_spec(from_json(entry.spec))
    except InvalidSpec as error:
        return Evaluation(identity, Refusal(Reason.INVALID, str(error)))
    refused = policy.refusals(parsed)
    if refused:
        return Evaluation(identity, Refusal(Reason.NOT_ALLOWED, "; ".join(map(str, refused))))
    bundle = translate(key, parsed, owner=owner)
    return Evaluation(
        identity,
        bundle=bundle,
        claim=claim(bundle.objects[ObjectRef(Kind.ROUTE, identity)], entry.created),
        backends=mentions(parsed),
        services=services(parsed),
        enabled=parsed.enabled is not False,
        notes=notes(parsed),
        inputs=frozenset(serving(parsed)),
    )


def claim(route: JsonObject, created: datetime) -> Claim | None:
    """What a Route serves, or will, for an EchoRoute that was created then; nothing where it is switched off.

    Total: one that the gateway holds may have been changed by hand.
    """
    if route.get("status") == 0:
        return None
    paths = _texts(route.get("uris")) or _texts([route.get("uri")])
    hosts = _texts(route.get("hosts")) or [ANY_HOST]
    priority = route.get("priority")
    return Claim(
        created=created,
        pairs=tuple((host, path) for host in hosts for path in paths),
        priority=priority if isinstance(priority, int) else 0,
        methods=frozenset(_texts(route.get("methods"))),
        conditions=normal_form(route),
        demands=demands(route),
    )


def _texts(value: JsonValue) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
