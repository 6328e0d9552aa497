"""Which field of an EchoRoute a refusal of the gateway is about: it speaks of the Route that was made of it."""

import re
from collections.abc import Mapping
from typing import Final

_PLUGIN: Final = re.compile(
    r"\bplugin (?P<checked>[A-Za-z0-9_.-]+) err:|unknown plugin \[(?P<unknown>[^\]]+)\]|for plugin \[(?P<conf>[^\]]+)\]"
)
_PROPERTY: Final = re.compile(r'^invalid configuration: property "([a-z_]+)"')
_FIELDS: Final[Mapping[str, str]] = {
    "hosts": "spec.match.hosts",
    "methods": "spec.match.methods",
    "name": "spec.name",
    "priority": "spec.match.priority",
    "remote_addrs": "spec.match.remoteAddrs",
    "upstream": "spec.upstream",
    "uri": "spec.match.paths",
    "uris": "spec.match.paths",
    "vars": "spec.match",
}
_OF_REWRITE: Final[Mapping[str, str]] = {
    "regex_uri": "regex.pattern",
    "headers": "headers",
    "host": "host",
    "uri": "path",
}


def blamed(text: str, *, rewrites: bool) -> str:
    """The gateway's words with the field before them; as they are where it is not known.

    `rewrites` is whether the spec has a `rewrite`, of which proxy-rewrite is made then.
    """
    field = _field(text, rewrites=rewrites)
    return f"{field}: {text}" if field else text


def _field(text: str, *, rewrites: bool) -> str:
    plugin = _PLUGIN.search(text)
    if plugin is not None:
        name = plugin["checked"] or plugin["unknown"] or plugin["conf"]
        if name != "proxy-rewrite" or not rewrites:
            return f"spec.plugins.{name}"
        of_rewrite = next((ours for theirs, ours in _OF_REWRITE.items() if theirs in text), "")
        return f"spec.rewrite.{of_rewrite}".rstrip(".")
    if "'vars' expression" in text:
        return "spec.match"
    found = _PROPERTY.match(text)
    return _FIELDS.get(found[1], "") if found is not None else ""
