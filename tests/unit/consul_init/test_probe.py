"""What the sidecar takes for healthy is what Consul takes for healthy."""

import logging

import pytest
from consul_init import probe
from consul_init.probe import Probe
from consul_init.registration import Registration
from consul_init.settings import Settings


def registered(port: int, **variables: str) -> Registration:
    base = {"SERVICE_NAME": "echo", "SERVICE_PORT": str(port), "SERVICE_ADDRESS": "127.0.0.1"}
    return Registration.from_settings(Settings.from_env({**base, **variables}))


REDIRECTED = {"SERVICE_CHECK_PATH": "/redirected"}


class Service:
    """Insists on a Host header, and has its health check at /health/."""

    def __call__(self, seen):
        if seen.headers["Host"] != "orders.example":
            return (400, "")
        return (200, "ok") if seen.path == "/health" else (500, "")


@pytest.mark.parametrize(
    ("status", "good", "why"),
    [
        (200, True, ""),
        (204, True, "any 2xx"),
        (429, False, "a warning to Consul"),
        (404, False, ""),
        (503, False, ""),
        (304, False, "no redirect, and not good"),
    ],
)
def test_statuses(scripted, status, good, why):
    server = scripted(lambda _seen: (status, ""))
    assert Probe()(registered(server.port)) is good, why


def test_redirects_are_followed_as_consul_does(scripted):
    server = scripted(lambda seen: (200, "") if seen.path == "/health/?a" else (301, "", {"Location": "/health/?a"}))
    assert Probe()(registered(server.port))
    endless = scripted(lambda seen: (302, "", {"Location": seen.path + "x"}))
    assert not Probe()(registered(endless.port))


def test_headers_for_the_check_are_sent(scripted):
    server = scripted(Service())
    assert not Probe()(registered(server.port))
    assert Probe()(registered(server.port, SERVICE_CHECK_HEADERS='{"Host": "orders.example"}'))


@pytest.mark.parametrize("check_type", ["tcp", "grpc", "grpcs"])
def test_whatever_listens(check_type, silent_port, closed_port):
    assert Probe()(registered(silent_port, SERVICE_CHECK_TYPE=check_type))
    assert not Probe()(registered(closed_port, SERVICE_CHECK_TYPE=check_type))


def test_why_it_waits_is_told_after_a_while_and_then_seldom(scripted, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    now = [100.0]
    monkeypatch.setattr(probe.time, "monotonic", lambda: now[0])
    asking, ours = Probe(), registered(scripted(lambda _seen: (400, "")).port)
    for _ in range(80):
        assert not asking(ours)
        now[0] += 1.0
    assert len(caplog.messages) == 2
    assert f"not registered yet: {ours.check_url}: 400 Bad Request" in caplog.messages[0]
    assert "SERVICE_CHECK_HEADERS" in caplog.messages[0]
