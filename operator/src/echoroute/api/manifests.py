"""EchoRoutes from YAML or JSON text, read as kubectl reads it: YAML 1.1 without dates, several documents, Lists."""

from collections.abc import Iterator

import yaml
from pydantic import JsonValue, TypeAdapter, ValidationError

from echoroute.api.objects import API_VERSION, GROUP, KIND
from echoroute.errors import EchoRouteError

JsonObject = dict[str, JsonValue]

_MAX_VALUES = 100_000

_json: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class InvalidManifest(EchoRouteError):
    """A manifest that cannot be read as Kubernetes objects."""


# Not libyaml's parser, which is faster: deep nesting makes it end the process.
class _Loader(yaml.SafeLoader):
    """Only what JSON has: `2024-01-01` stays a string, and a key that stands twice is an error, as for kubectl."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as in the base class
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key.value}' stands twice", key.start_mark)
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep))


def echo_routes(text: str) -> Iterator[JsonObject]:
    """The EchoRoutes in a manifest, in order; objects of other kinds are passed over.

    Raises `InvalidManifest` where the text is no YAML, no JSON inside, or has an EchoRoute of an unknown version.
    """
    try:
        for document in yaml.load_all(text, _Loader):
            if _values(document, {}) > _MAX_VALUES:
                raise InvalidManifest(
                    f"has more than {_MAX_VALUES:,} values in a document, once its aliases are written out"
                )
            yield from _echo_routes(_json.validate_python(document))
    except yaml.YAMLError as error:
        raise InvalidManifest(f"is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError:
        raise InvalidManifest("has something that JSON does not have, such as a key that is no string") from None


def _values(value: object, counted: dict[int, int]) -> int:
    """How many values there are, an alias counted as what it stands for: a few lines can mean billions."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in counted:
        counted[id(value)] = 1  # an alias for what it stands in; refused later
        children = value.values() if isinstance(value, dict) else value
        counted[id(value)] += sum(_values(child, counted) for child in children)
    return counted[id(value)]


def _echo_routes(document: JsonValue) -> Iterator[JsonObject]:
    if not isinstance(document, dict):
        if document is not None:
            raise InvalidManifest("is not a Kubernetes object: it has no fields")
        return
    items = document.get("items")
    version = str(document.get("apiVersion"))
    if document.get("kind") == "List" or document.get("kind") == f"{KIND}List":
        for item in items if isinstance(items, list) else ():
            yield from _echo_routes(item)
    elif document.get("kind") == KIND and version == API_VERSION:
        yield document
    elif document.get("kind") == KIND and version.partition("/")[0] == GROUP:
        raise InvalidManifest(f"has an {KIND} of {version}, which is not known; write {API_VERSION}")
