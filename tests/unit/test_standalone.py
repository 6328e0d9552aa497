"""File mode's own demands on the settings, and what it tells in place of Events."""

import logging
from pathlib import Path

import pytest
from click.testing import CliRunner
from echoroute.cli.main import main
from echoroute.core.objects import JsonObject, Key
from echoroute.run.announce import LogAnnouncer

_GATEWAY = {
    "ECHOROUTE_APISIX_ADMIN_URL": "http://127.0.0.1:1",
    "ECHOROUTE_APISIX_ADMIN_KEY": "key",
    "ECHOROUTE_BIND": "127.0.0.1:0",
}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "ECHOROUTE_OWNER_ID must be set with --from"),
        (
            {"ECHOROUTE_OWNER_ID": "0a1b2c3d", "ECHOROUTE_WATCH_NAMESPACES": "shop"},
            "ECHOROUTE_WATCH_NAMESPACES has no meaning with --from",
        ),
    ],
)
def test_what_cannot_work_ends_with_2(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    done = CliRunner().invoke(main, ["run", "--from", str(tmp_path)], env={**_GATEWAY, **settings})
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr


def _status(status: str, reason: str) -> JsonObject:
    return {"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": "because"}]}


@pytest.mark.parametrize(
    ("before", "after", "level", "why"),
    [
        (_status("True", "Ready"), _status("False", "ServiceNotFound"), logging.WARNING, "it was good"),
        (_status("False", "ServiceNotFound"), _status("True", "Ready"), logging.INFO, "it is good again"),
        (_status("Unknown", "Pending"), _status("True", "Ready"), None, "what everybody expects"),
        (_status("True", "Ready"), _status("Unknown", "Pending"), None, "not known yet"),
        (_status("False", "Invalid"), _status("False", "Invalid"), None, "no transition"),
        ({}, _status("False", "Invalid"), logging.WARNING, "bad from the start"),
    ],
)
def test_transitions_are_log_lines(
    caplog: pytest.LogCaptureFixture, before: JsonObject, after: JsonObject, level: int | None, why: str
) -> None:
    with caplog.at_level(logging.INFO):
        LogAnnouncer().transition(Key("shop", "cart"), "uid", before, after)
    assert [record.levelno for record in caplog.records] == ([level] if level else []), why
    if level:
        assert caplog.records[0].getMessage().startswith("EchoRoute shop/cart: ")
