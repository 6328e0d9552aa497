"""EchoRoutes from YAML or JSON text, read as kubectl reads it: YAML 1.1 without dates, several documents, Lists."""

import re
from collections.abc import Iterator

import yaml
from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError

from echoroute.api.objects import API_VERSION, GROUP, KIND
from echoroute.errors import EchoRouteError

JsonObject = dict[str, JsonValue]

_MAX_VALUES = 100_000

_json: TypeAdapter[JsonValue] = TypeAdapter(JsonValue, config=ConfigDict(allow_inf_nan=False))

_QUOTED = re.compile(r"""(anchor|alias|tag|handle) (?:'.*'|".*")""")
"""A name that PyYAML quotes from the text: in `key: *word` and `key: !word` it may have been meant as a password."""


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
            if not isinstance(key, yaml.ScalarNode):
                continue  # refused below: no key of JSON
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key.value}' stands twice", key.start_mark)
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep))

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        """As JSON has it, two escapes may be one character (RFC 8259, 7); one half alone is an error."""
        text = super().construct_scalar(node)
        return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16")

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # What PyYAML's functions raise for `0x_`, `!!int word`, `!!bool word`, `!!timestamp word` and the like.
            raise yaml.constructor.ConstructorError(
                None, None, "a value that is not what it is marked as, or not valid Unicode", node.start_mark
            ) from None


def echo_routes(text: str) -> Iterator[JsonObject]:
    """The EchoRoutes in a manifest, in order; objects of other kinds are passed over.

    Raises `InvalidManifest` where the text is no YAML, no JSON inside, or has an EchoRoute of an unknown version; it
    shows none of the text but keys, since anything else may be a secret.
    """
    try:
        for document in yaml.load_all(text, _Loader):
            if _values(document, {}) > _MAX_VALUES:
                raise InvalidManifest(
                    f"has more than {_MAX_VALUES:,} values in a document, once its aliases are written out"
                )
            yield from _echo_routes(_json.validate_python(document))
    except yaml.YAMLError as error:
        raise InvalidManifest(f"is not YAML: {_problem(error)}") from None  # its text has the lines around
    except ValidationError:
        raise InvalidManifest("has something that JSON does not have, such as a key that is no string") from None
    except (OverflowError, ValueError):
        raise InvalidManifest("is not YAML: an escape that is no character") from None
    except RecursionError:
        raise InvalidManifest("is nested too deeply") from None


def _problem(error: yaml.YAMLError) -> str:
    """What PyYAML says, and where, without the text that it found there."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    said = ": ".join(_QUOTED.sub(r"\1", part) for part in (error.context, error.problem) if part)
    mark = error.problem_mark or error.context_mark
    return f"{said} (line {mark.line + 1}, column {mark.column + 1})" if mark else said


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
