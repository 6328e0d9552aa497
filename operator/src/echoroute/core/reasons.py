"""The reasons of conditions: one CamelCase word each, part of the API (`kubectl get er` shows them).

Each says what it means and what to do about it; docs/reference/reasons.md is generated from that.
"""

from enum import StrEnum
from typing import Self


def _reason(word: str, seen_as: str, meaning: str, remedy: str) -> tuple[str, str, str, str]:
    return word, seen_as, meaning, remedy


class Reason(StrEnum):
    """Why a condition is as it is: the word, where it is seen, what it means, what to do."""

    _value_: str
    seen_as: str
    meaning: str
    remedy: str

    def __new__(cls, word: str, seen_as: str, meaning: str, remedy: str) -> Self:
        """One constant below, as it is written there."""
        reason = str.__new__(cls, word)
        reason._value_, reason.seen_as, reason.meaning, reason.remedy = word, seen_as, meaning, remedy
        return reason

    ACCEPTED = _reason(
        "Accepted",
        "Accepted=True",
        "The spec is valid and allowed. The message may name an EchoRoute with an equal path and priority: where the "
        "conditions of both hold, either may answer.",
        "Nothing, or set `spec.match.priority`.",
    )
    INVALID = _reason(
        "Invalid",
        "Accepted=False, Stalled",
        "The spec breaks a rule that the API server did not check, or it is older than the rule. The last good "
        "generation goes on serving. If its gateway object is gone, nothing restores it.",
        "Correct the field that the message names.",
    )
    NOT_ALLOWED = _reason(
        "NotAllowed",
        "Accepted=False, Stalled",
        "A plugin or a field of a plugin is not open to teams, or a value refers to the gateway's environment or "
        "secrets. The route is withdrawn.",
        "Leave it out, or have the platform team open the plugin with `ECHOROUTE_ALLOW_PLUGINS`. References are never "
        "allowed.",
    )
    CONFLICTED = _reason(
        "Conflicted",
        "Accepted=False; Reconciling for 30 s, then Stalled",
        "Another EchoRoute serves the same host and path, or is older where none serves. In another namespace the rest "
        "of `match` makes no difference. In the same namespace only routes with the same priority and conditions, and "
        "a method in common, conflict. The last good generation, if there is one, goes on serving.",
        "Change host or path, or delete the other EchoRoute. This one is then programmed at once.",
    )
    NOT_ACCEPTED = _reason(
        "NotAccepted",
        "ResolvedRefs=Unknown, Programmed=False",
        "This follows from Accepted=False. The message of Programmed says what serves: the last good generation, or "
        "nothing.",
        "See the reason of Accepted.",
    )

    RESOLVED_REFS = _reason(
        "ResolvedRefs",
        "ResolvedRefs=True",
        "Consul knows the service.",
        "Nothing.",
    )
    SERVICE_NOT_FOUND = _reason(
        "ServiceNotFound",
        "ResolvedRefs=False",
        "Consul knows no instance of the service, and none was seen within 30 s. Or the gateway does not discover it: "
        "letter case counts, and it leaves out the service `consul`. The gateway has the route and answers 503.",
        "Compare the backend that the message names with Consul's catalog; the message has the right spelling. Check "
        "that the pods run and register.",
    )
    FORBIDDEN_ADDRESS = _reason(
        "ForbiddenAddress",
        "ResolvedRefs=False, Stalled",
        "An instance of the service is registered at an address in `ECHOROUTE_FORBIDDEN_ADDRESSES`, such as loopback, "
        "where a tenant would reach the gateway's own neighbours. The route is withdrawn.",
        "Register the instance elsewhere. The route is back as soon as the old instance is gone from Consul.",
    )
    CONSUL_NOT_CONFIGURED = _reason(
        "ConsulNotConfigured",
        "ResolvedRefs=Unknown; False, Stalled where the operator resolves",
        "The operator was given no Consul. This does not count against Ready. But it cannot resolve a backend then: "
        "the last good generation goes on serving.",
        "Set `CONSUL_HTTP_ADDR` if statuses are to show instances, or a backend has `subset` or `resolve: Operator`.",
    )
    CONSUL_UNREACHABLE = _reason(
        "ConsulUnreachable",
        "ResolvedRefs=Unknown",
        "Consul has not answered on this service since the route was made. Routes known before keep their statuses. "
        "A new route with a backend that the operator resolves waits for the answer: Ready=False, Reconciling.",
        "See `echoroute_consul_up` and the log for the address, TLS and the token.",
    )
    DATACENTER_NOT_FOUND = _reason(
        "DatacenterNotFound",
        "ResolvedRefs=False",
        "Consul cannot reach the datacenter of a subset: it knows none of this name, or none of its servers answers. "
        "Nodes that were known before stay; a new route waits.",
        "Compare `subset.datacenter` with `consul catalog datacenters`, and look at the WAN federation.",
    )
    CONSUL_ACCESS_DENIED = _reason(
        "ConsulAccessDenied",
        "ResolvedRefs=Unknown",
        "The operator's Consul token may not read this service or its nodes. Routes known before keep their statuses.",
        "Grant the token of `CONSUL_HTTP_TOKEN` `service:read` and `node:read`.",
    )

    PROGRAMMED = _reason(
        "Programmed",
        "Programmed=True",
        "The gateway has confirmed this generation.",
        "Nothing.",
    )
    PENDING = _reason(
        "Pending",
        "all Unknown; or Programmed=False, Reconciling",
        "No operator has seen the object yet, or the write waits for its turn.",
        "Wait. If it stays, check that an operator runs, that it serves this `gatewayClass` and this namespace, and "
        "that `echoroute_queue_depth` goes down.",
    )
    REFS_NOT_RESOLVED = _reason(
        "RefsNotResolved",
        "Programmed=False",
        "The route refers to something that may not be used. Or the instances of a backend that the operator resolves "
        "are not known yet; then the last good generation goes on serving.",
        "See the reason of ResolvedRefs.",
    )
    GATEWAY_UNREACHABLE = _reason(
        "GatewayUnreachable",
        "Programmed=False, Reconciling",
        "The Admin API does not answer, or answers 404 for itself, 408, 409, 429 or 5xx. What was written before "
        "goes on serving, unless the message says that the gateway has lost it.",
        "Check `ECHOROUTE_APISIX_ADMIN_URL`, the gateway and its etcd. The operator probes with one request and goes "
        "on by itself.",
    )
    GATEWAY_UNAUTHORIZED = _reason(
        "GatewayUnauthorized",
        "Programmed=False, Reconciling",
        "The Admin API refuses the key (401, 403).",
        "Put the right key into `ECHOROUTE_APISIX_ADMIN_KEY_FILE`, without a restart, or add the operator's address to "
        "APISIX's `allow_admin`.",
    )
    GATEWAY_REJECTED = _reason(
        "GatewayRejected",
        "Programmed=False, Stalled",
        "The gateway refuses this object (400, 413); the message has its words. The last good generation goes on "
        "serving.",
        "Change the spec: it is often a plugin's config or a regular expression. Or switch the plugin on in the "
        "gateway: the same spec is tried again within 30 minutes, and once when the gateway comes back.",
    )
    FOREIGN_OBJECT = _reason(
        "ForeignObject",
        "Programmed=False, Stalled",
        "A gateway object with this route's id does not carry the operator's mark. The operator leaves it alone.",
        "Find out who made it. Once it is deleted or renamed, the next round writes the route.",
    )

    READY = _reason(
        "Ready",
        "Ready=True",
        "The route is in the gateway and served.",
        "Nothing.",
    )
    DISABLED = _reason(
        "Disabled",
        "Ready=True",
        "The route is in the gateway and switched off, as `spec.enabled: false` asks.",
        "Nothing.",
    )
    NO_HEALTHY_INSTANCES = _reason(
        "NoHealthyInstances",
        "Ready=False",
        "No registered instance passes its checks, or the gateway can use none that does; the message says which and "
        "why. The gateway answers 503 or 502 at once. READY turns False after 30 s where the service was healthy "
        "before.",
        "Look at the checks in Consul, at the pods, and at how they are registered.",
    )
    UNUSABLE_INSTANCES = _reason(
        "UnusableInstances",
        "Ready=False",
        "For 30 s, some instances beside good ones have had an address or port that the gateway cannot use. It sends "
        "them their share all the same: some requests get a 502, or an answer from a stranger.",
        "Register them with an IP address and a port.",
    )


REASONS = {str(reason): reason for reason in Reason}
"""Each by its word, as a status has it."""
