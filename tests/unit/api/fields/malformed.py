"""What a malformed spec is: good but for one thing, which a message must name."""

from collections.abc import Iterable
from typing import NamedTuple


class Malformed(NamedTuple):
    """A spec that must be refused."""

    why: str
    spec: object
    field: str
    """The field that the message must name."""
    says: str
    """What the message of the models must contain; the API server's too where `ring` is 'cel'."""
    ring: str
    """Where it is refused first: 'schema' and 'cel' by the API server, 'operator' by parse_spec or policy alone."""


def spec(match=None, **fields):
    """A spec that is good but for what is given."""
    return {"match": {"paths": ["/a/*"], **(match or {})}, "backends": [{"service": "echo"}], **fields}


def beside_match(rows: Iterable[tuple[str, dict[str, object], str, str, str]]) -> list[Malformed]:
    """Rows that are told shorter: why, what is beside match, the field below spec, what the message says, the ring."""
    return [Malformed(why, spec(**fields), f"spec.{field}", says, ring) for why, fields, field, says, ring in rows]


def of_match(rows: Iterable[tuple[str, dict[str, object], str, str, str]]) -> list[Malformed]:
    """Rows that are told shorter: why, match, the field below spec.match, what the message says, the ring."""
    return [Malformed(why, spec(match), f"spec.match.{field}", says, ring) for why, match, field, says, ring in rows]


def rewrite_headers(**headers):
    return {"rewrite": {"headers": headers}}


NULL = "must not be null"
