"""The table of APISIX's plugins."""

import pytest
from echoroute.core.plugins import CLOSED, PluginClass, known_plugins, plugin_class


def test_has_each_plugin_of_apisix_3_18_once():
    assert len(known_plugins()) == 107
    classes = [plugin_class(name) for name in known_plugins()]
    assert {kind: classes.count(kind) for kind in PluginClass} == {
        PluginClass.PLAIN: 42,
        PluginClass.NETWORK: 43,
        PluginClass.CLOSED: 22,
    }


def test_knows_nothing_of_other_names():
    assert plugin_class("corz") is None
    assert plugin_class("CORS") is None  # names are case-sensitive in APISIX
    assert plugin_class("") is None


@pytest.mark.parametrize(
    ("why", "name", "kind"),
    [
        ("a header policy", "cors", PluginClass.PLAIN),
        ("credentials are checked against the gateway's own consumers", "key-auth", PluginClass.PLAIN),
        ("runs other plugins, each of which is judged itself", "workflow", PluginClass.PLAIN),
        ("may count in a Redis that its config names", "limit-count", PluginClass.NETWORK),
        ("asks a server that its config names", "forward-auth", PluginClass.NETWORK),
        ("sends traffic to nodes that its config names", "traffic-split", PluginClass.NETWORK),
        ("runs Lua", "serverless-pre-function", PluginClass.CLOSED),
        ("renders templates that are Lua", "body-transformer", PluginClass.CLOSED),
        ("renders templates that are Lua", "ai-prompt-template", PluginClass.CLOSED),
        ("starts processes", "mcp-bridge", PluginClass.CLOSED),
        ("writes any path", "file-logger", PluginClass.CLOSED),
        ("opens control endpoints", "public-api", PluginClass.CLOSED),
    ],
)
def test_class_of(why, name, kind):
    assert plugin_class(name) is kind, why


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_plugin_has_a_reason(name):
    assert plugin_class(name) is PluginClass.CLOSED
    assert len(CLOSED[name]) > 20
