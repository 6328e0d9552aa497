"""Plain English: no sentence that has to be read twice, and the field's own words."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .pages import PAGES, ROOT, prose_of, sentences_of, shown
from .sentences import LONGEST
from .words import found_in

_SOURCES = sorted(
    path for folder in ("operator/src", "echo/src", "echo/consul-init/src") for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_no_sentence_is_longer_than_a_reader_can_hold(page: Path) -> None:
    assert not [f"{each.words} words: {each.text}" for each in sentences_of(page) if each.words > LONGEST]


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_words_are_those_of_the_field(page: Path) -> None:
    assert not found_in(prose_of(page))


@pytest.mark.parametrize("source", _SOURCES, ids=shown)
def test_what_a_program_says_has_the_words_of_the_field(source: Path) -> None:
    assert not [problem for text in _said(source) for problem in found_in(text)]


def _said(source: Path) -> Iterator[str]:
    """Strings that people may get to read: all but docstrings, which are for maintainers."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        for field in ast.iter_child_nodes(node):
            is_docstring = isinstance(node, ast.Expr)
            if isinstance(field, ast.Constant) and isinstance(field.value, str) and not is_docstring:
                yield field.value
