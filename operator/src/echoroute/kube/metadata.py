"""Lists of objects' metadata, read for names and versions alone.

Nine tenths of such a list are managed fields. To make Python objects of them was most of what a round cost at rest.
"""

from pydantic import JsonValue, TypeAdapter
from typing_extensions import TypedDict

from echoroute.core.json import parse

_ListMeta = TypedDict("_ListMeta", {"resourceVersion": str, "continue": str}, total=False)


class _ObjectMeta(TypedDict):
    namespace: str
    name: str
    resourceVersion: str


class _Object(TypedDict):
    metadata: _ObjectMeta


class _List(TypedDict):
    metadata: _ListMeta
    items: list[_Object]


_LIST = TypeAdapter(_List)


def metadata_list(data: bytes) -> JsonValue:
    """A list of metadata, less all but names and versions where it is as it should be, else whatever it is.

    Raises `ValueError` where it is no JSON.
    """
    try:
        found: JsonValue = _LIST.validate_json(data)  # type: ignore[assignment]
    except ValueError:
        return parse(data)  # managed fields follow the spec, however deep that is
    return found
