"""When two Routes exclude each other: no request fulfils both. Where that is not certain, they are said to meet."""

import ipaddress
import re
import time

import pytest
from echoroute.api import parse_spec
from echoroute.core.apart import demands
from echoroute.core.matching import expression
from hypothesis import assume, event, given
from hypothesis import strategies as st

from ..api.made_up.matches import matches


def _header(op, **operand):
    return {"headers": [{"name": "X-Env", "op": op, **operand}]}


_BLUE, _GREEN = _header("Exact", value="blue"), _header("Exact", value="green")
_B = ["arg_b", "==", "1"]
_SOME = _header("In", values=["red", "blue"])


def _body(match):
    parsed = parse_spec({"match": {"paths": ["/a"], **match}, "backends": [{"service": "echo"}]}).match
    return {"vars": expression(parsed), "remote_addrs": list(parsed.remote_addrs or ())}


@pytest.mark.parametrize(
    ("one", "other", "apart", "why"),
    [
        (_BLUE, _GREEN, True, "a header has one value"),
        (_BLUE, {"headers": [{"name": "x_env", "op": "Exact", "value": "green"}]}, True, "in any spelling"),
        (_BLUE, {"headers": [{"name": "X-Other", "op": "Exact", "value": "green"}]}, False, "two headers have two"),
        (_BLUE, {"queries": [{"name": "X-Env", "op": "Exact", "value": "green"}]}, False, "as a header and a query"),
        (_BLUE, _SOME, False, "one of these"),
        (_GREEN, _SOME, True, "none of these"),
        (_SOME, _header("In", values=["white", "green"]), True, "no value in common"),
        (_SOME, _header("In", values=["white", "red"]), False, "one in common"),
        (_BLUE, _header("NotEqual", value="blue"), True, "and its negation"),
        (_BLUE, _header("NotEqual", value="green"), False, "the negation of another value"),
        (_SOME, _header("NotIn", values=["blue", "red", "white"]), True, "all of its values are taken away"),
        (_SOME, _header("NotIn", values=["blue"]), False, "one of its values is left"),
        (_SOME, {"vars": [["http_x_env", "~=", "blue"], ["http_x_env", "~=", "red"]]},
         True, "several conditions together take all of its values away"),
        (_header("Exists"), _header("Absent"), True, "there and not there"),
        (_BLUE, _header("Absent"), True, "what is not there has no value"),
        (_BLUE, _header("Exists"), False, "what has a value is there"),
        (_header("NotEqual", value="blue"), _header("Absent"), False, "what is not there is not equal"),
        (_header("NotIn", values=["blue"]), _header("NotEqual", value="green"), False, "there are other values"),
        (_header("Regex", value="^b"), _header("NotRegex", value="^b"), True, "a pattern and its negation"),
        (_header("Regex", value="^b"), _header("Regex", value="^g"), False, "nobody compares patterns"),
        (_header("Regex", value="^b"), _GREEN, False, "nor runs them"),
        ({}, _BLUE, False, "without conditions a route takes all"),
        ({"remoteAddrs": ["10.0.0.0/8"]}, {"remoteAddrs": ["192.0.2.7", "2001:db8::/32"]}, True, "no address in both"),
        ({"remoteAddrs": ["10.0.0.0/8"]}, {"remoteAddrs": ["192.0.2.7", "10.1.0.0/16"]}, False, "a part of it"),
        ({"remoteAddrs": ["0.0.0.0/0"]}, {"remoteAddrs": ["::/0"]}, True, "two families"),
        ({"remoteAddrs": ["10.0.0.0/8"]}, _BLUE, False, "an address and a header"),
        ({"cookies": [{"name": "a", "op": "Exact", "value": "1"}]},
         {"cookies": [{"name": "A", "op": "Exact", "value": "2"}]}, False, "letter case counts"),
        ({"vars": [["arg_a", "==", "1"]]}, {"queries": [{"name": "a", "op": "Exact", "value": "2"}]}, True, "raw"),
        ({"vars": [["arg_a", "!", "~=", "1"]]}, {"vars": ["AND", ["arg_a", "==", "2"], _B]}, True, "not not, AND"),
        ({"vars": [["arg_a", "==", 1]]}, {"vars": [["arg_a", "==", "1.0"]]}, False, "a number has many spellings"),
        ({"vars": [["arg_a", "in", ["1", 2]]]}, {"vars": [["arg_a", "==", "3"]]}, False, "a list with a number"),
        ({"vars": ["OR", ["arg_a", "==", "1"], ["arg_a", "==", "2"]]}, {"vars": [["arg_a", "==", "3"]]}, False,
         "nothing is said of OR"),
        ({"vars": [["arg_a", ">", 5]]}, {"vars": [["arg_a", "!", ">", 5]]}, True, "any comparison and its negation"),
    ],
)  # fmt: skip
def test_what_excludes_what(one, other, apart, why):
    first, second = demands(_body(one)), demands(_body(other))
    assert first.exclude(second) is apart, why
    assert second.exclude(first) is apart, f"{why}, the other way round"


_ENV = st.none() | st.sampled_from(["a", "b", "c"])
_values = st.sampled_from("abc")
_conditions = st.lists(
    st.one_of(
        st.fixed_dictionaries({"op": st.sampled_from(["Exact", "NotEqual", "Regex", "NotRegex"]), "value": _values}),
        st.fixed_dictionaries(
            {"op": st.sampled_from(["In", "NotIn"]), "values": st.lists(_values, min_size=1, unique=True)}
        ),
        st.fixed_dictionaries({"op": st.sampled_from(["Exists", "Absent"])}),
    ).map(lambda one: {"name": "X", **one}),
    min_size=1,
    max_size=3,
    unique_by=lambda one: repr(sorted(one.items())),
)
_networks = st.lists(
    st.sampled_from(["10.0.0.0/30", "10.0.0.2", "10.0.0.4/31", "10.0.0.0/29", "::/126", "::2"]),
    min_size=1,
    max_size=3,
    unique=True,
)
_CLIENTS = [*ipaddress.ip_network("10.0.0.0/28"), *ipaddress.ip_network("::/125")]
_HOLDS = {
    "Exact": lambda one, value: value == one["value"],
    "Regex": lambda one, value: value is not None and re.search(one["value"], value) is not None,
    "In": lambda one, value: value in one["values"],
    "Exists": lambda one, value: value is not None,
}
_OPPOSITE = {"NotEqual": "Exact", "NotRegex": "Regex", "NotIn": "In", "Absent": "Exists"}


def _takes(match, value, client):
    positive = ((one, _OPPOSITE.get(one["op"], one["op"])) for one in match.get("headers", ()))
    addresses = map(ipaddress.ip_network, match.get("remoteAddrs", ["0.0.0.0/0", "::/0"]))
    return any(client in network for network in addresses) and all(
        _HOLDS[op](one, value) is (op == one["op"]) for one, op in positive
    )


_matches = st.fixed_dictionaries({}, optional={"headers": _conditions, "remoteAddrs": _networks})


def _taken(*matches):
    return [
        (value, client)
        for value in [*"abcd", None]
        for client in _CLIENTS
        if all(_takes(match, value, client) for match in matches)
    ]


@given(one=_matches, other=_matches)
def test_what_is_apart_shares_no_request_and_plain_values_and_addresses_are_always_told(one, other):
    apart = demands(_body(one)).exclude(demands(_body(other)))
    event(f"apart: {apart}")
    if apart:
        assert not _taken(one, other)
    elif not any("Regex" in each["op"] for match in (one, other) for each in match.get("headers", ())):
        assume(_taken(one) and _taken(other))
        assert _taken(one, other), "what is compared by values and addresses alone is told exactly"


@given(made_up=matches())
def test_a_route_that_can_match_meets_itself(made_up):
    one = demands(_body({**made_up, "paths": ["/a"]}))
    assume(all(answers.possible() for answers in one.answers.values()))
    assert not one.exclude(one)


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from(["OR", "and", "!", "==", "::1"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)  # fmt: skip


@given(vars_=_ODD, addresses=_ODD)
def test_what_a_hand_made_is_read_too(vars_, addresses):
    assert demands({"vars": vars_, "remote_addrs": addresses}) == demands({"vars": vars_, "remote_addrs": addresses})


def test_the_largest_ones_are_compared_in_a_millisecond(figure):
    many = {
        "headers": [{"name": f"X-{n}", "op": "In", "values": [f"{n}-{m}" for m in range(32)]} for n in range(16)],
        "remoteAddrs": [f"10.{n}.0.0/16" for n in range(64)],
    }
    one, other = demands(_body(many)), demands(_body({**many, "remoteAddrs": [f"11.{n}.0.0/16" for n in range(64)]}))
    began = time.thread_time()
    for _ in range(100):
        assert one.exclude(other)
    milliseconds = (time.thread_time() - began) * 10
    figure(f"two Routes with the most conditions compared in {milliseconds:.2f} ms")
    assert milliseconds < 5
