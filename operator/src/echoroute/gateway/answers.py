"""What an answer of the Admin API means: an object, its absence, or one of the errors of `echoroute.errors`."""

import http
import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from pydantic import JsonValue

from echoroute.core.changes import Change, Put, Stored
from echoroute.core.json import parse
from echoroute.core.objects import JsonObject, Kind, ObjectRef
from echoroute.errors import GatewayDeferred, GatewayError, GatewayRejected, GatewayUnauthorized, GatewayUnavailable
from echoroute.gateway.text import mask_plugin_values, one_line

# APISIX's own answer for an object that does not exist; any other 404 comes from something that is no Admin API.
_KEY_NOT_FOUND: Final = "Key not found"

# Refusals with 400 that say nothing about the object: another object is still, or not yet, there.
_IN_USE: Final = "is still using it"
_MISSING_REFERENCE: Final = ("failed to fetch ", ", response code: ")

# Set or refused by the gateway itself, so never part of what is written.
_SET_BY_GATEWAY: Final = ("id", "create_time", "update_time")

_YEAR_10000: Final = 253_402_300_800


def is_absent(response: httpx.Response) -> bool:
    """Tell whether the API says that the object does not exist."""
    return response.status_code == http.HTTPStatus.NOT_FOUND and _text(response) == _KEY_NOT_FOUND


def check_read(response: httpx.Response, what: str, *, key: str) -> None:
    """Raise unless `response` is a 200 with JSON. `what` was read, and `key` is the setting of the admin key."""
    if response.status_code != http.HTTPStatus.OK:
        raise _unusable(response, what, key)
    _check_json(response, what)


def check_change(response: httpx.Response, change: Change, *, key: str) -> None:
    """Raise unless `response` says that `change` is made; `key` as for `check_read`."""
    what = f"{'PUT' if isinstance(change, Put) else 'DELETE'} {change.ref}"
    match response.status_code:
        case 200 | 201:
            _check_json(response, what)
        case 404 if not isinstance(change, Put) and is_absent(response):
            return
        case 400 | 413:
            raise _refusal(response, change, what)
        case _:
            raise _unusable(response, what, key, change)


def stored(item: JsonValue, kind: Kind) -> tuple[ObjectRef, Stored] | None:
    """Read one `{key, value, createdIndex, modifiedIndex}` of the API; None if it is none.

    A value that is no object, which only a write past the API can be, counts as an empty one: nobody's.
    """
    if isinstance(item, dict):
        key, index, value = item.get("key"), item.get("modifiedIndex"), item.get("value")
        if isinstance(key, str) and isinstance(index, int):
            body = value if isinstance(value, dict) else {}
            created = _time(body.get("create_time"))
            for name in _SET_BY_GATEWAY:
                body.pop(name, None)
            return ObjectRef(kind, key.rpartition("/")[2]), Stored(body, created, index)
    return None


def listed(response: httpx.Response, kind: Kind) -> tuple[dict[ObjectRef, Stored], list[str]]:
    """Read an unpaged list: its objects, and names for those that cannot be read, which are nobody's.

    Raises `GatewayUnavailable` if it is incomplete: absence has consequences.
    """
    answer = json_of(response, f"GET {kind}")
    items, total = answer.get("list"), answer.get("total")
    if items == {}:
        items = []  # Lua has one type for both
    if not isinstance(items, list) or total != len(items):
        raise GatewayUnavailable(f"GET {kind}: the answer is no complete list; is this APISIX's Admin API (v3)?")
    found = [stored(item, kind) for item in items]
    unreadable = [_name(item, kind) for item, one in zip(items, found, strict=True) if one is None]
    if items and len(unreadable) == len(items):
        raise GatewayUnavailable(f"GET {kind}: objects without key or modifiedIndex; is this APISIX's Admin API (v3)?")
    return dict(one for one in found if one is not None), unreadable


def json_of(response: httpx.Response, what: str) -> JsonObject:
    """Parse the body once. Raises `GatewayUnavailable` if it is no JSON object."""
    try:
        answer = parse(response.content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise GatewayUnavailable(f"{what}: the answer is no JSON object; is this APISIX's Admin API?")
    return answer


def _check_json(response: httpx.Response, what: str) -> None:
    # A login page or another server's start page answers 200 to anything.
    if not response.headers.get("content-type", "").startswith("application/json"):
        raise GatewayUnavailable(f"{what}: HTTP {response.status_code} without JSON; is this APISIX's Admin API?")


def _refusal(response: httpx.Response, change: Change, what: str) -> GatewayError:
    text = one_line(_masked(_text(response), change) or _status(response))
    waits = _IN_USE in text or all(part in text for part in _MISSING_REFERENCE)
    return GatewayDeferred(f"{what}: {text}") if waits else GatewayRejected(text)


def _unusable(response: httpx.Response, what: str, key: str, change: Change | None = None) -> GatewayError:
    status, text = response.status_code, _masked(_text(response), change)
    message = one_line(f"{what}: {_status(response)}{': ' if text else ''}{text}")
    if status in (401, 403):
        return GatewayUnauthorized(f"{message}; check {key} and the gateway's allow_admin")
    if status == http.HTTPStatus.NOT_FOUND:
        message = f"{message}; this is no Admin API: check ECHOROUTE_APISIX_ADMIN_URL"
    return GatewayUnavailable(message, retry_after=_retry_after(response))


def _masked(text: str, change: Change | None) -> str:
    return mask_plugin_values(text, change.body) if isinstance(change, Put) else text


def _status(response: httpx.Response) -> str:
    return f"HTTP {response.status_code} {response.reason_phrase}".rstrip()


def _text(response: httpx.Response) -> str:
    """What the API says is wrong; '' where the answer is none of its own (a proxy's HTML page)."""
    try:
        answer = parse(response.content)
    except ValueError:
        return "" if b"<" in response.content[:64] else response.text
    if isinstance(answer, dict):
        # 401 has both; `req_body`, which repeats what was sent, is left out.
        parts = [answer.get(name) for name in ("error_msg", "message", "description")]
        return ": ".join(part for part in parts if isinstance(part, str))
    return ""


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds until the time that Retry-After names, as a number or as a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value) if value.isdigit() else _seconds_until(value)
    except (ValueError, OverflowError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float:
    when = parsedate_to_datetime(date)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()


def _time(value: JsonValue) -> int:
    """A time of the gateway in seconds since the epoch; 0 for what is none."""
    return int(value) if isinstance(value, int | float) and 0 < value < _YEAR_10000 else 0


def _name(item: JsonValue, kind: Kind) -> str:
    key = item.get("key") if isinstance(item, dict) else None
    return one_line(key)[:100] if isinstance(key, str) else f"one of {kind} without a key"
