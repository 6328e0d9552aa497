"""What the operator makes of a service's instances: the nodes of an Upstream, taken whole or not at all."""

import random
import re
from dataclasses import replace

import pytest
from echoroute.api.selection import Selection
from echoroute.core.addresses import networks
from echoroute.core.instances import Instance, State
from echoroute.core.nodes import Instances, Node
from hypothesis import given
from hypothesis import strategies as st

ALL = Selection.by_operator("echo")
GOOD = Instance("good", "echo", "10.0.0.1", "10.9.9.9", 8080, State.PASSING)
OTHER = replace(GOOD, id="other", address="10.0.0.2")
V1 = replace(GOOD, id="v1", tags=frozenset({"version:1", "http"}), meta=frozenset({("stage", "live")}))
V2 = replace(
    OTHER, id="v2", tags=frozenset({"version:2", "http"}), meta=frozenset({("stage", "canary"), ("zone", "a")})
)


def written(*instances: Instance, selection: Selection = ALL) -> list[tuple[str, int, int]]:
    return [tuple(node) for node in Instances(instances).nodes(selection).nodes]


@pytest.mark.parametrize(
    ("instances", "expected", "why"),
    [
        ((), [], "known and empty: nobody answers, which is true"),
        ((GOOD,), [("10.0.0.1", 8080, 1)], "the plain case"),
        ((OTHER, GOOD), [("10.0.0.1", 8080, 1), ("10.0.0.2", 8080, 1)], "in an order of their own"),
        ((GOOD, replace(GOOD, id="again")), [("10.0.0.1", 8080, 1)], "one endpoint counts once"),
        ((GOOD, replace(GOOD, port=81)), [("10.0.0.1", 81, 1), ("10.0.0.1", 8080, 1)], "two ports are two"),
        ((replace(GOOD, state=State.CRITICAL),), [], "who fails its checks gets nothing"),
        (
            (replace(GOOD, id="old", state=State.CRITICAL), GOOD),
            [("10.0.0.1", 8080, 1)],
            "an old registration of the same endpoint takes it from nobody",
        ),
        ((replace(GOOD, state=State.WARNING),), [("10.0.0.1", 8080, 1)], "a warning one still serves"),
        ((replace(GOOD, address=""),), [("10.9.9.9", 8080, 1)], "the node's address, where the service has none"),
        ((replace(GOOD, address="2001:DB8::0:1"),), [("[2001:db8::1]", 8080, 1)], "IPv6 in brackets, one spelling"),
        ((replace(GOOD, address="[::1]"),), [("[::1]", 8080, 1)], "brackets that are there already"),
        ((replace(GOOD, address="", node_address="::1"),), [("[::1]", 8080, 1)], "a node's, too"),
        (
            (replace(GOOD, address="::1"), replace(GOOD, id="again", address="[0::1]")),
            [("[::1]", 8080, 1)],
            "two spellings of one address",
        ),
        ((replace(GOOD, address="010.0.0.01"),), [("10.0.0.1", 8080, 1)], "as nginx reads it"),
        ((replace(GOOD, service="ECHO"),), [("10.0.0.1", 8080, 1)], "Consul has found it under this name"),
    ],
)
def test_nodes(instances: tuple[Instance, ...], expected: list[tuple[str, int, int]], why: str) -> None:
    assert written(*instances) == expected, why


@pytest.mark.parametrize(
    ("weights", "expected", "why"),
    [
        ([(1, 1), (1, 1)], [1, 1], "as they mostly are"),
        ([(10, 1), (10, 1)], [1, 1], "equal ones are written as 1, which APISIX starts at random"),
        ([(10, 1), (20, 1)], [10, 20], "as Consul has them where they differ"),
        ([(0, 1), (20, 1)], [1], "weight 0 is left out: ewma sends it requests all the same"),
        ([(0, 1), (0, 1)], [], "all of weight 0: APISIX would share evenly"),
        ([(0, 1), (3, 1), (3, 1)], [1, 1], "those that are left are equal"),
        ([(100, 1), (1, 1)], [100, 1], "the heaviest that is written"),
        (
            [(1_000, 1), (500, 1)],
            [100, 50],
            "in proportion: a worker holds 160 points for each unit of a hash's weight",
        ),
        ([(65_535, 1), (1, 1)], [100, 1], "nobody goes without"),
        ([(65_535, 1), (65_534, 1)], [100, 99], "almost equal"),
    ],
)
def test_weights(weights: list[tuple[int, int]], expected: list[int], why: str) -> None:
    instances = [replace(GOOD, id=f"i{n}", port=9000 + n, weights=pair) for n, pair in enumerate(weights)]
    assert [node.weight for node in Instances(instances).nodes(ALL).nodes] == expected, why


def test_a_warning_instance_has_the_weight_for_it() -> None:
    warning = replace(OTHER, state=State.WARNING, weights=(10, 2))
    assert written(replace(GOOD, weights=(10, 2)), warning) == [("10.0.0.1", 8080, 10), ("10.0.0.2", 8080, 2)]
    drained = Instances([GOOD, replace(warning, weights=(10, 0))]).nodes(ALL)
    assert (drained.nodes, drained.total, drained.drained) == ((Node("10.0.0.1", 8080, 1),), 2, 1)


@pytest.mark.parametrize(
    ("selection", "expected", "why"),
    [
        (Selection.by_operator("echo"), ["v1", "v2"], "the whole service"),
        (Selection.by_operator("echo", tags=["version:2"]), ["v2"], "a tag"),
        (Selection.by_operator("echo", tags=["http"]), ["v1", "v2"], "a tag of both"),
        (Selection.by_operator("echo", tags=["http", "version:1"]), ["v1"], "all of the tags"),
        (Selection.by_operator("echo", tags=["version:1", "version:2"]), [], "all of them, which nobody has"),
        (Selection.by_operator("echo", tags=["Version:2"]), [], "letter case counts"),
        (Selection.by_operator("echo", tags=["version"]), [], "no part of a tag"),
        (Selection.by_operator("echo", meta={"stage": "canary"}), ["v2"], "meta"),
        (Selection.by_operator("echo", meta={"stage": "canary", "zone": "a"}), ["v2"], "all pairs"),
        (Selection.by_operator("echo", meta={"stage": "canary", "zone": "b"}), [], "one pair differs"),
        (Selection.by_operator("echo", meta={"other": ""}), [], "an absent key is no empty value"),
        (Selection.by_operator("echo", tags=["version:2"], meta={"stage": "live"}), [], "tags and meta"),
        (Selection.by_operator("echo", datacenter="dc2"), ["v1", "v2"], "the datacenter is the query's"),
    ],
)
def test_subsets(selection: Selection, expected: list[str], why: str) -> None:
    hosts = {"10.0.0.1": "v1", "10.0.0.2": "v2"}
    found = Instances([V1, V2]).nodes(selection)
    assert [hosts[node.host] for node in found.nodes] == expected, why
    assert found.total == len(expected), "those outside of it are not counted"


@pytest.mark.parametrize(
    ("odd", "told", "why"),
    [
        ({"address": "", "node_address": ""}, "no address, and its node has none", "nowhere"),
        ({"address": "echo.example"}, "no IP address: nobody looks up names", "a host name"),
        ({"address": "", "node_address": "worker-7"}, "'worker-7', which is no IP address", "the node's, too"),
        ({"address": "a..b"}, "no IP address", "APISIX takes it, and its requests hang"),
        ({"address": "10.0.0.1:8080"}, "no IP address", "a port in it"),
        ({"address": "fe80::1%eth0"}, "no IP address", "a zone"),
        ({"address": "0.0.0.0"}, "the gateway's own machine", "unspecified"),  # noqa: S104 - as registered
        ({"address": "::"}, "the gateway's own machine", "unspecified"),
        ({"address": "127.0.0.1"}, "which the platform forbids", "a neighbour of the gateway"),
        ({"address": "::ffff:127.0.0.1"}, "which the platform forbids", "the same in IPv6"),
        ({"address": "unix:/run/x"}, "which the platform forbids", "a socket of the gateway's"),
        ({"port": 0}, "the port 0", "APISIX refuses all nodes for it"),
        ({"port": 65_536}, "the port 65536", "and for this one"),
        ({"port": -1}, "the port -1", "and for this one"),
        ({"weights": (-1, 1)}, "the weight -1", "and for this one"),
        ({"weights": (2**63, 1)}, "the weight 9223372036854775808", "no number of Lua's"),
    ],
)
def test_what_cannot_be_a_node_is_left_out_alone_and_named(odd: dict[str, object], told: str, why: str) -> None:
    found = Instances([replace(GOOD, id="bad", **odd), OTHER], forbidden=networks(("127.0.0.0/8",))).nodes(ALL)
    assert found.nodes == (Node("10.0.0.2", 8080, 1),), why
    assert (found.total, found.failing) == (2, 0), why
    assert len(found.left_out) == 1
    assert found.left_out[0].startswith("'bad' has ")
    assert told in found.left_out[0], why


def test_what_is_odd_and_fails_its_checks_is_no_news() -> None:
    found = Instances([replace(GOOD, id="bad", port=0, state=State.CRITICAL), OTHER]).nodes(ALL)
    assert (found.left_out, found.failing, found.total) == ((), 1, 2)


ADDRESSES = st.sampled_from(
    ["", "10.0.0.1", "10.0.0.2", "::1", "[::1]", "2001:db8::7", "a..b", "echo", "1.2.3.4:5", "é", "127.0.0.1", "a b"]
) | st.text(max_size=12)
INSTANCES = st.builds(
    Instance,
    id=st.text(max_size=4),
    service=st.just("echo"),
    address=ADDRESSES,
    node_address=ADDRESSES,
    port=st.sampled_from([0, 1, 80, 65_535, 65_536, -1]) | st.integers(),
    state=st.sampled_from(State),
    weights=st.tuples(st.integers(-1, 4) | st.integers(), st.integers(-1, 4) | st.integers()),
    tags=st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(frozenset),
    meta=st.lists(st.tuples(st.sampled_from("kl"), st.sampled_from("vw")), max_size=2).map(frozenset),
)
SELECTIONS = st.builds(
    Selection.by_operator,
    st.just("echo"),
    tags=st.lists(st.sampled_from(["a", "b", "c"]), max_size=2),
    meta=st.dictionaries(st.sampled_from("kl"), st.sampled_from("vw"), max_size=2),
)
APISIX_HOST = re.compile(r"\*?[0-9a-zA-Z\-._\[\]:]+")
"""APISIX's own pattern of a node's host (host_def in its schema), which it does not stop at."""


@given(SELECTIONS, st.lists(INSTANCES, max_size=8))
def test_any_answer_gives_nodes_that_apisix_takes(selection: Selection, instances: list[Instance]) -> None:
    found = Instances(instances, forbidden=networks(("127.0.0.0/8",))).nodes(selection)
    assert len({(host, port) for host, port, _ in found.nodes}) == len(found.nodes)
    for host, port, weight in found.nodes:
        assert APISIX_HOST.fullmatch(host)
        assert host.startswith("[") == (":" in host)
        assert 1 <= port <= 65_535
        assert 1 <= weight <= 100
    assert len(found.nodes) + found.failing <= found.total
    shuffled = random.sample(instances, len(instances))
    assert Instances(shuffled, forbidden=networks(("127.0.0.0/8",))).nodes(selection) == found, (
        "the order of an answer is no news"
    )


@given(st.lists(SELECTIONS, max_size=6), st.lists(INSTANCES, max_size=6))
def test_selections_of_the_same_instances_share_their_nodes(
    selections: list[Selection], instances: list[Instance]
) -> None:
    """Thousands of subsets of one service cost what their differences cost."""
    shared, places = Instances(instances), {}
    for selection in selections:
        found = shared.nodes(selection)
        assert found == Instances(instances).nodes(selection), "as if it were the only one"
        selected = tuple(
            place for place, one in enumerate(instances) if selection.tags <= one.tags and selection.meta <= one.meta
        )
        assert places.setdefault(selected, found) is found
