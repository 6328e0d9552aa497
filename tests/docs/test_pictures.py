"""The pictures are of what is there: well-formed, of the demo's steps, and without anything that a page would load."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from .pages import DOCS, ROOT, shown
from .screen import PICTURE, picture

_PICTURES = sorted((DOCS / "pictures").iterdir())


@pytest.mark.parametrize("path", _PICTURES, ids=shown)
def test_a_picture_is_one_file_that_loads_nothing(path: Path) -> None:
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314  # a file of ours
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [node for node in root.iter() if node.tag.endswith(("script", "image", "foreignObject"))]


def test_the_screen_shows_the_steps_of_the_demo() -> None:
    shown_text = PICTURE.read_text(encoding="utf-8").replace("\u00a0", " ")
    steps = re.findall(r"with step\(f?\"([^\"{]+)", (ROOT / "tests/demo/demo.py").read_text(encoding="utf-8"))
    assert len(steps) > 8
    assert not [step for step in steps if step not in shown_text], (
        "run: make demo | PYTHONPATH=tests python -m docs.screen"
    )


def test_a_screen_keeps_its_columns_and_its_characters() -> None:
    assert "a\u00a0\u00a0&lt;b&gt;" in picture("a  <b>\n")
