"""Links lead to something, and every page is one link away from the README or from the index of docs/."""

from pathlib import Path

import pytest

from .pages import DOCS, PAGES, ROOT, headings_of, is_elsewhere, links_of, shown

_INDEXES = [ROOT / "README.md", DOCS / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in links_of(page):
        if is_elsewhere(link):
            continue
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (heading and heading not in headings_of(target)):
            dead.append(link)
    assert not dead


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=shown)
def test_an_index_links_every_page(page: Path) -> None:
    linked = {
        (index.parent / link.partition("#")[0]).resolve()
        for index in _INDEXES
        for link in links_of(index)
        if not is_elsewhere(link)
    }
    assert page in {*linked, *_INDEXES}, f"link it from {' or '.join(map(shown, _INDEXES))}"


@pytest.mark.parametrize("page", ["README.md", "docs/install.md", "docs/gitops.md", "docs/file-mode.md"])
def test_whoever_installs_it_reads_about_security_and_about_one_team(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert "security.md" in text
    assert "`ECHOROUTE_ALLOW_PLUGINS=*`" in text
