"""The command line, where it needs no Consul. With one: tests/integration."""

from importlib.metadata import version

import pytest
from consul_init.cli import main


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"consul-init {version('consul-init')}\n"


@pytest.mark.parametrize(
    ("variables", "exit_code", "message", "why"),
    [
        (
            {"SERVICE_NAME": ""},
            2,
            "consul-init: SERVICE_NAME is not set: the name of the service in Consul\n",
            "a setting",
        ),
        ({}, 2, "consul-init: no keeper answers on the control socket: ", "nobody there"),
        ({"SERVICE_REGISTER": "false"}, 0, "", "a preStop hook must not fail where there is nothing to leave"),
    ],
)
def test_leave(  # noqa: PLR0917 - fixtures
    variables: dict[str, str],
    exit_code: int,
    message: str,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = {"SERVICE_NAME": "nobody", "SERVICE_PORT": "8000", "SERVICE_ADDRESS": "192.0.2.7"}
    for name, value in {**base, **variables}.items():
        monkeypatch.setenv(name, value)
    assert main(["leave", "--wait"]) == exit_code, why
    told = capsys.readouterr().err
    assert told.startswith(message)
    assert bool(told) == bool(message)
