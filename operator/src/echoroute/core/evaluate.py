"""What one EchoRoute asks for, judged on its own: what follows from its spec and from what is allowed."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from pydantic_core import from_json

from echoroute.api.parse import parse_spec
from echoroute.api.spec import EchoRouteSpec
from echoroute.core.conflicts import ANY_HOST, Claim
from echoroute.core.facts import Refusal
from echoroute.core.objects import Bundle, JsonObject, Key
from echoroute.core.ownership import route_id
from echoroute.core.policy import Policy
from echoroute.core.reasons import Reason
from echoroute.core.seen import Entry
from echoroute.core.translate import methods, translate
from echoroute.errors import InvalidSpec


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The bundle that the spec asks for and what it claims, or why it is refused (then `bundle` is None)."""

    route_id: str
    refusal: Refusal | None = None
    bundle: Bundle | None = None
    claim: Claim | None = None
    service: str = ""
    enabled: bool = True


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
    return Evaluation(
        identity,
        bundle=translate(key, parsed, owner=owner),
        claim=_claim(parsed, entry.created),
        service=parsed.backends[0].service,
        enabled=parsed.enabled is not False,
    )


def _claim(spec: EchoRouteSpec, created: datetime) -> Claim | None:
    """What a spec claims; nothing where it is switched off."""
    if spec.enabled is False:
        return None
    hosts = list(dict.fromkeys(host.lower() for host in spec.match.hosts or ())) or [ANY_HOST]
    return Claim(
        created=created,
        pairs=tuple((host, path) for host in hosts for path in spec.match.paths),
        priority=spec.match.priority or 0,
        methods=frozenset(methods(spec)),
    )


def served_claim(body: JsonObject, created: datetime) -> Claim | None:
    """What a Route in the gateway serves for an EchoRoute that was created then; nothing where it is switched off."""
    if body.get("status") == 0:
        return None
    paths = _texts(body.get("uris")) or _texts([body.get("uri")])
    hosts = _texts(body.get("hosts")) or [ANY_HOST]
    priority = body.get("priority")
    return Claim(
        created=created,
        pairs=tuple((host, path) for host in hosts for path in paths),
        priority=priority if isinstance(priority, int) else 0,
        methods=frozenset(_texts(body.get("methods"))),
    )


def _texts(value: JsonValue) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
