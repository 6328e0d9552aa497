"""`make docs` prints how many sentences of each page are long, and the longest ones: the next ones to cut."""

import sys
from collections import Counter

from .pages import PAGES, sentences_of

LONG, LONGEST = 30, 40
"""Words: a sentence above the first is printed as a count, one above the second fails `make docs`."""


def report() -> str:
    long = sorted((s for page in PAGES for s in sentences_of(page) if s.words > LONG), key=lambda s: -s.words)
    return "\n".join(
        [
            f"==> {len(long)} sentences of more than {LONG} words (more than {LONGEST} fail)",
            *(f"  {count:4} {page}" for page, count in Counter(each.page for each in long).most_common()),
            *(f"  {each.words} words, {each.page}: {each.text[:100]}" for each in long[:5]),
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(f"{report()}\n")
