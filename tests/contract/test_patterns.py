"""What the operator says of regular expressions against the gateway's word, where the gateway gives one.

It judges the pattern of a proxy-rewrite when the Route is written; one in an expression it takes without a word.
"""

import json
import time

import pytest

from ..unit.api.patterns import BROKEN, TAKEN
from .asking import ask
from .target import Target

# What the stand-in's engines do not know, as its README says: it refuses them.
_PCRE_ALONE = {
    "a*+", "a?+", "a{2,3}+", "(?|a|b)", "(a)(?1)", r"\h+", r"\R", r"a\E", "(*UTF8)a", r"a\E*", "(?^i)a", "(?*a)",
    "(*pla:(a))", "(*ACCEPT)?", "a(*SKIP:x)", "(*UCP)(*UTF)a", r"[\g1]", r"[\Q]\E(]", r"\p{L&}", r"(*UTF)\p{Greek}",
    r"(*UTF)\x{3b1}", r"\x", r"\o{101}", r"\N+", r"\N{3}", r"(a)\g1", r"(a)\g{-1}", r"\g{+1}(a)", r"(?<n>a)\k{n}",
    r"(?<n>a)\g{n}", "a(?R)?b", "(a)(?-1)", "(?+1)(a)", "(?<n>a)(?&n)", "(?P<n>a)(?P=n)", "(?P<n>a)(?P>n)",
    "(?(DEFINE)(?<n>a))(?&n)", "(?<=(?=a*)b)", "(?<=a)*", r"(?|(a)|(b))\1",
}  # fmt: skip


def _put(target: Target, **fields: object) -> int:
    return target.admin("PUT", "/routes/1", json.dumps({"uri": "/t", **fields})).status_code


def _judged(target: Target, pattern: str) -> int:
    return _put(target, plugins={"proxy-rewrite": {"regex_uri": [pattern, "/"]}})


@pytest.mark.parametrize("pattern", TAKEN)
def test_the_gateway_takes_it(empty: Target, pattern: str) -> None:
    assert _judged(empty, pattern) == (400 if empty.is_standin and pattern in _PCRE_ALONE else 201)


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in BROKEN])
def test_the_gateway_refuses_it(empty: Target, pattern: str) -> None:
    assert _judged(empty, pattern) == 400


def test_in_an_expression_a_broken_one_never_matches_and_negated_always_does(empty: Target) -> None:
    abort = {"fault-injection": {"abort": {"http_status": 200, "body": "here"}}}
    for negation, status in ([], 404), (["!"], 200):
        assert _put(empty, vars=[["arg_a", *negation, "~~", "("]], plugins=abort) < 300
        time.sleep(empty.settle)
        assert ask(empty, "GET", "/t?a=(").status == status
