"""`$` in texts in which APISIX expands variables. tests/contract/test_variables.py shows these on a gateway."""

import re
import time

import pytest
from echoroute.api.variables import FAMILIES, HEADER_VALUE_CEL, KNOWN, PATH_CEL, groups_in, unknown, unknown_in_redirect
from hypothesis import given
from hypothesis import strategies as st

FINE = (
    ("", "nothing"),
    ("a", "no dollar"),
    ("$remote_addr", "a variable"),
    ("a$remote_addr", "behind a text"),
    ("$host:$server_port", "two, with what ends the first"),
    ("$arg_q$http_x", "two, one behind the other"),
    ("$host/", "no letter and no dot behind it"),
    ("${host}.example", "braces end a name"),
    ("${arg_a.b}", "in braces an argument's name has dots"),
    ("${http_x-y}", "or dashes"),
    ("${ arg_a ?? none }", "with a default"),
    ("$cookie_session", "a cookie"),
    ("cost: $", "a dollar at the end stays"),
    ("5 $ more", "one before a blank, too"),
    ("$$", "two of them"),
    ("$-", "before a dash"),
    ("${}", "empty braces"),
    ("\\$KI", "behind a backslash it stays, with the backslash"),
    ("a\\b", "a backslash alone"),
)
VANISHES = (
    ("E$KI=x", "KI", "a password"),
    ("$nosuch", "nosuch", "a name that APISIX does not know"),
    ("$hostx", "hostx", "one that begins like one that it knows"),
    ("${nosuch}", "nosuch", "in braces, too"),
    ("${hostx ?? none}", "hostx ?? none", "what is not known is the default for ever"),
    ("$arg_", "arg_", "a family without a name"),
    ("$host.example", "host.example", "a dot belongs to the name"),
    ("from $remote_addr.", "remote_addr.", "also at the end of a sentence"),
    ("$http_host.example", "http_host.example", "a header's name has no dots"),
    ("$document_root", "document_root", "the gateway's own files are nobody's business"),
    ("$nginx_version", "nginx_version", "nor is its version"),
    ("${post_arg.user.name}", "post_arg.user.name", "the gateway would hold the body of each request"),
    ("$graphql_name", "graphql_name", "the same for what is in a body"),
    ("$request_body", "request_body", "and for all of it"),
    ("$x$host", "x", "the first of two"),
    ("$host$x", "x", "the second of two"),
    ("$Host", "Host", "letter case counts"),
    ("${host", "host", "the gateway looks through all of the rest for the brace that ends it"),
    ("a ${", "{", "for nothing, too"),
    ("${host} $${host", "host", "also behind one that is closed"),
    ("${ host  }", " host  ", "blanks in braces cost it the more, the more there are"),
    ("${host ??  none}", "host ??  none", "in a default, too"),
    ("${host ?? a\tb}", "host ?? a\tb", "a tab is a blank"),
    ("${arg_a b}", "arg_a b", "no name has a blank"),
    ("${host {}", "host {", "nor a brace"),
)


@pytest.mark.parametrize(("text", "why"), FINE)
def test_what_arrives(text: str, why: str) -> None:
    assert unknown(text, groups=True) == unknown(text, groups=False) == "", why


@pytest.mark.parametrize(("text", "name", "why"), VANISHES)
def test_what_vanishes_is_named(text: str, name: str, why: str) -> None:
    assert unknown(text, groups=True) == unknown(text, groups=False) == name, why


@pytest.mark.parametrize(
    ("text", "groups", "why"),
    [
        ("$1", {1}, "a group"),
        ("${2}x", {2}, "in braces"),
        ("$1x", {1}, "a letter does not belong to it"),
        ("$10", {10}, "two digits are one number"),
        ("\\$1", set(), "behind a backslash it stays"),
        ("${host}$1", {1}, "behind a name in braces"),
        ("$1$host", {1}, "before a name"),
    ],
)
def test_groups(text: str, groups: set[int], why: str) -> None:
    assert groups_in(text) == groups, why
    assert unknown(text, groups=True) == "", why
    assert bool(unknown(text, groups=False)) is bool(groups), why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("$$5", "the group is the name"),
        ("$$1KI", "the group begins the name"),
        ("$host$1", "the group goes on with the name"),
        ("${$1}", "the group is the name, in braces"),
        ("${request$1", "the group may have the brace that ends the name"),
        ("${http_$1}", "a client would fill the braces"),
        ("${arg_a ?? $1}", "also a default"),
        ("${arg_a ?? $1", "and end them, or not"),
    ],
)
def test_a_group_that_becomes_part_of_a_name(text: str, why: str) -> None:
    assert unknown(text, groups=True), why


@pytest.mark.parametrize(
    ("text", "found", "why"),
    [
        ("$host} ${host", "host", "a brace that ends nothing ends nothing that follows"),
        ("${host} ${$nosuch", "$nosuch", "what would stand in them is named"),
        ("\\${host", "", "behind a backslash they are no braces"),
        ("${host}$nosuch", "nosuch", "a reference right behind a closing brace"),
        ("${nosuch ${host}", "nosuch ${host", "the first brace counts, up to the first that closes"),
    ],
)
def test_braces_that_nothing_closes(text: str, found: str, why: str) -> None:
    assert unknown(text, groups=False) == found, why


@pytest.mark.parametrize(
    ("text", "vanishes", "of_answers", "why"),
    [
        ("$upstream_addr", "upstream_addr", "", "there once the backend has answered"),
        ("$balancer_ip:$balancer_port", "balancer_ip", "", "these, too"),
        ("${upstream_http_x_id}", "upstream_http_x_id", "", "headers of the backend's answer"),
        ("$sent_http_", "sent_http_", "sent_http_", "a family without a name"),
        ("$remote_addr", "", "", "what is of the request stays"),
        ("$request_body", "request_body", "request_body", "the body is closed all the same"),
        ("$document_root", "document_root", "document_root", "and the gateway"),
    ],
)
def test_what_is_of_an_answer(text: str, vanishes: str, of_answers: str, why: str) -> None:
    assert unknown(text, groups=False) == vanishes, why
    assert unknown(text, groups=False, answer=True) == of_answers, why


@pytest.mark.parametrize(
    ("uri", "name", "why"),
    [
        ("https://$host.example$request_uri", "", "no name has a dot there"),
        ("${scheme}://${host}/x$uri?a=$arg_a", "", "braces end a name"),
        ("/$", "", "a lone one stays"),
        ("/${arg_a.b}", "", "this is no reference there"),
        ("/$nosuch", "nosuch", "a name that APISIX does not know"),
        ("/$uri_old", "uri_old", "one that goes on"),
        ("/${pid}", "pid", "the gateway's process"),
        ("/$request_body", "request_body", "a body"),
    ],
)
def test_what_vanishes_in_a_redirect(uri: str, name: str, why: str) -> None:
    assert unknown_in_redirect(uri) == name, why


_PARTS = st.sampled_from(["$", "{", "}", "\\", ".", " ", "a", "1", "host", "arg_", "nosuch", "??", "remote_addr", "-"])


@given(st.lists(_PARTS, max_size=8).map("".join))
def test_the_api_server_refuses_nothing_that_is_right(text: str) -> None:
    for groups, pattern in ((True, HEADER_VALUE_CEL), (False, PATH_CEL)):
        if not unknown(text, groups=groups):
            assert re.fullmatch(pattern, text), text


def test_a_long_text_is_judged_in_no_time() -> None:
    for text in ("\\$" * 2048, "$host" * 800 + "$x", "${" * 2048, "$" * 4096, "$1" * 2048, "\\" * 4095 + "$"):
        began = time.thread_time()
        for groups in (True, False):
            unknown(text, groups=groups)
        assert time.thread_time() - began < 5 * 0.01, text[:4]


def test_the_names_are_such_that_patterns_need_no_escapes() -> None:
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in (*KNOWN, *FAMILIES))
