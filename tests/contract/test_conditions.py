"""Each cell of the table of conditions in docs/echoroute.md, asked of the gateway; and whom `remoteAddrs` sees."""

import http.client
import json
import time
from urllib.parse import urlsplit

import pytest
from echoroute.cli.render import render_manifest
from echoroute.core.policy import Policy
from echoroute.reference.conditions import OPS, SENT
from pydantic import JsonValue

from .asking import ask
from .target import Target

_OWNER = "0a1b2c3d"


def _program(target: Target, name: str, match: dict[str, JsonValue]) -> None:
    """Makes the gateway serve an EchoRoute that answers by itself."""
    manifest = {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "metadata": {"name": name.lower(), "namespace": "team"},
        "spec": {
            "match": {"paths": [f"/{name}"], **match},
            "backends": [{"service": "none"}],
            "plugins": {"fault-injection": {"abort": {"http_status": 200, "body": name}}},
        },
    }
    (rendered,) = render_manifest(json.dumps(manifest), namespace="", owner=_OWNER, policy=Policy())
    assert rendered.problems == ()
    (body,) = rendered.bodies
    answer = target.admin("PUT", f"/routes/{body['id']}", json.dumps(body))
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("field", SENT)
def test_each_op_holds_as_the_reference_says(field: str, empty: Target) -> None:
    for op, condition in OPS.items():
        _program(empty, op, {field: [condition]})
    time.sleep(empty.settle)
    for sent in SENT[field]:
        held = {op for op in OPS if ask(empty, "GET", f"/{op}{sent.query}", sent.headers).status == 200}
        assert held == sent.holds, f"{field}: {sent}"


_CLIENTS = [
    ("127.0.0.1", {}, "127.0.0.1", "the peer of the connection"),
    ("127.0.0.1", {"X-Real-IP": "10.9.9.9"}, "10.9.9.9", "one that is trusted says who is asking"),
    ("127.0.0.1", {"X-Forwarded-For": "10.9.9.9"}, "127.0.0.1", "not in this header"),
    ("127.0.0.2", {"X-Real-IP": "10.9.9.9"}, "127.0.0.2", "one that is not trusted does not"),
]


@pytest.mark.parametrize(("peer", "headers", "seen", "why"), _CLIENTS, ids=[why for *_, why in _CLIENTS])
def test_the_address_that_remote_addrs_sees(
    empty: Target, peer: str, headers: dict[str, str], seen: str, why: str
) -> None:
    addresses = {client: f"Client{number}" for number, client in enumerate(("127.0.0.1", "127.0.0.2", "10.9.9.9"))}
    for client, name in addresses.items():
        _program(empty, name, {"paths": ["/who"], "remoteAddrs": [client]})
    time.sleep(empty.settle)
    connection = http.client.HTTPConnection(urlsplit(empty.gateway_url).netloc, timeout=15, source_address=(peer, 0))
    connection.request("GET", "/who", headers=headers)
    assert connection.getresponse().read().decode() == addresses[seen], why
    connection.close()
