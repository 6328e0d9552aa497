"""What counts as the output that a page shows."""

import pytest

from .console import agree

_CASES = [
    ("echo Ready 4m32s\n", "echo   Ready   21s\n", True, "an age, and the width of columns"),
    ("echo Ready 10m\n", "echo Ready 21s\n", True, "kubectl leaves out the seconds after ten minutes"),
    ("echo Ready\n", "echo Pending\n", False, "another word"),
    ("    181 one\n     19 two\n", "    178 one\n     22 two\n", True, "two draws of 90 to 10"),
    ("    100 one\n    100 two\n", "    178 one\n     22 two\n", False, "half of the requests is not a tenth"),
    ("    181 one\n     18 two\n", "    178 one\n     22 two\n", False, "one request is missing"),
    ("    200 one\n", "    178 one\n     22 two\n", False, "the second line is missing"),
    ("    199 one\n      1 two\n", "    200 one\n", False, "the page shows one line: nothing else may answer"),
]


@pytest.mark.parametrize(("printed", "shown", "same", "why"), _CASES, ids=[why for *_, why in _CASES])
def test_an_output_agrees_with_the_page(printed: str, shown: str, same: bool, why: str) -> None:
    assert agree(printed, shown) is same, why
