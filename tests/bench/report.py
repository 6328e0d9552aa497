"""The table: each figure beside its floor, measured in the same run, and its goal."""

import os
import sys
import time
from dataclasses import dataclass, field

_BEGAN = time.monotonic()


def say(text: str) -> None:
    """Progress, so that minutes of measuring are not minutes of silence."""
    print(f"{time.monotonic() - _BEGAN:6.0f} s  {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `met` is None where there is no goal; a gating row that is not met fails the run."""

    what: str
    figure: str
    floor: str = ""
    goal: str = ""
    met: bool | None = None
    gating: bool = False

    @property
    def verdict(self) -> str:
        if self.met is None:
            return ""
        words = {(True, True): "PASS", (True, False): "FAIL", (False, True): "met", (False, False): "missed"}
        return words[self.gating, self.met]


@dataclass(slots=True)
class Report:
    """The rows so far, in the order in which they were measured."""

    gateway: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        say(f"{row.what}: {row.figure}  {row.verdict}".rstrip())

    @property
    def failed(self) -> list[Row]:
        return [row for row in self.rows if row.gating and row.met is False]

    def __str__(self) -> str:
        load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
        cells = [("what", "measured", "floor", "goal", "")]
        cells += [(row.what, row.figure, row.floor, row.goal, row.verdict) for row in self.rows]
        widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
        lines = [
            "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |"
            for line in cells
        ]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        head = f"Gateway: {self.gateway}. {os.cpu_count()} cores, load average at the end {load}. PASS and FAIL gate."
        return "\n".join([head, "", *lines, *([""] if self.notes else []), *(f"- {note}" for note in self.notes)])
