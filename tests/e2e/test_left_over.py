"""Edits that the gateway rejects leave nothing behind: what no Route names goes, and what serves stays whole.

Against a real APISIX: as for the contract tests (tests/contract/README.md).
"""

import pytest
from devstack.echoroutes import condition, create, path_of, route
from devstack.handles.answers import JsonObject, JsonValue, accepted, at
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.product import Operator
from devstack.waiting import until

from ..faults.promises import MERGE

_REJECTED: JsonObject = {"uri-blocker": {"block_rules": ["("]}}
_EDITS = 3
_NEW = 5
"""Backends that each edit brings."""


def _split(*services: str) -> list[JsonValue]:
    return [{"service": service, "weight": 1} for service in services]


def _upstreams(gateway: GatewayApi, namespace: str) -> set[str]:
    found = gateway.list_all("upstreams")
    return {str(at(one, "id")) for one in found if at(one, "labels", "namespace") == namespace}


@pytest.mark.parametrize("fixed", [False, True], ids=["it stays rejected", "the next edit is taken"])
def test_rejected_edits_leave_no_upstream(
    kube: Kube, namespace: str, gateway: GatewayApi, operator: Operator, fixed: bool
) -> None:
    create(kube, [route("split", namespace, f"/{namespace}", backends=_split("a", "b", "c"))])
    until(lambda: condition(kube, namespace, "split", "Programmed").status == "True")
    before = _upstreams(gateway, namespace)
    assert len(before) == 2
    seen = set(before)
    for edit in range(_EDITS):
        services = ["a", *(f"new-{edit}-{number}" for number in range(_NEW))]
        spec: JsonObject = {"backends": _split(*services), "plugins": _REJECTED}
        accepted(kube.http.patch(path_of(namespace, "split"), headers=MERGE, json={"spec": spec}))
        until(lambda: condition(kube, namespace, "split", "Programmed").reason == "GatewayRejected")
        seen |= _upstreams(gateway, namespace)
    assert len(seen) > len(before), "the gateway was given some of the new ones"
    if fixed:
        spec = {"backends": _split("a", "b", "d"), "plugins": None}
        accepted(kube.http.patch(path_of(namespace, "split"), headers=MERGE, json={"spec": spec}))
        until(lambda: condition(kube, namespace, "split", "Programmed").status == "True")
        until(lambda: len(_upstreams(gateway, namespace)) == 2)
        assert len(_upstreams(gateway, namespace) & before) == 1, "that of b, and a new one"
    else:
        until(lambda: _upstreams(gateway, namespace) == before)
        assert condition(kube, namespace, "split", "Programmed").reason == "GatewayRejected"
