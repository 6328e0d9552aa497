"""A seed is enough: what else may differ from process to process, or by the time of day, is always the same."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from unittest.mock import patch
from zlib import crc32

from echoroute.api.selection import Selection, Service
from echoroute.core.objects import Key, ObjectRef
from echoroute.engine.writer import status_lane

from .cluster import START

_HASHES: dict[tuple[str, str], int] = {}


def _hash(one: str, other: str) -> int:
    parts = (one, other)
    found = _HASHES.get(parts)
    if found is None:
        found = _HASHES[parts] = crc32("/".join(parts).encode())
    return found


class _VirtualDay:
    """Stands for `datetime`, of which only `now` is asked."""

    @staticmethod
    def now(tz: tzinfo) -> datetime:
        return (START + timedelta(seconds=asyncio.get_running_loop().time())).astimezone(tz)


@contextmanager
def always() -> Iterator[None]:
    """Sets of keys and of gateway objects have one order, and the time of day is the loop's."""
    with (
        patch.object(Key, "__hash__", lambda self: _hash(self.namespace, self.name)),
        patch.object(ObjectRef, "__hash__", lambda self: _hash(self.kind, self.id)),
        patch.object(Service, "__hash__", lambda self: _hash(self.name, self.datacenter)),
        patch.object(Selection, "__hash__", lambda self: _hash(self.service.name, self.resolver)),
        patch.object(status_lane, "datetime", _VirtualDay),
    ):
        yield
