"""Keepers that are quick to try again."""

import logging

import pytest
from consul_init import keeper as module
from consul_init.keeper import Keeper
from consul_init.registration import Registration
from consul_init.settings import Settings


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(module, "_POLL", (0.02, 0.03))
    monkeypatch.setattr(module, "_BACKOFF_FIRST", 0.02)
    monkeypatch.setattr(module, "_BACKOFF_MOST", 0.05)
    monkeypatch.setattr(module, "_BACKOFF_DENIED", 0.05)
    monkeypatch.setattr(module, "_READY_POLL", 0.02)
    monkeypatch.setattr(module, "_FIRST_POLL", 0.02)


@pytest.fixture
def keep(caplog):
    """A factory of started keepers, which leave after the test."""
    caplog.set_level(logging.INFO, "consul_init")
    keepers: list[Keeper] = []

    def start(port: int, **variables: str) -> Keeper:
        base = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", "SERVICE_ADDRESS": "10.0.0.7"}
        settings = Settings.from_env({**base, "CONSUL_HTTP_ADDR": f"127.0.0.1:{port}", **variables})
        keeper = Keeper(Registration.from_settings(settings), settings.consul)
        keepers.append(keeper)
        keeper.start()
        return keeper

    yield start
    for each in keepers:
        each.leave()
