"""Text that a tenant chose, where people and terminals read it."""

import json
import logging
from dataclasses import replace

import pytest
from echoroute.core.conditions import fold
from echoroute.core.facts import Refusal
from echoroute.core.objects import Key
from echoroute.core.reasons import Reason
from echoroute.core.status import Previous
from echoroute.core.text import escaped, escaped_lines
from echoroute.folder.page import Page
from echoroute.folder.table import notes, table
from echoroute.kube.events import _body, echoroute
from echoroute.logs import _HumanFormatter

from .situations.facts import FINE, NOW

HIDDEN = [
    ("a line of its own", "\n"),
    ("a line that overwrites", "\r"),
    ("a command to the terminal", "\x1b[2J"),
    ("the same in one character", "\x9b2J"),
    ("a bell", "\x07"),
    ("a line break of Unicode's", "\u2028"),
    ("read from right to left", "\u202e"),
    ("isolated, which does the same", "\u2066"),
    ("nothing to see", "\u200b"),
    ("half a character, which no terminal prints", "\ud800"),
]


@pytest.mark.parametrize(("why", "hidden"), HIDDEN)
def test_hidden_characters_are_written_out(why, hidden):
    text = escaped(f"a{hidden}b")
    assert text.isprintable(), why
    assert hidden not in text, why
    assert json.loads(f'"{text}"') == f"a{hidden}b", "JSON's strings know the form"


def test_what_can_be_seen_stays():
    text = "spec.match.paths[0]: must start with '/' (found \"日本 é\") \\n"
    assert escaped(text) == text


def test_lines_of_a_text_of_several_stay():
    assert escaped_lines("a\n  b\x9b") == "a\n  b\\u009b"


def _condition(message):
    facts = replace(FINE, refusal=Refusal(Reason.INVALID, message))
    return fold(facts, Previous(), now=NOW).status["conditions"][0]["message"]


def _event(message):
    return _body(echoroute(Key("shop", "web"), "uid"), "Warning", "Invalid", message)["message"]


def _log(message):
    record = logging.LogRecord("echoroute", logging.WARNING, __file__, 1, "EchoRoute %s", (message,), None)
    return _HumanFormatter("%(levelname)s %(message)s").format(record)


def _columns(text):
    item = {
        "metadata": {"namespace": "shop", "name": "web", "generation": 1},
        "spec": {"match": {"paths": [text], "hosts": [text]}, "backends": [{"service": text}]},
        "status": {},
    }
    page = Page.model_validate({"items": [item], "folder": {"path": "/x", "files": []}, "deletions_held": None})
    return table(page, wide=True).splitlines()[1] + "".join(notes(page))


@pytest.mark.parametrize("shown", [_condition, _event, _log, _columns])
@pytest.mark.parametrize(("why", "hidden"), HIDDEN)
def test_they_are_written_out_wherever_they_are_shown(shown, why, hidden):
    text = shown(f"spec.plugins.a{hidden}WARNING b")
    assert text.isprintable(), why
    assert "WARNING b" in text, why


def test_the_lines_of_a_traceback_stay():
    error = ValueError("x")
    error.__cause__ = ValueError("y")
    info = (ValueError, error, None)
    record = logging.LogRecord("echoroute", logging.ERROR, __file__, 1, "failed", (), info)
    assert len(_HumanFormatter("%(message)s").format(record).splitlines()) > 2
