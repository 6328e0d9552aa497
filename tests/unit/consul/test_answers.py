"""What an answer of Consul's health API says, whatever an entry lacks or has odd."""

import pytest
from echoroute.consul.answers import instances
from echoroute.core.instances import Instance, State
from echoroute.errors import ConsulError
from hypothesis import given
from hypothesis import strategies as st

SERVICE = {
    "ID": "echo-1",
    "Service": "echo",
    "Address": "10.0.0.1",
    "Port": 8080,
    "Weights": {"Passing": 10, "Warning": 2},
    "Tags": ["version:2"],
    "Meta": {"zone": "a"},
}
ENTRY = {"Node": {"Address": "10.9.9.9"}, "Service": SERVICE, "Checks": [{"Status": "passing"}]}
PLAIN = Instance(
    "echo-1",
    "echo",
    "10.0.0.1",
    "10.9.9.9",
    8080,
    State.PASSING,
    weights=(10, 2),
    tags=frozenset({"version:2"}),
    meta=frozenset({("zone", "a")}),
)


def test_an_instance_with_all_that_consul_tells():
    assert instances([ENTRY]) == (PLAIN,)


@pytest.mark.parametrize(
    ("checks", "state", "why"),
    [
        ([], "passing", "no checks at all"),
        (None, "passing", "Go writes an empty list as null"),
        ([{"Status": "passing"}, {"Status": "passing"}], "passing", "its own check and its node's"),
        ([{"Status": "passing"}, {"Status": "critical"}], "critical", "a critical node check removes all of the node"),
        ([{"Status": "warning"}, {"Status": "passing"}], "warning", "a warning one leaves the gateway"),
        ([{"Status": "warning"}, {"Status": "critical"}], "critical", "the worst counts"),
        ([{"Status": "maintenance"}], "critical", "whatever is not passing takes no requests"),
        ([{"CheckID": "_service_maintenance:x", "Status": "critical"}], "critical", "maintenance as Consul has it"),
        ([{"Status": 1}], "critical", "a status of another type"),
        ([None], "critical", "a check that is none"),
        ([{}], "critical", "a check without a status"),
        ({}, "critical", "checks of another type"),
        ("passing", "critical", "checks of another type"),
    ],
)
def test_the_state_is_the_worst_of_the_checks(checks, state, why):
    assert instances([{**ENTRY, "Checks": checks}])[0].state == state, why


NOTHING = Instance("", "", "", "", 0, State.PASSING)


@pytest.mark.parametrize(
    ("entry", "found", "why"),
    [
        ({}, NOTHING, "nothing at all"),
        (None, NOTHING, "a null"),
        ("x", NOTHING, "another type"),
        ([ENTRY], NOTHING, "a list in a list"),
        ({"Service": None, "Node": None, "Checks": None}, NOTHING, "nulls"),
        ({"Service": "x", "Node": 1}, NOTHING, "other types"),
        ({"Service": {"ID": 1, "Address": 2, "Port": "80", "Tags": "a", "Meta": "b"}}, NOTHING, "other types inside"),
        ({"Service": {"Port": 80.5}}, NOTHING, "half a port"),
        ({"Service": {"Port": True}}, NOTHING, "a port that is no number"),
        ({"Service": {"Weights": None, "Tags": None, "Meta": None}}, NOTHING, "Go's empty ones"),
        ({"Service": {"Weights": {"Passing": "3"}, "Tags": [1], "Meta": {"a": 1}}}, None, "odd values"),
    ],
)
def test_what_is_odd_is_empty_and_spoils_nothing(entry, found, why):
    odd = found or Instance("", "", "", "", 0, State.PASSING, meta=frozenset({("a", "")}))
    assert instances([entry, ENTRY]) == (odd, PLAIN), why


@pytest.mark.parametrize("answer", [{}, None, "text", 3])
def test_what_is_no_list_is_no_answer_and_not_zero_instances(answer):
    with pytest.raises(ConsulError):
        instances(answer)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Service", "Node", "Checks", "ID", "Address", "Port", "Status", "Weights", "Tags", "Meta"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=4))
def test_whatever_comes_beside_it_the_good_one_is_found(answer):
    assert PLAIN in instances([*answer, ENTRY])


@given(st.permutations([ENTRY, {**ENTRY, "Service": {**SERVICE, "ID": "echo-2"}}, {}, "x"]))
def test_the_order_of_an_answer_means_nothing(answer):
    assert instances(answer) == instances(sorted(answer, key=str))
