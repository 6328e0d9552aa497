"""What the checks of the pages see: a check that sees nothing would pass for ever."""

from pathlib import Path

from . import pages
from .pages import headings_of, links_of, prose_of, sentences_of, text_of


def _page(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    text_of.cache_clear()
    return page


def test_links_are_those_of_the_prose_and_of_pictures(tmp_path: Path) -> None:
    page = _page(tmp_path, '[a](b.md#c) `[no](x)` <img src="d.svg">\n```\n[no](y)\n```\n')
    assert links_of(page) == ["b.md#c", "d.svg"]
    assert "no" not in prose_of(page).replace("[no](x)", "")


def test_headings_are_anchors_as_a_code_host_makes_them(tmp_path: Path) -> None:
    page = _page(tmp_path, "# 404 at the `gateway`?\n## Same\n## Same\n```\n# no\n```\n")
    assert headings_of(page) == {"404-at-the-gateway", "same", "same-1"}


def test_sentences_are_those_of_paragraphs_items_and_cells(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    page = _page(
        tmp_path, "One two\nthree. **Four** [five](six.md): `a b c`.\n\n- Seven.\n\n| Eight nine | Ten |\n|---|---|\n"
    )
    found = list(sentences_of(page))
    assert [each.text for each in found] == [
        "One two three.",
        "Four [five](six.md):",
        "`a b c`.",
        "Seven.",
        "Eight nine",
        "Ten",
    ]
    assert [each.words for each in found] == [3, 2, 1, 1, 2, 1]
