"""The gateway's words about a rejected object, without what a plugin's configuration may hide."""

import pytest
from echoroute.gateway.text import mask_plugin_values, one_line

SECRET = "s3cr3t-value-of-a-Secret"


@pytest.mark.parametrize(
    ("plugins", "text", "shown", "why"),
    [
        (
            {"openid-connect": {"client_secret": SECRET}},
            f'plugin openid-connect err: property "client_secret": failed to match pattern "^[a-z]+$" with "{SECRET}"',
            'plugin openid-connect err: property "client_secret": failed to match pattern "^[a-z]+$" with "***"',
            "the form that APISIX writes",
        ),
        (
            {"x": {"a": 'say "hi" \\ bye'}},
            'plugin x err: failed to match pattern "^a$" with "say \\"hi\\" \\\\ bye" and more',
            'plugin x err: failed to match pattern "^a$" with "***" and more',
            "quotes and backslashes are escaped as Lua's %q does",
        ),
        (
            {"x": {"a": "other"}},
            'plugin x err: failed to match pattern "^a$" with "derived from the value"',
            'plugin x err: failed to match pattern "^a$" with "***"',
            "a plugin may derive what it complains about",
        ),
        (
            {"cors": SECRET},
            f'invalid plugin conf "{SECRET}" for plugin [cors]',
            'invalid plugin conf "***" for plugin [cors]',
            "",
        ),
        (
            {"jwt": {"keys": [{"deep": {"private_key": "-----BEGIN\nMIIE\n-----END"}}]}},
            "cannot parse key: -----BEGIN\nMIIE\n-----END",
            "cannot parse key: ***",
            "nested, unquoted, with newlines, and without the word that tells whose text it is",
        ),
        (
            {"proxy-rewrite": {"regex_uri": ["^/long/(pattern", "/$1"], "headers": {"set": {"X-Token": SECRET}}}},
            f'plugin proxy-rewrite err: invalid regex_uri(^/long/(pattern, /$1): in "^/long/(pattern"; {SECRET}',
            'plugin proxy-rewrite err: invalid regex_uri(^/long/(pattern, /$1): in "^/long/(pattern"; ***',
            "a pattern has to be changed and is no secret; a header's value may be one",
        ),
        ({"x": {"a": SECRET}}, f"https://h/?token={SECRET}&x", "https://h/?token=***&x", "within another word"),
        ({"x": {"a": f"{SECRET}-and-more", "b": SECRET}}, f"got {SECRET}-and-more", "got ***", "longest first"),
        (
            {"x": {"a": "local"}},
            'plugin x err: "local" is not local_x',
            'plugin x err: "***" is not local_x',
            "whole words",
        ),
        (
            {"cors": {"allow_origins": "*", "allow_credential": True}},
            "plugin cors err: you can not set '*' for other option when 'allow_credential' is true",
            "plugin cors err: you can not set '*' for other option when 'allow_credential' is true",
            "names of fields and single characters say what to change",
        ),
        (
            {"limit-count": {"count": 0}},
            'plugin limit-count err: property "count" validation failed: expected 0 to be greater than 0',
            'plugin limit-count err: property "count" validation failed: expected 0 to be greater than 0',
            "numbers say what to change",
        ),
    ],
)
def test_values_of_plugins_are_masked_and_the_rest_stays(plugins, text, shown, why):
    assert mask_plugin_values(text, {"uris": ["/"], "plugins": plugins}) == shown, why


def test_what_is_no_plugins_is_shown_since_it_is_what_has_to_be_changed():
    text = 'invalid configuration: property "hosts" validation failed: failed to match pattern "^a$" with "a b"'
    assert mask_plugin_values(text, {"hosts": ["a b"]}) == text
    assert mask_plugin_values(text, {"hosts": ["a b"], "plugins": {"cors": {"allow_origins": "https://x"}}}) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\n b\t\x00c\u2028d ", "a b c d"),
        ("x" * 1024, "x" * 1024),
        ("x" * 1025, "x" * 1021 + "…"),
        ("ü" * 600, "ü" * 510 + "…"),
    ],
)
def test_one_line(text, line):
    assert one_line(text) == line
    assert len(line.encode()) <= 1024


@pytest.mark.parametrize("before", [0, 1000, 8000, 8185, 8191, 9000])
def test_a_value_that_a_long_text_was_cut_in_is_not_shown_in_part(before):
    text = f"plugin x err: {'y' * before} {SECRET} and more {SECRET * 500}"
    shown = mask_plugin_values(text, {"plugins": {"x": {"a": SECRET}}})
    assert SECRET[:6] not in shown
    assert len(shown) <= 8192
