"""The generated reference of metrics: each that the code makes, with the labels and the help that it has there.

They are read from the source: the registry knows the labels of a metric only once it was counted.
"""

import ast
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from echoroute.reference.tables import table

_TYPES = {
    "Counter": "counter",
    "Gauge": "gauge",
    "GaugeMetricFamily": "gauge",
    "Histogram": "histogram",
    "Info": "info",
}


class Metric(NamedTuple):
    name: str
    labels: tuple[str, ...]
    type: str
    help: str

    @property
    def shown(self) -> str:
        """As a query names it."""
        return f"{self.name}{{{','.join(self.labels)}}}" if self.labels else self.name


def metrics() -> str:
    """A table of all metrics by name."""
    rows = ((f"`{each.shown}`", each.type, each.help) for each in sorted(set(_of(files("echoroute")))))
    return "\n".join(table("| metric | type | meaning |", rows))


def _of(package: Traversable) -> Iterator[Metric]:
    for entry in package.iterdir():
        if entry.is_dir():
            yield from _of(entry)
        elif entry.name.endswith(".py"):
            yield from _made_in(ast.parse(entry.read_text(encoding="utf-8")))


def _made_in(module: ast.Module) -> Iterator[Metric]:
    for node in ast.walk(module):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TYPES):
            continue
        match [*map(_literal, node.args)]:
            case [str(name), str(about), *others]:
                by_keyword = [_literal(each.value) for each in node.keywords if each.arg == "labels"]
                labels = next((each for each in (*others, *by_keyword) if isinstance(each, tuple)), ())
                # `Info` appends its suffix itself.
                full = f"{name}_info" if node.func.id == "Info" else name
                yield Metric(full, tuple(map(str, labels)), _TYPES[node.func.id], about)


def _literal(node: ast.expr) -> object:
    try:
        value: object = ast.literal_eval(node)
    except ValueError:
        return None
    return value
