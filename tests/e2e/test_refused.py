"""What reaches beyond an EchoRoute's own route, all of it at once, at a real API server and a running operator.

The table is that of the unit tests, which run it against `echoroute render` (tests/unit/core/refused.py).
Against a real APISIX: as for the contract tests (tests/contract/README.md).
"""

from collections.abc import Callable

import httpx
from devstack.echoroutes import condition, create, path_of, programmed, route
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.product import Operator
from devstack.waiting import until

from ..unit.core.refused import REFUSED, spec_of


def _post(kube: Kube, namespace: str, number: int) -> httpx.Response:
    manifest = route(f"refused-{number}", namespace, "/")
    manifest["spec"] = spec_of(REFUSED[number], f"/{namespace}/{number}")
    return kube.http.post(path_of(namespace), params={"fieldValidation": "Strict"}, json=manifest)


def test_none_of_it_arrives_in_the_gateway(
    kube: Kube, namespace: str, gateway: GatewayApi, operator: Operator, figure: Callable[[str], None]
) -> None:
    said_before = len(operator.process.output())
    taken = []
    for number, refused in enumerate(REFUSED):
        answer = _post(kube, namespace, number)
        if answer.status_code == 201:
            taken.append(number)
        else:
            assert answer.status_code in {400, 422}, (refused.why, answer.text)
            assert refused.names in answer.json()["message"], (refused.why, answer.text)
    assert len(taken) > len(REFUSED) - 15, "nearly all of it is the operator's to refuse"
    for number in taken:
        until(
            lambda n=number: condition(kube, namespace, f"refused-{n}", "Accepted").status == "False",
            REFUSED[number].why,
        )
        told = condition(kube, namespace, f"refused-{number}", "Accepted")
        assert told.reason in {"Invalid", "NotAllowed"}, (REFUSED[number].why, told)
        assert REFUSED[number].names in told.message, (REFUSED[number].why, told)
    create(kube, [route("plain", namespace, f"/{namespace}/plain")])
    until(lambda: programmed(gateway, namespace), "the plain one is in the gateway")
    assert [one["uri"] for one in programmed(gateway, namespace)] == [f"/{namespace}/plain"]
    assert not [one["id"] for one in gateway.list_all("upstreams") if f".{namespace}." in str(one["id"])]
    figure(f"refused: {len(REFUSED)} ({len(REFUSED) - len(taken)} of them by the API server); in the gateway: 0")
    assert "Traceback" not in operator.process.output()[said_before:]
