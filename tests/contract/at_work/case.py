"""What shows an open plugin at work: a config as an EchoRoute has it, requests, and what comes back of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import JsonValue

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, and what must come back. The route is for /shop/*."""

    why: str
    status: int = 200
    method: str = "GET"
    path: str = "/shop/a"
    headers: Headers | Callable[[], Headers] = field(default_factory=dict)
    body: str | None = None
    told: dict[str, str | None] = field(default_factory=dict)
    """Headers of the answer, each by a regular expression for all of it; None: there is none."""
    says: str = ""
    """What the answer's body has in it; a regular expression."""
    saw: dict[str, str | None] = field(default_factory=dict)
    """What the node saw: its path, method, host and body, or else a header; as `told`."""


@dataclass(frozen=True, slots=True)
class Case:
    plugins: dict[str, dict[str, JsonValue]]
    asks: tuple[Ask, ...]
