"""Settings: what the environment means, errors that name the variable, secrets that are never shown."""

from pathlib import Path

import pytest
from echoroute.core.addresses import networks
from echoroute.errors import SettingsError
from echoroute.run.settings import Settings, load, variable

KEY, TOKEN = "edd1c9f034335f13", "b1gs33cr3t-0f-consul"
NEEDED = {"ECHOROUTE_APISIX_ADMIN_URL": "http://127.0.0.1:9180", "ECHOROUTE_APISIX_ADMIN_KEY": KEY}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def test_defaults_are_safe() -> None:
    settings = load()
    assert settings.bind == "127.0.0.1:8080", "loopback unless asked otherwise"
    assert settings.consul_http_ssl_verify
    assert settings.allow_plugins == ()
    assert settings.drift_interval == 30.0
    assert settings.apisix_concurrency == 8
    assert not settings.leader_election, "by hand there is no Lease to be had"
    assert settings.apisix_admin_key is not None
    assert settings.apisix_admin_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("ECHOROUTE_ALLOW_PLUGINS", " cors, ,limit-count,", "allow_plugins", ("cors", "limit-count")),
        ("ECHOROUTE_FORBIDDEN_ADDRESSES", "127.0.0.0/8, ::1", "forbidden_addresses", networks(("127.0.0.0/8", "::1"))),
        ("ECHOROUTE_DRIFT_INTERVAL", "1m30s", "drift_interval", 90.0),
        ("ECHOROUTE_DRIFT_INTERVAL", "1500ms", "drift_interval", 1.5),
        ("ECHOROUTE_OWNER_ID", "0a1b2c3d", "owner_id", "0a1b2c3d"),
        ("ECHOROUTE_BIND", ":8080", "bind", ":8080"),
        ("ECHOROUTE_BIND", "[::1]:8080", "bind", "[::1]:8080"),
        ("ECHOROUTE_LOG_LEVEL", "", "log_level", "info"),
        ("CONSUL_HTTP_ADDR", "consul:8500", "consul_http_addr", "consul:8500"),
        ("CONSUL_HTTP_SSL_VERIFY", "false", "consul_http_ssl_verify", False),
        ("CONSUL_CACERT", "/tls/ca.pem", "consul_cacert", Path("/tls/ca.pem")),
        ("POD_NAMESPACE", "echoroute", "pod_namespace", "echoroute"),
        ("ECHOROUTE_LEASE_DURATION", "1m", "lease_duration", 60.0),
    ],
)
def test_what_a_variable_means(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, expected: object
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(load(), field) == expected
    assert variable(field) == name


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("ECHOROUTE_FORBIDDEN_ADDRESSES", "127.0.0.0/8,localhost", "'localhost'"),
        ("ECHOROUTE_WATCH_NAMESPACES", "team-a,team-*", "'team-*', which is no namespace"),
        ("ECHOROUTE_WATCH_NAMESPACES", "*", "which is no namespace"),
        ("ECHOROUTE_GATEWAY_CLASS", "Apisix", "should match pattern"),
        ("ECHOROUTE_GATEWAY_CLASS", "apisix*", "should match pattern"),
        ("ECHOROUTE_DRIFT_INTERVAL", "soon", "is not a duration"),
        ("ECHOROUTE_DRIFT_INTERVAL", "45", "is not a duration"),
        ("ECHOROUTE_DRIFT_INTERVAL", "30s or so", "is not a duration"),
        ("ECHOROUTE_DRIFT_INTERVAL", "500ms", "greater than or equal to 1"),
        ("ECHOROUTE_LEASE_DURATION", "4s", "greater than or equal to 5"),
        ("ECHOROUTE_LEASE_DURATION", "7500ms", "multiple of 1"),
        ("ECHOROUTE_LEADER_ELECTION", "perhaps", "valid boolean"),
        ("ECHOROUTE_OWNER_ID", "0A1B2C3D", "8 lower-case hex digits"),
        ("ECHOROUTE_APISIX_CONCURRENCY", "0", "greater than or equal to 1"),
        ("ECHOROUTE_APISIX_CONCURRENCY", "many", "valid integer"),
        ("ECHOROUTE_APISIX_MAX_WRITES_PER_SECOND", "0", "greater than 0"),
        ("ECHOROUTE_BIND", "8080", "match pattern"),
        ("ECHOROUTE_BIND", "::1:8080", "match pattern"),
        ("ECHOROUTE_BIND", "here", "match pattern"),
        ("ECHOROUTE_BIND", ":99999", "port of at most 65535"),
        ("ECHOROUTE_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("CONSUL_HTTP_SSL", "perhaps", "valid boolean"),
        ("CONSUL_HTTP_SSL_VERIFY", "perhaps", "valid boolean"),
    ],
)
def test_a_wrong_value_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value).startswith(f"{name}: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"ECHOROUTE_APISIX_ADMIN_URL": ""}, ["ECHOROUTE_APISIX_ADMIN_URL: is required"]),
        ({"ECHOROUTE_APISIX_ADMIN_KEY": ""}, ["ECHOROUTE_APISIX_ADMIN_KEY_FILE", "ECHOROUTE_APISIX_ADMIN_KEY"]),
        ({"ECHOROUTE_APISIX_ADMIN_KEY_FILE": "/key"}, ["ECHOROUTE_APISIX_ADMIN_KEY_FILE", "not both"]),
        ({"CONSUL_HTTP_TOKEN": TOKEN, "CONSUL_HTTP_TOKEN_FILE": "/token"}, ["CONSUL_HTTP_TOKEN_FILE", "not both"]),
        ({"ECHOROUTE_LEADER_ELECTION": "true"}, ["POD_NAMESPACE must be set beside ECHOROUTE_LEADER_ELECTION"]),
        ({"ECHOROUTE_WATCH_NAMESPACES": "a,b"}, ["ECHOROUTE_OWNER_ID", "ECHOROUTE_WATCH_NAMESPACES"]),
        (
            {"ECHOROUTE_LOG_LEVEL": "loud", "ECHOROUTE_APISIX_ADMIN_URL": ""},
            ["ECHOROUTE_LOG_LEVEL: ", "ECHOROUTE_APISIX_ADMIN_URL: "],
        ),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_what_is_missing_or_does_not_go_together(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: list[str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    for part in named:
        assert part in str(caught.value)
    assert KEY not in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert caught.value.__context__ is None, "a traceback would show the input"


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", TOKEN)
    settings = load()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert KEY not in text
        assert TOKEN not in text
