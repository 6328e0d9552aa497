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
        (
            {"ECHOROUTE_OWNER_ID": "0a1b2c3d", "ECHOROUTE_LEADER_ELECTION": "true", "POD_NAMESPACE": "shop"},
            "ECHOROUTE_LEADER_ELECTION has no meaning with --from",
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
    ("before", "after", "expected", "level", "why"),
    [
        (_status("True", "Ready"), _status("False", "ServiceNotFound"), True, logging.WARNING, "it was good"),
        (_status("False", "ServiceNotFound"), _status("True", "Ready"), True, logging.INFO, "it is good again"),
        (_status("Unknown", "Pending"), _status("True", "Ready"), True, None, "what everybody expects of many"),
        (_status("Unknown", "Pending"), _status("True", "Ready"), False, logging.INFO, "somebody waits for it"),
        (_status("True", "Ready"), _status("True", "Ready"), False, None, "it was so before"),
        ({}, _status("True", "Ready"), False, logging.INFO, "nobody had seen it before"),
        (_status("True", "Ready"), _status("Unknown", "Pending"), False, None, "not known yet"),
        (_status("False", "Invalid"), _status("False", "Invalid"), False, None, "no transition"),
        ({}, _status("False", "Invalid"), True, logging.WARNING, "bad from the start"),
    ],
)
def test_transitions_are_log_lines(  # noqa: PLR0917 - the columns of the table
    caplog: pytest.LogCaptureFixture, before: JsonObject, after: JsonObject, expected: bool, level: int | None, why: str
) -> None:
    with caplog.at_level(logging.INFO):
        LogAnnouncer().transition(Key("shop", "cart"), "uid", before, after, expected)
    assert [record.levelno for record in caplog.records] == ([level] if level else []), why
    if level:
        assert caplog.records[0].getMessage().startswith("EchoRoute shop/cart: ")
