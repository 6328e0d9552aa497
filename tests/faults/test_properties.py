"""Properties over generated specs, at a real API server and at the stand-in gateway.

Those of the store and of the plan alone need neither: tests/unit/engine/test_store.py, tests/unit/core/test_plan.py.
"""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from devstack.echoroutes import path_of
from devstack.handles.kube import Kube
from devstack.product import install
from devstack.stack import Stack
from echoroute.core.evaluate import evaluate
from echoroute.core.nodes import Node, Nodes
from echoroute.core.objects import Key
from echoroute.core.ownership import owner_of
from echoroute.core.plan import Absent, KeyPlan, Known, Present, Wanted, digest, plan_key
from echoroute.core.policy import Policy
from echoroute.core.reasons import Reason
from echoroute.core.seen import Entry
from echoroute.errors import GatewayRejected
from echoroute.gateway.admin_api import AdminApi
from echoroute.net.credential import Credential
from echoroute.net.tls import Tls
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ..unit.api.made_up.specs import mangled_specs, near_specs, specs

_KEY = Key("default", "generated")
_OWNER = "0badcafe"

# One example is one or a few requests; the fixtures are of the session, so nothing is carried from one to the next.
_BOUNDED = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def api_server(stack: Stack) -> Kube:
    install(stack)
    return stack.kube


def _evaluate(spec: object):
    entry = Entry("uid", 1, datetime(2026, 1, 1, tzinfo=UTC), json.dumps(spec).encode(), b"{}")
    return evaluate(_KEY, entry, owner=_OWNER, policy=Policy())


@_BOUNDED
@given(spec=near_specs() | mangled_specs())
def test_api_server_and_models_agree_on_what_is_well_formed(api_server: Kube, spec: dict[str, object]) -> None:
    """What the API server accepts the models parse; what they refuse it has refused, or a condition explains it."""
    manifest = {"apiVersion": "echoroute.dev/v1alpha1", "kind": "EchoRoute", "metadata": {"name": _KEY.name}}
    answer = api_server.http.post(
        path_of(_KEY.namespace), params={"dryRun": "All", "fieldValidation": "Strict"}, json={**manifest, "spec": spec}
    )
    evaluation = _evaluate(spec if answer.status_code != 201 else answer.json()["spec"])
    if answer.status_code == 201:
        event("accepted by the API server")
        refusal = evaluation.refusal
        if refusal is not None:
            nulls = "must not be null" in refusal.message
            judged_by_the_operator = refusal.message.startswith("spec.plugins") or any(
                word in refusal.message
                for word in ("regular expression", "spec.match.vars", "different backends", "KiB of conditions")
            )
            assert refusal.reason is Reason.NOT_ALLOWED or judged_by_the_operator or nulls, refusal
            assert "spec." in refusal.message
    else:
        event("refused by the API server")
        assert answer.status_code in {400, 422}, answer.text
        assert "spec." in answer.json()["message"]
        assert evaluation.refusal is not None, answer.text
        assert evaluation.refusal.reason is Reason.INVALID


_nodes = st.builds(
    Node, st.sampled_from(["10.0.0.1", "10.0.0.2", "[2001:db8::1]"]), st.integers(1, 65535), st.integers(1, 65535)
)


@pytest.fixture(scope="module")
def admin_api(stack: Stack) -> Iterator[tuple[asyncio.Runner, AdminApi]]:
    """A client with the loop that it lives in."""
    key = Credential("KEY", file=stack.gateway.admin_key_file)
    with asyncio.Runner() as runner:

        async def made() -> AdminApi:
            return AdminApi(stack.gateway.admin_url, key, tls=Tls(), concurrency=8, max_writes_per_second=None)

        api = runner.run(made())
        yield runner, api
        runner.run(api.aclose())


@_BOUNDED
@given(spec=specs(), nodes=st.lists(_nodes, max_size=3, unique=True).map(tuple))
def test_what_was_written_reads_back_as_desired(
    admin_api: tuple[asyncio.Runner, AdminApi], spec: dict[str, object], nodes: tuple[Node, ...]
) -> None:
    """PUT, then GET, gives an empty plan: else each round would write again. And a DELETE leaves nothing of it."""
    runner, api = admin_api
    bundle = _evaluate(spec).bundle
    assert bundle is not None
    bundle = bundle.with_nodes(dict.fromkeys(bundle.resolved.values(), Nodes(nodes)))
    desired = Present(bundle, Wanted.of(bundle))

    async def known() -> dict:
        found = {ref: await api.read(ref) for ref in bundle.objects}
        return {
            ref: Known(_owner(ref.id, stored.body), digest(stored.body), stored.create_time, stored.modified_index)
            for ref, stored in found.items()
            if stored is not None
        }

    async def write_and_read() -> None:
        try:
            await api.apply(plan_key(_KEY, desired, {}).writes)
        except GatewayRejected:
            event("rejected by the gateway")  # regular expressions and plugin configs are its to judge
            return
        event("taken by the gateway")
        held = await known()
        assert plan_key(_KEY, desired, held) == KeyPlan()
        await api.apply(plan_key(_KEY, Absent(), held).removals)
        assert await known() == {}

    runner.run(write_and_read())


def _owner(object_id: str, body: dict) -> Key | None:
    owner = owner_of({**body, "id": object_id})
    return owner[1] if owner and owner[0] == _OWNER else None
