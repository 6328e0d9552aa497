"""The demo's screen as docs/pictures/demo.svg: `make demo | PYTHONPATH=tests python -m docs.screen` writes it."""

import math
import sys
from html import escape

from .pages import DOCS

PICTURE = DOCS / "pictures" / "demo.svg"
_BLANK = "\u00a0"  # not every program that shows an SVG keeps several blanks
_FONTS = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_LINE, _MARGIN, _TOP = 19, 24, 56
_CHARACTER = 7.83
"""How wide one is in the widest of the fonts."""


def picture(screen: str) -> str:
    """A terminal window with these lines."""
    lines = [line.rstrip() for line in screen.strip("\n").splitlines()]
    rows = (_row(number, line) for number, line in enumerate(lines, start=1) if line)
    height = _TOP + _LINE * (len(lines) + 1)
    width = math.ceil(2 * _MARGIN + _CHARACTER * max(map(len, lines)))
    dots = "".join(
        f'<circle cx="{_MARGIN + 20 * place}" cy="24" r="6" fill="{fill}"/>'
        for place, fill in enumerate(("#f87171", "#fbbf24", "#34d399"))
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "  <title>make demo</title>",
            f'  <rect width="{width}" height="{height}" rx="10" fill="#0f172a"/>',
            f"  {dots}",
            f'  <g font-family="{_FONTS}" font-size="13" fill="#e2e8f0">',
            f'    <text x="{_MARGIN}" y="{_TOP}" fill="#34d399">$ make demo</text>',
            *rows,
            "  </g>",
            "</svg>",
            "",
        ]
    )


def _row(number: int, line: str) -> str:
    text = escape(line, quote=False).replace(" ", _BLANK)
    return f'    <text x="{_MARGIN}" y="{_TOP + _LINE * number}"{_colour(line)}>{text}</text>'


def _colour(line: str) -> str:
    """What a step printed is indented more than the step itself, and is what a reader should see."""
    return ' fill="#7dd3fc"' if line.startswith("      ") else ""


if __name__ == "__main__":
    shown = sys.stdin.read().replace("\r", "")
    begin, end = (
        shown.index("  EchoRoute: from"),
        shown.index("All of it stays") if "All of it stays" in shown else None,
    )
    PICTURE.write_text(picture(shown[begin:end]), encoding="utf-8")
