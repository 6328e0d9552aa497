"""Whatever Consul says, the gateway takes the nodes that the operator makes of it: its rule is all or none."""

import json

import pytest
from echoroute.api.selection import Selection
from echoroute.core.instances import Instance, State
from echoroute.core.nodes import Instances
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .target import Target

_POLICIES = ("roundrobin", "least_conn", "ewma", "chash")
_ADDRESSES = (
    st.ip_addresses().map(str)
    | st.ip_addresses(v=6).map(lambda address: f"[{address.exploded}]")
    | st.sampled_from(["", "a..b", "-x", "a:80", "256.1.1.1", "host", "é", "a b", "fe80::1%eth0", "::ffff:10.0.0.1"])
)
_INSTANCES = st.builds(
    Instance,
    id=st.text(max_size=4),
    service=st.just("echo"),
    address=_ADDRESSES,
    node_address=_ADDRESSES,
    port=st.integers(0, 65_536) | st.integers(),
    state=st.sampled_from([State.PASSING, State.WARNING]),
    weights=st.tuples(st.integers(0, 70_000), st.integers()),
)


@pytest.mark.parametrize("policy", _POLICIES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_INSTANCES, max_size=6))
def test_nodes_are_taken_and_read_back_as_they_were_written(
    empty: Target, policy: str, instances: list[Instance]
) -> None:
    written = Instances(instances).nodes(Selection.by_operator("echo")).as_json()
    upstream = {"type": policy, "nodes": written} | (
        {"hash_on": "header", "key": "X-User"} if policy == "chash" else {}
    )
    answer = empty.admin("PUT", "/upstreams/nodes", json.dumps(upstream))
    assert answer.status_code in {200, 201}, (answer.text, written)
    stored = empty.admin("GET", "/upstreams/nodes").json()["value"]["nodes"]
    assert stored == written, "else each round would write it again"
