"""stripPrefix: it becomes a pattern that takes its prefix by the letter, and whole segments alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .translated import SMALLEST, body_of


def _strip(prefix, path):
    """What the pattern of stripPrefix makes of a path, by Python's engine, in which PCRE's \\z is \\Z."""
    config = body_of({**SMALLEST, "rewrite": {"stripPrefix": prefix}})["plugins"]["proxy-rewrite"]
    pattern, replacement = config["regex_uri"]
    assert replacement == "/$1"
    assert pattern.endswith(r"\z")
    found = re.search(pattern.removesuffix(r"\z") + r"\Z", path)
    return "/" + (found.group(1) or "") if found else path


@pytest.mark.parametrize(
    ("why", "prefix", "path", "expected"),
    [
        ("what is below", "/api", "/api/users/1", "/users/1"),
        ("the prefix itself leaves the root", "/api", "/api", "/"),
        ("with a slash too", "/api", "/api/", "/"),
        ("another segment that begins the same", "/api", "/apix/users", "/apix/users"),
        ("the prefix elsewhere", "/api", "/v1/api/users", "/v1/api/users"),
        ("once only", "/api", "/api/api/api", "/api/api"),
        ("letter case counts", "/api", "/API/users", "/API/users"),
        ("a dot is a dot", "/v1.0", "/v1x0/users", "/v1x0/users"),
        ("a dot is a dot, the other way", "/v1.0", "/v1.0/users", "/users"),
        ("a group is no group", "/a(b)+", "/a(b)+/c", "/c"),
        ("a backslash is one", "/a\\d", "/a\\d/c", "/c"),
        ("letters beyond ASCII", "/ä b", "/ä b/c", "/c"),
        ("a decoded line break does not get past it", "/api", "/api/a\nb", "/a\nb"),
        ("nor at the end", "/api", "/api\n", "/api\n"),
        ("a second slash stays", "/api", "/api//users", "//users"),
    ],
)
def test_strip_prefix(why, prefix, path, expected):
    assert _strip(prefix, path) == expected, why


_prefixes = st.lists(st.text("ab.+*?()[]{}^$|\\-_ äß#&~", min_size=1, max_size=5), min_size=1, max_size=3).map(
    lambda segments: "/" + "/".join(segments)
)


@given(
    _prefixes.filter(lambda prefix: "*" not in prefix and not re.search(r"/\.{1,2}(/|$)", prefix)), st.text(max_size=10)
)
def test_strip_prefix_takes_any_prefix_by_the_letter(prefix, rest):
    assert _strip(prefix, f"{prefix}/{rest}") == f"/{rest}"
    if rest and not rest.startswith("/"):
        assert _strip(prefix, prefix + rest) == prefix + rest
