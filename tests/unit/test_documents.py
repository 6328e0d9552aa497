"""Links between our documents lead to something: to a file, and to a heading of it."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_DOCUMENTS = sorted(
    [*_ROOT.glob("*.md"), *_ROOT.glob("docs/*.md"), *_ROOT.glob("tests/*/*.md"), *_ROOT.glob("echo/**/README.md")]
)
_INSTALL_PAGES = ["README.md", "docs/operations.md", "docs/gitops.md", "docs/file-mode.md"]


def _headings(document: Path) -> set[str]:
    """As GitHub names them."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: str(path.relative_to(_ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if re.match(r"https?:", link):
            continue
        path, _, heading = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not heading or heading in _headings(target), link


@pytest.mark.parametrize("page", _INSTALL_PAGES)
def test_whoever_installs_it_reads_of_security_and_of_one_team(page: str) -> None:
    text = (_ROOT / page).read_text(encoding="utf-8")
    assert "security.md" in text
    assert "`ECHOROUTE_ALLOW_PLUGINS=*`" in text
