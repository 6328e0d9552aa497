"""Trouble is said once when it begins and once when it ends."""

import logging

import pytest
from echoroute.net.trouble import Trouble
from prometheus_client import REGISTRY


def up(what: str) -> float | None:
    return REGISTRY.get_sample_value("echoroute_source_up", {"what": what})


def test_said_once_however_often_it_fails(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble("test-once", "it cannot be done", "it can be done again")
    assert (trouble.message, up("test-once")) == ("", 1)
    for number in range(5):
        trouble.begin(f"try {number}", status=503)
        assert (trouble.message, up("test-once")) == (f"try {number}", 0)
    trouble.begin("forbidden", status=403)
    for _ in range(3):
        trouble.end()
    assert (trouble.message, up("test-once")) == ("", 1)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("ERROR", "it cannot be done; trying again: try 0"),
        ("ERROR", "it cannot be done; trying again: forbidden"),  # another status is news
        ("WARNING", "it can be done again"),
    ]


def test_what_is_told_elsewhere_is_told_for_debugging_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    trouble = Trouble("test-elsewhere", "it cannot be done", "it can be done again")
    trouble.begin("nobody answers", status=0, told=True)
    assert up("test-elsewhere") == 0
    trouble.end()
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
