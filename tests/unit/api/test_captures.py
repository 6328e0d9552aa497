"""Which groups of a pattern can hold no `$`. tests/contract/test_variables.py shows on a gateway why it matters."""

import re

import pytest
from echoroute.api.captures import groups_without_dollar
from hypothesis import given
from hypothesis import strategies as st

CASES = (
    ("^/a", {0}, "no group: all of the match"),
    ("^/a/(.*)", set(), "any character"),
    ("^/a/([^/]+)", set(), "all but a slash"),
    ("^/a/([^/$]*)$", {0, 1}, "a '$' outside of brackets is the end"),
    (r"^/a/([^/\$]+)", {0, 1}, "a '$' behind a backslash is the same in brackets"),
    ("^/v([0-9]+)/(.*)", {1}, "each group by itself"),
    ("^/((?:[a-z]+/)*)([^$]*)/.*", {1, 2}, "groups without a number count for the one around them"),
    ("^/(a(.)b)", set(), "what is in a group is in the group around it"),
    ("^/(?<version>v[0-9]+)/(?:.*)", {1}, "a group with a name has a number"),
    ("^/(?=.*)([a-z]+)", {1}, "what is only looked at"),
    (r"^/(\w+)-(\d{1,3})(\s)(\S)", {1, 2, 3}, "sets of characters, and one with '$' in it"),
    (r"^/(\$)(a)", {2}, "a '$' itself"),
    ("^/([$])(a)", {2}, "and in brackets"),
    ("^/([!-~])(a)", {2}, "a range around it"),
    (r"^/([\x20-\x7e])(a)", set(), "characters by their number are not known here"),
    (r"^/(\x24)", set(), "outside of brackets, too"),
    (r"^/([^\c$])", set(), "a control character: no '$' is left out"),
    ("^/([[:punct:]])(a)", set(), "named classes"),
    (r"^/(a)(?1)\1", set(), "a reference to a group"),
    ("^/(?|(a)|(.))", set(), "groups that share a number"),
    (r"^/\Q(\E(.*)", set(), "a quotation, in which brackets count for nothing"),
    ("(?x) ( . ) # (", set(), "comments"),
    ("(?i)^/([a-z]+)", {0, 1}, "letter case"),
    ("^/([]$])(a)", set(), "a bracket in brackets"),
    ("^/(a", {0, 1}, "no pattern at all: told elsewhere"),
    ("^/a)", {0}, "the same"),
)


@pytest.mark.parametrize(("pattern", "groups", "why"), CASES)
def test_groups_that_hold_no_dollar(pattern: str, groups: set[int], why: str) -> None:
    assert groups_without_dollar(pattern) == groups, why


@given(
    st.lists(
        st.sampled_from(
            [
                "(",
                ")",
                ".",
                "[^/]",
                "[^$]",
                "[a-z]",
                "[$]",
                "[!-~]",
                r"\w",
                r"\S",
                r"\$",
                "*",
                "?",
                "|",
                "a",
                "$",
                "{2}",
            ]
        ),
        max_size=12,
    ).map("".join),
    st.text("a$/!", max_size=6),
)
def test_what_it_says_is_so(pattern: str, text: str) -> None:
    try:
        found = re.search(pattern, text)
    except re.error:
        return
    if found is not None:
        for group in groups_without_dollar(pattern):
            assert "$" not in (found[group] or "")
