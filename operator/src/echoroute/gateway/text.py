"""The gateway's own words, made fit to be shown: one line, bounded, without secrets of the object they are about."""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from echoroute.core.objects import JsonObject

# A condition's message is read by people; 1 KiB holds the longest refusals that APISIX writes.
MAX_BYTES: Final = 1024
MASK: Final = "***"

# Of a longer text only the beginning is looked at: masking costs its length times the number of values.
_MOST_READ: Final = 8 * MAX_BYTES

# Shorter values are no secrets, and would be found by chance in any text.
_SHORTEST_SECRET: Final = 4
# From this length on a value is masked inside of words too.
_LONG_SECRET: Final = 12

# How APISIX quotes what it refuses: `failed to match pattern "^a$" with "VALUE"`, `invalid plugin conf "VALUE"`.
_ECHOED: Final = re.compile(r'\b(with|conf) "(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_SECRETS: Final = frozenset({"uri", "regex_uri"})
_BLANKS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """Make control characters and runs of blanks one blank, and cut to 1 KiB of UTF-8."""
    line = _BLANKS.sub(" ", text).strip()
    encoded = line.encode("utf-8", "replace")
    if len(encoded) <= MAX_BYTES:
        return line
    return encoded[: MAX_BYTES - len("…".encode())].decode("utf-8", "ignore") + "…"


def mask_plugin_values(text: str, body: JsonObject) -> str:
    """Take out of `text` what came from the plugin configuration of `body`: it may hold values of Secrets.

    Names of plugins and fields stay, as do paths and patterns of a rewrite, numbers and values below four characters.
    Of a long text the beginning is left, less what may be the first part of a value that was cut.
    """
    plugins = body.get("plugins")
    if not plugins:
        return text
    secrets = {leaf for leaf in _strings(_with_secrets(plugins)) if len(leaf) >= _SHORTEST_SECRET}
    cut = len(text) > _MOST_READ
    text = text[:_MOST_READ]
    if "plugin" in text:
        text = _ECHOED.sub(rf'\1 "{MASK}"', text)
    # Longest first: a value that contains another goes as a whole.
    for secret in sorted(secrets, key=len, reverse=True):
        text = _mask(text, secret)
    if cut and secrets:
        # Twice the length: the gateway may have written a backslash before each character.
        text = text[: -2 * max(map(len, secrets))]
    return text


def _with_secrets(plugins: JsonValue) -> JsonValue:
    """Without what is no secret and has to be changed: the path and the pattern of a rewrite."""
    rewrite = plugins.get("proxy-rewrite") if isinstance(plugins, dict) else None
    if not isinstance(plugins, dict) or not isinstance(rewrite, dict):
        return plugins
    return {**plugins, "proxy-rewrite": {name: value for name, value in rewrite.items() if name not in _NO_SECRETS}}


def _mask(text: str, secret: str) -> str:
    # Lua's %q and JSON write quotes, backslashes and newlines with a backslash.
    quoted = secret.replace("\\", "\\\\").replace('"', '\\"')
    for form in {secret, quoted.replace("\n", "\\\n"), quoted.replace("\n", "\\n")}:
        if len(form) >= _LONG_SECRET:
            text = text.replace(form, MASK)
        elif form in text:
            text = re.sub(rf"(?<![A-Za-z0-9_]){re.escape(form)}(?![A-Za-z0-9_])", MASK, text)
    return text


def _strings(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _strings(item)
        case dict():
            for item in value.values():
                yield from _strings(item)
        case _:
            pass
