"""What a status says in its conditions."""

from echoroute.core.objects import JsonObject


def conditions(status: JsonObject) -> dict[str, tuple[str, str]]:
    raw = status["conditions"]
    assert isinstance(raw, list)
    found: dict[str, tuple[str, str]] = {}
    for item in raw:
        assert isinstance(item, dict)
        found[str(item["type"])] = (str(item["status"]), str(item["reason"]))
    assert len(found) == len(raw)
    return found


def field_of(status: JsonObject, type_: str, name: str) -> object:
    raw = status["conditions"]
    assert isinstance(raw, list)
    (value,) = (item[name] for item in raw if isinstance(item, dict) and item["type"] == type_)
    return value
