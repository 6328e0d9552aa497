"""What is told beside the acceptance of a spec."""

from dataclasses import replace

import pytest
from echoroute.api.parse import parse_spec
from echoroute.core.conditions import fold
from echoroute.core.notes import notes
from echoroute.core.status import Previous

from .situations.facts import FINE, NOW
from .status import field_of

_CORS = {"allow_origins": "https://www.example.com"}


@pytest.mark.parametrize(
    ("methods", "plugins", "told", "why"),
    [
        (["GET", "POST"], {"cors": _CORS}, True, "each preflight is a 404"),
        (["GET", "OPTIONS"], {"cors": _CORS}, False, "they reach the plugin"),
        (None, {"cors": _CORS}, False, "any method is taken"),
        (["GET"], {}, False, "nobody asks for preflights"),
        (["GET"], {"cors": {**_CORS, "_meta": {"disable": True}}}, False, "the plugin is off"),
        (["GET"], {"cors": {**_CORS, "_meta": {"disable": False}}}, True, "it is on"),
    ],
)
def test_cors_without_options(methods, plugins, told, why):
    match = {"paths": ["/a"]} | ({"methods": methods} if methods else {})
    spec = parse_spec({"match": match, "backends": [{"service": "a"}], "plugins": plugins})
    assert bool(notes(spec)) is told, why
    assert not told or "spec.match.methods has no OPTIONS" in notes(spec)[0]


def test_a_note_is_in_the_message_of_accepted_and_nowhere_else():
    status = fold(replace(FINE, note="note: think of this"), Previous(), now=NOW).status
    assert field_of(status, "Accepted", "message") == "the spec is valid and allowed; note: think of this"
    assert field_of(status, "Ready", "status") == "True"
    assert "note" not in str(field_of(status, "Ready", "message"))
