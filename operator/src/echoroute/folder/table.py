"""The statuses as a table, in the manner of `kubectl get er -A`."""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from echoroute.core.text import escaped
from echoroute.folder.page import Item, Page

_COLUMNS = ("NAMESPACE", "NAME", "PATHS", "SERVICE", "READY", "HEALTHY", "REASON")
_WIDE = ("HOSTS", "ROUTE-ID")


def table(page: Page, *, wide: bool) -> str:
    """One line for each EchoRoute below a line of headings; with `wide` also hosts and route id."""
    shown = (tuple(map(escaped, _row(item, wide=wide))) for item in page.items)
    rows = [_COLUMNS + (_WIDE if wide else ()), *shown]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def notes(page: Page) -> Iterator[str]:
    """What is to be said beside the table: a folder that cannot be read, broken files, deletions that are held."""
    if page.folder.error:
        yield f"{page.folder.error}; its routes stay as they are"
    for file in page.folder.files:
        if file.problem:
            yield f"{file.name} {file.problem}; its previous routes stay, and no route is removed meanwhile"
    if page.deletions_held:
        yield page.deletions_held


def _row(item: Item, *, wide: bool) -> tuple[str, ...]:
    ready = next((one for one in item.status.conditions or () if one.type == "Ready"), None)
    instances = item.status.instances
    row = (
        item.metadata.namespace,
        item.metadata.name,
        _joined(_match(item, "paths")),
        item.status.services or "",
        ready.status if ready else "Unknown",
        str(instances.healthy) if instances else "",
        ready.reason if ready else "",
    )
    if not wide:
        return row
    return (*row, _joined(_match(item, "hosts")), item.status.route_id or "")


def _match(item: Item, name: str) -> Sequence[JsonValue]:
    match = item.spec.get("match")
    values = match.get(name) if isinstance(match, dict) else None
    return values if isinstance(values, list) else ()


def _joined(values: Sequence[JsonValue]) -> str:
    return ",".join(str(value) for value in values)
