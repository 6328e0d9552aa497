"""Replicas of the operator on one stack, as the manifests run them."""

from collections.abc import Callable

from devstack.handles.answers import accepted, at
from devstack.handles.kube import Kube
from devstack.product import Operator
from devstack.waiting import until

LEASE = 15.0
"""Seconds: the default."""

Replica = Callable[..., Operator]

_LEASES = "/apis/coordination.k8s.io/v1/namespaces/echoroute-system/leases"


def replica(start: Callable[..., Operator]) -> Replica:
    """Starts one by its pod's name."""

    def started(pod: str, **settings: str) -> Operator:
        elected = {"ECHOROUTE_LEADER_ELECTION": "true", "POD_NAME": pod, "POD_NAMESPACE": "echoroute-system"}
        return start(**{**elected, "ECHOROUTE_DRIFT_INTERVAL": "30s", **settings})

    return started


def leads(operator: Operator) -> bool:
    """As its own metrics say."""
    return operator.answers() and operator.metric("echoroute_leader") == 1


def stands_by(operator: Operator) -> bool:
    """Ready, watching, and not the leader."""
    return (
        operator.ready()
        and operator.metric("echoroute_leader") == 0
        and operator.check("watch") == "[+]watch"
        and operator.check("leader").startswith("[+]leader: ")
    )


def pair(replica: Replica, **settings: str) -> tuple[Operator, Operator]:
    """A leader, and one that stands by."""
    leader = replica("first", **settings)
    until(lambda: leads(leader))
    other = replica("second")
    until(lambda: stands_by(other))
    return leader, other


def holder(kube: Kube) -> str:
    """The pod that the Lease names; empty where nobody has it."""
    items = at(accepted(kube.http.get(_LEASES)).json(), "items")
    assert isinstance(items, list)
    [lease] = items
    return str(at(lease, "spec", "holderIdentity") or "").partition("_")[0]


def forget_lease(kube: Kube) -> None:
    """Between two tests: the last holder of one need not be waited for in the next."""
    accepted(kube.http.delete(_LEASES))
