"""No config that the table accepts reaches further than the table says, nor is refused by APISIX's own schema."""

import jsonschema
import pytest
from echoroute.core.plugins import OPEN
from echoroute.core.policy import refusals
from hypothesis import given, settings
from hypothesis import strategies as st

from .recorded import refusal_of_apisix
from .strategies import CONTROL, odd, right

_EXAMPLES = settings.default.max_examples // 6  # for each plugin; the profile `wide` has more
NOBODY = frozenset()
_CHECKED = {name: jsonschema.Draft202012Validator(plugin.schema) for name, plugin in OPEN.items()}
_NAMED_TEXT = {"body", "before_body", "after_body", "response_example"}


def _accepted(name, config):
    return refusals({name: config}, allowed=NOBODY) == ()


@pytest.mark.parametrize("name", OPEN)
@settings(max_examples=_EXAMPLES)
@given(data=st.data())
def test_what_is_accepted_passes_the_schema_of_apisix(name, data):
    config = data.draw(right(name))
    if _accepted(name, config):
        assert refusal_of_apisix(name, config) == ""


@pytest.mark.parametrize("name", OPEN)
@settings(max_examples=_EXAMPLES)
@given(data=st.data())
def test_what_is_accepted_has_no_field_size_or_character_that_the_table_does_not_name(name, data):
    config = data.draw(odd(name))
    if _accepted(name, config):
        assert refusal_of_apisix(name, config) == ""
        assert not list(_CHECKED[name].iter_errors(config))
        assert not [
            text for field, text in _texts(config) if any(map(text.count, CONTROL)) and field not in _NAMED_TEXT
        ]


def _texts(value, field=""):
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, field)
    elif isinstance(value, dict):
        for name, child in value.items():
            yield "", name
            yield from _texts(child, name)


@pytest.mark.parametrize("name", OPEN)
def test_the_properties_see_accepted_configs(name):
    """Else they would prove nothing."""
    seen = []

    @settings(max_examples=_EXAMPLES)
    @given(data=st.data())
    def look(data):
        seen.append(_accepted(name, data.draw(right(name))))

    look()
    assert any(seen)
