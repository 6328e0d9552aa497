"""The recordings: exchanges with the Admin API, and cases of the data plane (recordings/README.md)."""

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_RECORDINGS = Path(__file__).parent / "recordings"
_CASES = ("dataplane", "neighbours", "matching", "discovery", "rewriting")
ADMIN_KEY = "edd1c9f034335f136f87ad84b625c8f1"
VIEWER_KEY = "4054f7cf07e344346cd3f287985e76a2"


class Recorded(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Padded(Recorded):
    """A text that was recorded short: `starts` begins with it, and blanks fill it up."""

    omitted_bytes: int
    starts: str

    @property
    def text(self) -> str:
        return self.starts.rstrip().ljust(self.omitted_bytes)


class AdminRequest(Recorded):
    method: str
    path: str
    headers: dict[str, str]
    body: str | Padded | None

    @property
    def text(self) -> str | None:
        return self.body.text if isinstance(self.body, Padded) else self.body

    @property
    def kind(self) -> str:
        """The kind of object that the path names; "" for none."""
        below = urlsplit(self.path).path.partition("/apisix/admin/")[2]
        return below.partition("/")[0]


class AdminResponse(Recorded):
    status: int
    headers: dict[str, str]
    content: JsonValue = Field(alias="json")


class Exchange(Recorded):
    n: int
    group: str
    name: str
    request: AdminRequest
    response: AdminResponse


class StoredObject(Recorded):
    kind: str
    id: str
    doc: dict[str, JsonValue]


class DataPlaneExchange(Recorded):
    """`headers` are pairs where one of them is repeated."""

    method: str
    path: str
    headers: dict[str, str] | tuple[tuple[str, str], ...]
    body: str | None
    status: int
    response_headers: dict[str, str]
    content: JsonValue = Field(alias="json")
    text: str | None


class Registration(Recorded):
    """An instance, in the words of Consul's API."""

    model_config = ConfigDict(serialize_by_alias=True)

    id: str = Field(alias="ID")
    service: str = Field(alias="Name")
    address: str | None = Field(default=None, alias="Address")
    port: int | None = Field(default=None, alias="Port")


class Case(Recorded):
    """`registrations` are in Consul while the case runs."""

    case: str
    registrations: list[Registration] = []
    objects: list[StoredObject]
    admin_status: list[int]
    exchanges: list[DataPlaneExchange]


def _lines(name: str) -> list[str]:
    return (_RECORDINGS / name).read_text(encoding="utf-8").splitlines()


@cache
def exchanges() -> tuple[Exchange, ...]:
    """All recorded exchanges with the Admin API, in order."""
    return tuple(Exchange.model_validate_json(line) for line in _lines("admin-api.jsonl"))


def case_lines() -> list[str]:
    """The cases of the data plane as JSON text, so that addresses can be replaced before they are read."""
    return [line for name in _CASES for line in _lines(f"{name}.jsonl")]
