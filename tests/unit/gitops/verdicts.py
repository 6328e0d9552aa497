"""What delivery tools make of each status: the one table for Argo CD's health check and for Flux's kstatus."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from echoroute.api.status import pending_status
from echoroute.core.conditions import fold
from echoroute.core.status import Previous

from ..core.situations.facts import FINE, NOW
from ..core.situations.refused import REFUSED
from ..core.situations.table import SITUATIONS

Kstatus = Literal["Current", "InProgress", "Failed"]

HEALTH: Mapping[Kstatus, str] = {"Current": "Healthy", "InProgress": "Progressing", "Failed": "Degraded"}
"""Argo CD's word for each of kstatus'."""

GENERATION = FINE.generation


@dataclass(frozen=True)
class Verdict:
    kstatus: Kstatus
    why: str


BY_READY: Mapping[str, Verdict] = {
    "True/Ready": Verdict("Current", "it serves"),
    "True/Disabled": Verdict("Current", "switched off is what was asked for: nothing is left to wait for"),
    "False/NoHealthyInstances": Verdict("InProgress", "pods may become healthy without a change of this object"),
    "False/ServiceNotFound": Verdict(
        "InProgress", "route and pods are often delivered together: these may yet register"
    ),
    "False/UnusableInstances": Verdict(
        "InProgress", "an instance may be registered anew without a change of this object"
    ),
    "Unknown/ConsulAccessDenied": Verdict("InProgress", "a matter of the operator's token, not of this object"),
    "Unknown/ConsulUnreachable": Verdict(
        "InProgress", "it is not known whether anybody answers, and will be by itself"
    ),
    "False/ConsulNotConfigured": Verdict(
        "Failed", "a backend that only the operator resolves: it asks for a change of the spec or of the operator"
    ),
    "False/ConsulUnreachable": Verdict("InProgress", "the route waits for its nodes, and goes on by itself"),
    "False/RefsNotResolved": Verdict("InProgress", "Consul's first answer is on its way"),
    "False/DatacenterNotFound": Verdict("InProgress", "its servers may be away for now"),
    "False/ConsulAccessDenied": Verdict("InProgress", "a matter of the operator's token, not of this object"),
    "False/Pending": Verdict("InProgress", "the gateway has not confirmed yet"),
    "False/GatewayUnreachable": Verdict("InProgress", "the operator tries again by itself"),
    "False/GatewayUnauthorized": Verdict("InProgress", "a matter of the operator's key, not of this object"),
    "False/GatewayRejected": Verdict("Failed", "only a change of the spec helps: waiting would be in vain"),
    "False/ForeignObject": Verdict("Failed", "a person has to decide whose route it is"),
    "False/Invalid": Verdict("Failed", "only a change of the spec helps"),
    "False/ForbiddenAddress": Verdict("Failed", "only a change in Consul, or of the platform's setting, helps"),
    "False/NotAllowed": Verdict("Failed", "only a change of the spec or the policy helps"),
    "False/Conflicted": Verdict("Failed", "only a change of this or of the other EchoRoute helps"),
}
"""By status and reason of `Ready`."""

JUST_CONFLICTED = Verdict("InProgress", "for 30 s: perhaps a rename, and the other one is about to go")


def _object(status: Mapping[str, object] | None, generation: int = GENERATION) -> dict[str, object]:
    manifest: dict[str, object] = {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "metadata": {"name": "cart", "namespace": "shop", "generation": generation},
    }
    return manifest if status is None else {**manifest, "status": status}


@dataclass(frozen=True)
class Row:
    """An EchoRoute as the API serves it, and what is to be said of it; `ready` is empty where no operator spoke."""

    situation: str
    manifest: dict[str, object]
    ready: str
    verdict: Verdict


def _folded() -> tuple[Row, ...]:
    rows = []
    for case in SITUATIONS:
        outcome = fold(case.facts, case.previous or Previous(), now=NOW)
        ready = "/".join(outcome.ready)
        just = ready == "False/Conflicted" and case.progress == "Reconciling"
        rows.append(Row(case.why, _object(outcome.status), ready, JUST_CONFLICTED if just else BY_READY[ready]))
    return tuple(rows)


_FINE_STATUS = fold(FINE, Previous(), now=NOW).status

ROWS = (
    *_folded(),
    Row(
        "the CRD's default status",
        _object(pending_status()),
        "",
        Verdict("InProgress", "no operator has seen it: not green, though nothing says Reconciling"),
    ),
    Row(
        "observedGeneration behind",
        _object(_FINE_STATUS, generation=GENERATION + 1),
        "",
        Verdict("InProgress", "what it says is true of the spec before"),
    ),
    Row(
        "a refusal of the spec before",
        _object(
            fold(next(case for case in REFUSED if case.ready == "False/Invalid").facts, Previous(), now=NOW).status,
            generation=GENERATION + 1,
        ),
        "",
        Verdict("InProgress", "the change that it waited for has come"),
    ),
)

MISSING_STATUS = _object(None)
"""Never seen while the CRD is ours, whose default status fills the gap: kstatus would take it for Current."""
