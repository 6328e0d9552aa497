"""Our Markdown pages, as values: headings, links, console blocks, and the sentences that a reader reads."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        *ROOT.glob("tests/*/*.md"),
        *ROOT.glob("examples/*.md"),
        *ROOT.glob("echo/**/README.md"),
        *ROOT.glob("operator/*.md"),
    ]
)
"""Everything that is written for people to read."""

_FENCED = re.compile(r"^( *)```.*?^\1```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)|\b(?:src|href)=\"([^\"]+)\"")
_BLOCK_START = re.compile(r"^\s*(?:[-*]|\d+\.)\s+|^#+ .*$|^\s*$|^\|")
# A full stop, perhaps before a quote, a bracket or emphasis, and a space: names such as kopf begin a sentence, too.
# A colon ends one where a capital follows.
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')*]*\s+(?=\S)|(?<=:)[\"')*]*\s+(?=[\"'(*`\[]?[A-Z0-9`\[])")
_MARKUP = re.compile(r"<!--.*?-->|<[^>]+>|[*_]{2}")


class Sentence(NamedTuple):
    page: str
    text: str

    @property
    def words(self) -> int:
        """Code counts as one word however long it is; so does a link's address, which nobody reads, as none."""
        text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "code", self.text))
        return len(re.findall(r"[\w$][\w'.$/-]*", text))


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """The text without what stands in fences."""
    return _FENCED.sub("", text_of(page))


def headings_of(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them: the second of two equal ones ends in `-1`."""
    counts: dict[str, int] = {}
    anchors = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text_of(page)))
    for title in re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = counts[anchor] = counts.get(anchor, -1) + 1
        anchors.add(f"{anchor}-{count}" if count else anchor)
    return anchors


def links_of(page: Path) -> list[str]:
    """Where its links and pictures lead, as they are written; those in code are none."""
    text = re.sub(r"`[^`\n]*`", "", prose_of(page))
    return [link or source for link, source in _LINK.findall(text)]


def is_elsewhere(link: str) -> bool:
    return re.match(r"(https?|mailto):", link) is not None


def sentences_of(page: Path) -> Iterator[Sentence]:
    """The sentences of paragraphs, list items and table cells."""
    for block in _blocks(_MARKUP.sub("", prose_of(page))):
        for sentence in _SENTENCE_END.split(block):
            yield Sentence(shown(page), sentence.strip())


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs and list items, joined to one line each; each cell of a table by itself."""
    block: list[str] = []
    for line in text.splitlines():
        start = _BLOCK_START.match(line)
        if start and block:
            yield " ".join(block)
            block = []
        if line.startswith("|"):
            yield from (cell.strip() for cell in re.split(r"(?<!\\)\|", line) if cell.strip(" -"))
        elif not line.startswith("#") and line.strip():
            block.append(line[start.end() :].strip() if start else line.strip())
    if block:
        yield " ".join(block)
