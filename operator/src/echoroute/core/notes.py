"""What of an accepted spec is most likely not what was meant, and is no reason to refuse it."""

from pydantic import JsonValue

from echoroute.api.spec import EchoRouteSpec

_NO_PREFLIGHTS = (
    "note: spec.plugins.cors answers preflights, which are OPTIONS requests, and spec.match.methods has no OPTIONS: "
    "without it the gateway answers them 404"
)


def notes(spec: EchoRouteSpec) -> tuple[str, ...]:
    """One sentence for each, with the field and what to do."""
    plugins = spec.plugins or {}
    methods = spec.match.methods
    if methods is not None and "OPTIONS" not in methods and _is_on(plugins.get("cors")):
        return (_NO_PREFLIGHTS,)
    return ()


def _is_on(config: JsonValue) -> bool:
    meta = config.get("_meta") if isinstance(config, dict) else None
    return isinstance(config, dict) and not (isinstance(meta, dict) and meta.get("disable") is True)
