"""Plugin configs that APISIX accepts and answers with 500: refused here, since CEL cannot look into a plugin's config.

Measured on APISIX 3.18. The list holds what looks right and never works, not what the gateway refuses by itself.
"""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from echoroute.errors import FieldError

_SPLIT = "traffic-split"


def traps(plugins: Mapping[str, JsonValue]) -> Iterator[FieldError]:
    """What is wrong with plugin configs although the gateway takes them. `plugins` is `spec.plugins`."""
    split = plugins.get(_SPLIT)
    rules = split.get("rules") if isinstance(split, dict) else None
    field = f"spec.plugins.{_SPLIT}.rules"
    if rules == []:
        yield FieldError(field, "must have a rule: without one APISIX answers 500; or leave the plugin out")
    for at, rule in enumerate(rules if isinstance(rules, list) else ()):
        weighted = rule.get("weighted_upstreams") if isinstance(rule, dict) else None
        for index, entry in enumerate(weighted if isinstance(weighted, list) else ()):
            upstream = entry.get("upstream") if isinstance(entry, dict) else None
            if isinstance(upstream, dict) and "service_name" in upstream:
                yield FieldError(
                    f"{field}[{at}].weighted_upstreams[{index}].upstream",
                    "must not be discovered in place (service_name): APISIX accepts it and answers 500 for its share; "
                    "name an Upstream object with upstream_id, or give nodes",
                )
