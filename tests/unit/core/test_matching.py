"""Conditions: what they become in APISIX, their number as the default priority, and when two say the same."""

import tracemalloc

import pytest
from echoroute.api import parse_spec
from echoroute.core.alike import NO_CONDITIONS, normal_form
from echoroute.core.matching import expression, priority
from hypothesis import given
from hypothesis import strategies as st

from ..api.made_up.matches import matches


def match_of(**fields):
    return parse_spec({"match": {"paths": ["/a"], **fields}, "backends": [{"service": "echo"}]}).match


def _one(op, **operand):
    return {"name": "X-A", "op": op, **operand}


_A, _B = ["http_x_a", "==", "1"], ["arg_b", "~~", "^b"]


@pytest.mark.parametrize(
    ("fields", "compiled", "why"),
    [
        ({"headers": [_one("Exact", value="1")]}, [["http_x_a", "==", "1"]], "a header's variable is in lower case"),
        ({"headers": [_one("NotEqual", value="1")]}, [["http_x_a", "~=", "1"]], "an absent one is not equal, too"),
        ({"headers": [_one("Regex", value="^a")]}, [["http_x_a", "~~", "^a"]], "letter case counts: ~~ and not ~*"),
        ({"headers": [_one("NotRegex", value="^a")]}, [["http_x_a", "!", "~~", "^a"]], "negated by '!'"),
        ({"headers": [_one("In", values=["1", "2"])]}, [["http_x_a", "in", ["1", "2"]]], "values stay in their order"),
        ({"headers": [_one("NotIn", values=["1"])]}, [["http_x_a", "!", "in", ["1"]]], "as with NotRegex"),
        ({"headers": [_one("Exists")]}, [["http_x_a", "~=", None]], "an empty one exists, too"),
        ({"headers": [_one("Absent")]}, [["http_x_a", "==", None]], "null is absent"),
        ({"queries": [_one("Exact", value="1")]}, [["arg_X-A", "==", "1"]], "an argument's name is as it is"),
        ({"cookies": [_one("Exact", value="1")]}, [["cookie_X-A", "==", "1"]], "and a cookie's"),
        (
            {"cookies": [_one("Exists")], "queries": [_one("Exists")], "headers": [_one("Exists")]},
            [["http_x_a", "~=", None], ["arg_X-A", "~=", None], ["cookie_X-A", "~=", None]],
            "in one order, so that the same spec is the same Route",
        ),
        ({"vars": ["OR", _A, _B]}, ["OR", _A, _B], "an expression alone stays as it is"),
        (
            {"headers": [_one("Exists")], "vars": [_A, _B]},
            [["http_x_a", "~=", None], _A, _B],
            "a list of comparisons goes on",
        ),
        (
            {"headers": [_one("Exists")], "vars": ["OR", _A, _B]},
            [["http_x_a", "~=", None], ["OR", _A, _B]],
            "one with logic in front is one of them",
        ),
        ({}, [], "no conditions, no expression"),
    ],
)  # fmt: skip
def test_conditions_become_an_expression(fields, compiled, why):
    assert expression(match_of(**fields)) == compiled, why


@pytest.mark.parametrize(
    ("fields", "number", "why"),
    [
        ({}, 0, "without conditions"),
        ({"methods": ["GET"]}, 0, "methods are none"),
        ({"headers": [_one("Exists"), _one("NotEqual", value="1")]}, 2, "each entry counts"),
        ({"headers": [_one("Exists")], "queries": [_one("Exists")], "cookies": [_one("Exists")]}, 3, "of each kind"),
        ({"remoteAddrs": ["10.0.0.1", "10.0.0.2"]}, 1, "addresses count once in all"),
        ({"vars": [["arg_a", "==", "1"], ["arg_b", "==", "1"]]}, 1, "and so does an expression"),
        ({"headers": [_one("Exists")], "priority": 0}, 0, "0 that is written out means 0"),
        ({"headers": [_one("Exists")], "priority": -7}, -7, "what is written wins"),
    ],
)
def test_the_default_priority_is_the_number_of_conditions(fields, number, why):
    assert priority(match_of(**fields)) == number, why


_OR = [["OR", ["arg_a", "==", "1"], ["arg_b", "in", ["1", "2"]]]]


@pytest.mark.parametrize(
    ("one", "other", "same", "why"),
    [
        ({}, {"vars": []}, True, "no conditions"),
        ({"vars": [_A, _B]}, {"vars": [_B, _A]}, True, "the order of conditions"),
        ({"vars": [_A, _B]}, {"vars": [_A, _B, _A]}, True, "a condition that stands twice"),
        ({"vars": [_A, _B]}, {"vars": ["and", _B, _A]}, True, "AND in words"),
        ({"vars": [_A, [_B]]}, {"vars": [_A, _B]}, True, "a list in the list"),
        ({"vars": [["http_X-A", "==", "1"]]}, {"vars": [_A]}, True, "how a header is written"),
        ({"vars": [["arg_A", "==", "1"]]}, {"vars": [["arg_a", "==", "1"]]}, False, "arguments that differ in case"),
        ({"vars": [["cookie_A", "==", "1"]]}, {"vars": [["cookie_a", "==", "1"]]}, False, "cookies that do"),
        ({"vars": [["arg_a", "IN", ["1", "2"]]]}, {"vars": [["arg_a", "in", ["2", "1"]]]}, True, "the order of values"),
        ({"vars": [["arg_a", "in", ["1", "2"]]]}, {"vars": [["arg_a", "in", ["1"]]]}, False, "other values"),
        ({"vars": [["arg_a", "==", "1"]]}, {"vars": [["arg_a", "==", 1]]}, False, "a number and a text"),
        ({"vars": [["arg_a", "==", None]]}, {"vars": [["arg_a", "~=", None]]}, False, "absent and there"),
        ({"vars": [["arg_a", "!", "in", ["1"]]]}, {"vars": [["arg_a", "in", ["1"]]]}, False, "negated"),
        ({"vars": _OR}, {"vars": [["OR", ["arg_b", "in", ["2", "1"]], ["arg_a", "==", "1"]]]}, True, "inside of logic"),
        ({"vars": _OR}, {"vars": [["!OR", *_OR[0][1:]]]}, False, "other logic"),
        ({"vars": _OR}, {"vars": _OR[0]}, True, "logic in front, and as the only part"),
        ({"remote_addrs": ["10.0.0.1"]}, {"remote_addrs": ["10.0.0.1/32"]}, True, "an address and its network"),
        ({"remote_addrs": ["10.0.0.1/8"]}, {"remote_addrs": ["10.0.0.0/8"]}, True, "an address of a network"),
        ({"remote_addrs": ["2001:DB8:0::1"]}, {"remote_addrs": ["2001:db8::1/128"]}, True, "spellings of IPv6"),
        ({"remote_addrs": ["10.0.0.1", "::1"]}, {"remote_addrs": ["::1", "10.0.0.1"]}, True, "the order of addresses"),
        ({"remote_addrs": ["10.0.0.1"]}, {"remote_addrs": ["10.0.0.2"]}, False, "other addresses"),
        ({"remote_addrs": ["10.0.0.1"]}, {"vars": [["remote_addr", "==", "10.0.0.1"]]}, False, "another way to say it"),
    ],
)
def test_when_two_say_the_same(one, other, same, why):
    assert (normal_form(one) == normal_form(other)) is same, why
    assert (normal_form(one) == NO_CONDITIONS) is (not any(one.values())), why


_WORDS = st.sampled_from(["OR", "and", "http_x", "::1", "1.1.1.1/9"])
_ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@given(vars_=_ODD, addresses=_ODD)
def test_what_a_hand_made_has_a_normal_form_too(vars_, addresses):
    body = {"vars": vars_, "remote_addrs": addresses}
    assert normal_form(body) == normal_form(body)


def test_a_hand_may_nest_it_deeply():
    deep: list[object] = ["arg_a", "==", "1"]
    for _ in range(200):
        deep = [deep]
    assert normal_form({"vars": deep}) != NO_CONDITIONS


@given(made_up=matches(), turn=st.randoms(use_true_random=False))
def test_order_and_letter_case_do_not_count(made_up, turn):
    match = {**made_up, "paths": ["/a"]}
    other = {name: _shuffled(name, items, turn) for name, items in match.items()}
    forms = [
        normal_form({"vars": expression(one), "remote_addrs": list(one.remote_addrs or ())})
        for one in (match_of(**match), match_of(**other))
    ]
    assert forms[0] == forms[1]


def _shuffled(name, items, turn):
    if name not in {"headers", "queries", "cookies", "remoteAddrs"}:
        return items
    shuffled = turn.sample(items, len(items))
    if name == "remoteAddrs":
        return shuffled
    return [
        {
            **one,
            "name": one["name"].swapcase().replace("-", "_") if name == "headers" else one["name"],
            **({"values": turn.sample(one["values"], len(one["values"]))} if "values" in one else {}),
        }
        for one in shuffled
    ]


def test_what_is_nested_costs_no_more_than_it_is_long() -> None:
    """Were quotes escaped anew at each level, a spec of 64 KiB would take hundreds of megabytes."""
    expression: list = [["arg_a", "==", '"\\' * 500]]
    for _ in range(12):
        expression = ["OR", expression, ["arg_b", "==", "1"]]
    tracemalloc.start()
    try:
        normal_form({"vars": expression})
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
