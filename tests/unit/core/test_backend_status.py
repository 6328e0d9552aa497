"""The status of an EchoRoute with several backends: each that gets requests counts, is named, and has its numbers."""

from dataclasses import replace

import pytest
from echoroute.api import parse_spec
from echoroute.api.selection import Selection, Service
from echoroute.api.status import EchoRouteStatus
from echoroute.core.conditions import GRACE, fold
from echoroute.core.facts import Answered, BackendFacts, Lack, NotConfigured, Unanswered
from echoroute.core.mentions import as_json, mentions, services
from echoroute.core.reasons import Reason
from echoroute.core.status import Previous
from echoroute.core.written import differs_beyond_counts, differs_in_serving

from .situations.facts import FINE, HEALTHY, NEVER_HEALTHY, NOW, ODD_BESIDE, SICK, UNKNOWN_SERVICE, after
from .status import field_of

CART, V2 = Selection(Service("cart")), Selection.by_operator("cart", tags=["v2"], meta={"a": "b"}, datacenter="dc2")
NEW = Answered(healthy=1, total=1, lack_of_healthy=Lack(0.0, seen_before=True), lack_of_any=Lack(0.0, seen_before=True))


def facts(first, second, *, serves=True):
    return replace(FINE, backends=(BackendFacts(CART, first, 9), BackendFacts(V2, second, 1 if serves else 0, serves)))


def message(outcome, type_):
    return field_of(outcome.status, type_, "message")


@pytest.mark.parametrize(
    ("why", "first", "second", "expected"),
    [
        ("both are fine", HEALTHY, NEW, ("True", "Ready", "'cart'")),
        ("a tenth without an instance is a tenth of 503s", HEALTHY, SICK, ("True", "NoHealthyInstances", "with 'v2'")),
        ("never healthy is no grace", HEALTHY, NEVER_HEALTHY, ("True", "NoHealthyInstances", "with 'v2'")),
        ("the first is as important", SICK, NEW, ("True", "NoHealthyInstances", "of service 'cart' passes")),
        ("one that nobody knows", HEALTHY, UNKNOWN_SERVICE, ("False", "ServiceNotFound", "with 'v2'")),
        ("one that was not asked yet", HEALTHY, Unanswered(), ("Unknown", "ConsulUnreachable", "not answered")),
        (
            "what is wrong comes before what is not known",
            UNKNOWN_SERVICE,
            Unanswered(),
            ("False", "ServiceNotFound", ""),
        ),
        ("odd instances of one", ODD_BESIDE, NEW, ("True", "UnusableInstances", "'cart'")),
        ("no Consul says nothing", NotConfigured(), NotConfigured(), ("Unknown", "Ready", "")),
    ],
)
def test_each_backend_that_gets_requests_counts(why, first, second, expected):
    resolved, ready, named = expected
    outcome = fold(facts(first, second), after(replace(FINE, generation=2)), now=NOW)
    EchoRouteStatus.model_validate(outcome.status)
    assert outcome.ready[1] == ready, why
    found = {one["type"]: one["status"] for one in outcome.status["conditions"]}
    assert found["ResolvedRefs"] == resolved, why
    assert named in message(outcome, "Ready") + message(outcome, "ResolvedRefs")


def test_one_of_weight_0_is_counted_and_nothing_else():
    outcome = fold(facts(HEALTHY, SICK, serves=False), after(FINE), now=NOW)
    assert outcome.ready == ("True", "Ready")
    assert outcome.status["instances"] == {"healthy": 2, "total": 6}
    assert outcome.status["backends"] == [
        {"service": "cart", "resolve": "Gateway", "weight": 9, "healthy": 2, "total": 3},
        {
            "service": "cart",
            "resolve": "Operator",
            "subset": {"tags": ["v2"], "meta": {"a": "b"}, "datacenter": "dc2"},
            "weight": 0,
            "healthy": 0,
            "total": 3,
        },
    ]


def test_a_single_backend_has_no_list():
    assert "backends" not in fold(FINE, after(FINE), now=NOW).status


def test_the_grace_is_of_each_backend():
    """The one was healthy a moment ago, the other never was: a sum that is above 0 is no grace for the second."""
    before = after(facts(HEALTHY, NEVER_HEALTHY))
    gone = Answered(healthy=0, total=1, lack_of_healthy=Lack(5.0), lack_of_any=Lack())
    still = fold(facts(gone, NEVER_HEALTHY), before, now=NOW)
    assert "with 'v2'" in message(still, "Ready")
    back = fold(facts(gone, NEW), before, now=NOW)
    assert back.ready == ("True", "Ready")
    assert back.recheck_after == GRACE - 5.0


def test_what_is_not_known_now_keeps_its_counts():
    before = after(facts(HEALTHY, NEW))
    now = fold(facts(HEALTHY, Unanswered()), before, now=NOW).status
    assert now["instances"] == {"healthy": 3, "total": 4}
    assert [one["healthy"] for one in now["backends"]] == [2, 1]
    unknown = fold(facts(HEALTHY, Unanswered()), after(replace(FINE, generation=2)), now=NOW).status
    assert "instances" not in unknown, "a sum of what is known is no sum"
    assert "healthy" not in unknown["backends"][1]


def test_counts_alone_can_wait_but_not_the_end_of_a_backend():
    before = fold(facts(HEALTHY, NEW), after(FINE), now=NOW).status
    fewer = fold(facts(replace(HEALTHY, healthy=1), NEW), after(FINE), now=NOW).status
    assert not differs_beyond_counts(fewer, before)
    assert not differs_in_serving(fewer, before)
    gone = fold(facts(HEALTHY, replace(NEW, healthy=0)), after(facts(HEALTHY, NEW)), now=NOW).status
    assert not differs_beyond_counts(gone, before), "within its grace"
    assert differs_in_serving(gone, before)


HEADER = {"match": {"headers": [{"name": "X-A", "op": "Exists"}]}}


@pytest.mark.parametrize(
    ("why", "backends", "canary", "expected"),
    [
        ("one", [{"service": "echo"}], [], "echo"),
        ("a subset", [{"service": "echo", "subset": {"tags": ["version:2"]}}], [], "echo version:2"),
        (
            "shares",
            [{"service": "echo", "weight": 90}, {"service": "echo", "subset": {"meta": {"v": "2"}}, "weight": 10}],
            [],
            "echo 90 %, echo v=2 10 %",
        ),
        ("thirds", [{"service": name} for name in "abc"], [], "a 33.3 %, b 33.3 %, c 33.3 %"),
        ("of weight 0", [{"service": "a"}, {"service": "b", "weight": 0}], [], "a"),
        (
            "a canary",
            [{"service": "a"}],
            [{**HEADER, "backends": [{"service": "a"}, {"service": "b", "subset": {"datacenter": "dc2"}}]}],
            "a; canary b dc2",
        ),
        ("as long as it may be", [{"service": letter * 200} for letter in "ab"], [], f"{'a' * 200} 50 %, {'b' * 48}…"),
    ],
)
def test_the_printer_column(why, backends, canary, expected):
    spec = {"match": {"paths": ["/a"]}, "backends": backends, **({"canary": canary} if canary else {})}
    assert services(parse_spec(spec)) == expected, why


def test_a_backend_is_mentioned_once_with_the_weight_of_its_first_mention():
    spec = parse_spec(
        {
            "match": {"paths": ["/a"]},
            "backends": [{"service": "a", "weight": 3}, {"service": "b", "weight": 0}, {"service": "c", "weight": 0}],
            "canary": [{**HEADER, "backends": [{"service": "b", "weight": 7}, {"service": "a"}]}],
        }
    )
    found = [(one.selection.service.name, one.weight, one.serves) for one in mentions(spec)]
    assert found == [("a", 3, True), ("b", 0, True), ("c", 0, False)]


def test_the_counts_of_a_subset_are_not_those_of_the_whole_service():
    subset, whole = Selection.by_operator("echo", tags=["version:2"]), Selection.by_operator("echo")
    before = Previous(
        backends=({**as_json(subset), "healthy": 1, "total": 1}, {**as_json(whole), "healthy": 3, "total": 4})
    )
    assert before.counts_of(as_json(whole)) == {"healthy": 3, "total": 4}
    assert before.counts_of(as_json(subset)) == {"healthy": 1, "total": 1}


THIRD = Selection(Service("carts"))
NOBODY = Answered(healthy=0, total=0, lack_of_healthy=Lack(60.0), lack_of_any=Lack(60.0))


@pytest.mark.parametrize(
    ("why", "before", "now", "expected", "about"),
    [
        ("it was fine, and nothing is known of it now", (HEALTHY, NEW), (HEALTHY, None), ("True", "True"), "with 'v2'"),
        (
            "the other was not known, and is by now",
            (UNKNOWN_SERVICE, NEW),
            (HEALTHY, None),
            ("Unknown", "Unknown"),
            "v2",
        ),
        ("the other was sick, and is well by now", (SICK, NEW), (HEALTHY, None), ("True", "True"), "with 'v2'"),
        ("it was not known itself", (HEALTHY, UNKNOWN_SERVICE), (HEALTHY, None), ("False", "False"), "with 'v2'"),
        ("it was sick itself", (HEALTHY, SICK), (HEALTHY, None), ("True", "False"), "with 'v2'"),
        (
            "its whole service is no part of it",
            (UNKNOWN_SERVICE, NEW),
            (None, NEW),
            ("False", "False"),
            "service 'cart':",
        ),
        ("the other is not known", (HEALTHY, NEW), (NOBODY, None), ("False", "False"), "service 'cart':"),
    ],
)
def test_what_is_said_of_one_that_did_not_answer_yet_is_what_was_said_of_it(why, before, now, expected, about):
    """After a restart, in which the one answers before the other."""
    resolved, ready = expected
    now = [Unanswered() if one is None else one for one in now]
    outcome = fold(facts(*now), after(facts(*before)), now=NOW)
    found = {one["type"]: one["status"] for one in outcome.status["conditions"]}
    assert (found["ResolvedRefs"], found["Ready"]) == (resolved, ready), why
    assert about in message(outcome, "Ready" if ready == "False" else "ResolvedRefs"), why
    assert message(outcome, "ResolvedRefs").count("service 'cart'") <= 2, "each is named once"


def test_a_service_that_takes_the_place_of_another_takes_none_of_its_sentences():
    before = after(replace(FINE, backends=(BackendFacts(CART, SICK),)))
    outcome = fold(replace(FINE, generation=2, backends=(BackendFacts(THIRD, Unanswered()),)), before, now=NOW)
    assert "'cart'" not in message(outcome, "ResolvedRefs") + message(outcome, "Ready")
    assert message(outcome, "ResolvedRefs") == "Consul has not answered yet where service 'carts' is"


def test_who_is_missing_is_named_with_its_place():
    spec = parse_spec(
        {
            "match": {"paths": ["/a"]},
            "backends": [{"service": "a"}, {"service": "b"}],
            "canary": [
                {"match": {"headers": [{"name": "X-A", "op": "Exists"}]}, "backends": [{"service": "b"}]},
                {
                    "match": {"headers": [{"name": "X-B", "op": "Exists"}]},
                    "backends": [{"service": "a"}, {"service": "c", "subset": {"datacenter": "dc9"}}],
                },
            ],
        }
    )
    found = {one.selection.service.name: one.place for one in mentions(spec)}
    assert found == {"a": "spec.backends[0]", "b": "spec.backends[1]", "c": "spec.canary[1].backends[1]"}
    missing = (BackendFacts(THIRD, NOBODY, place="spec.backends[2]"),)
    assert "check spec.backends[2], or" in message(fold(replace(FINE, backends=missing), after(FINE), now=NOW), "Ready")
    nowhere = Unanswered(Reason.DATACENTER_NOT_FOUND)
    far = (BackendFacts(V2, nowhere, place="spec.canary[1].backends[1]"),)
    told = message(fold(replace(FINE, generation=2, backends=far), after(FINE), now=NOW), "Ready")
    assert "check spec.canary[1].backends[1].subset.datacenter, or wait until" in told
