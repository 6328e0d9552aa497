"""Which field a refusal of the gateway is about."""

import pytest
from echoroute.core.blame import blamed

_CHECKED = "failed to check the configuration of plugin"


@pytest.mark.parametrize(
    ("text", "rewrites", "field", "why"),
    [
        (
            f"{_CHECKED} limit-count err: then clause did not match",
            False,
            "spec.plugins.limit-count",
            "a plugin's config",
        ),
        ('invalid plugin conf "***" for plugin [cors]', False, "spec.plugins.cors", "no config at all"),
        ("unknown plugin [nosuch]", False, "spec.plugins.nosuch", "one that the gateway has not got"),
        (f"{_CHECKED} proxy-rewrite err: invalid regex_uri((, /$1): ...", True, "spec.rewrite.regex.pattern", "ours"),
        (
            f"{_CHECKED} proxy-rewrite err: invalid regex_uri((, /$1): ...",
            False,
            "spec.plugins.proxy-rewrite",
            "theirs",
        ),
        (f"{_CHECKED} proxy-rewrite err: something else", True, "spec.rewrite", "ours, somewhere"),
        (
            "failed to validate the 'vars' expression: invalid operator 'x'",
            False,
            "spec.match",
            "of vars and conditions",
        ),
        (
            'invalid configuration: property "hosts" validation failed: ...',
            False,
            "spec.match.hosts",
            "a name of APISIX's",
        ),
        ('invalid configuration: property "uris" validation failed: ...', False, "spec.match.paths", "another"),
        ('invalid configuration: property "nosuch" validation failed', False, "", "a field that is none of ours"),
        ("HTTP 413 Request Entity Too Large", False, "", "not about a field"),
    ],
)
def test_the_message_begins_with_the_field(text, rewrites, field, why):
    assert blamed(text, rewrites=rewrites) == (f"{field}: {text}" if field else text), why
