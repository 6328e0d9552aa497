"""The page with the statuses of file mode, which the operator serves and `echoroute status` reads."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from echoroute.api.objects import API_VERSION, KIND
from echoroute.api.status import EchoRouteStatus
from echoroute.core.objects import JsonObject, Key
from echoroute.folder.catalog import Stored
from echoroute.folder.files import File

PATH = "/echoroutes"


class _PageModel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class Metadata(_PageModel):
    namespace: str
    name: str
    generation: int


class Item(_PageModel):
    """An EchoRoute as `kubectl get -o json` shows it, with only the parts of its spec that cannot hold a secret."""

    api_version: str = API_VERSION
    kind: str = KIND
    metadata: Metadata
    spec: JsonObject
    status: EchoRouteStatus


class FileReport(_PageModel):
    """A manifest; a broken one has a `problem`, and what it held before goes on."""

    name: str
    echo_routes: int
    problem: str | None = None


class Folder(_PageModel):
    path: str
    error: str | None = None
    files: tuple[FileReport, ...]


class Page(_PageModel):
    """A list as Kubernetes has it, beside what is to be said of the folder and of deletions that the brake holds."""

    api_version: str = API_VERSION
    kind: str = f"{KIND}List"
    items: tuple[Item, ...]
    folder: Folder
    deletions_held: str | None = None


def page(folder: Path, files: Mapping[str, File], objects: Iterable[tuple[Key, Stored]], *, error: str) -> Page:
    """The page as of now."""
    return Page(
        items=tuple(_item(key, stored) for key, stored in objects),
        folder=Folder(
            path=str(folder),
            error=error or None,
            files=tuple(
                FileReport(name=name, echo_routes=len(file.declared), problem=file.problem or None)
                for name, file in sorted(files.items())
            ),
        ),
    )


def _item(key: Key, stored: Stored) -> Item:
    return Item(
        metadata=Metadata(namespace=key.namespace, name=key.name, generation=stored.generation),
        spec=_public(stored.wanted.spec),
        status=EchoRouteStatus.model_validate(stored.status),
    )


def _public(spec: JsonObject) -> JsonObject:
    match, backends = spec.get("match"), spec.get("backends")
    shown: JsonObject = {"match": _only(match, "paths", "hosts")}
    if isinstance(backends, list):
        shown["backends"] = [_only(backend, "service") for backend in backends]
    return shown


def _only(value: JsonValue, *names: str) -> JsonObject:
    return {name: value[name] for name in names if name in value} if isinstance(value, dict) else {}
