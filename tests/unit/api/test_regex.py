"""Whether a pattern can be one: what is seen without PCRE, and that nothing is refused which PCRE takes."""

import pytest
from echoroute.api.regex import flaw
from hypothesis import given
from hypothesis import strategies as st

from .patterns import BROKEN, TAKEN


@pytest.mark.parametrize("pattern", TAKEN)
def test_nothing_is_wrong_with_it(pattern):
    assert flaw(pattern) is None


@pytest.mark.parametrize(("pattern", "says"), BROKEN)
def test_what_is_wrong_is_said_with_its_place(pattern, says):
    assert says in str(flaw(pattern))


@pytest.mark.parametrize("pattern", [r"\p{Greek}", r"^\P{Han}+$", r"[\p{Cyrillic}]"])
def test_a_property_of_no_byte_is_refused_though_pcre_knows_it(pattern):
    assert "bytes are compared" in str(flaw(pattern))
    assert flaw(f"(*UTF){pattern}") is None


@given(st.text("ab()[]{}*+?|^$\\:=!<>iQE0123,#'-", max_size=40))
def test_any_text_is_judged(text):
    wrong = flaw(text)
    assert wrong is None or wrong.startswith(("'", "it "))
