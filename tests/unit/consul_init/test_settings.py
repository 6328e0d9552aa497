"""Settings: what each variable becomes, and the one line that a wrong one is told with."""

from pathlib import Path

import pytest
from consul_init.consul_settings import ConsulAddress, ConsulSettings
from consul_init.errors import SettingsError
from consul_init.settings import Settings

MINIMAL = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000"}


def settings(**variables: str) -> Settings:
    return Settings.from_env({**MINIMAL, **variables})


def test_defaults_are_those_of_the_documentation() -> None:
    found = settings()
    assert (found.name, found.port, found.address, found.tags, dict(found.meta)) == ("echo", 8000, None, (), {})
    assert (found.check_path, found.check_interval, found.check_timeout) == ("/health", 1.0, 10.0)
    assert (found.deregister_after, found.drain, found.stop_timeout) == (60.0, 2.0, 25.0)
    assert str(found.consul.address) == "http://127.0.0.1:8500"


@pytest.mark.parametrize(
    ("variables", "field", "value", "why"),
    [
        ({"SERVICE_VERSION": "2"}, "tags", ("version:2",), "the tag of the article"),
        ({"SERVICE_TAGS": "a, b,", "SERVICE_VERSION": "2"}, "tags", ("a", "b", "version:2"), "tags keep their order"),
        ({"SERVICE_TAGS": "version:2", "SERVICE_VERSION": "2"}, "tags", ("version:2",), "said twice is said once"),
        ({"SERVICE_META": "team=a=b,zone=1"}, "meta", {"team": "a=b", "zone": "1"}, "a value may have an equals sign"),
        (
            {"POD_NAME": "p", "POD_UID": "u", "POD_NAMESPACE": "n", "NODE_NAME": "w"},
            "meta",
            {"pod": "p", "pod-uid": "u", "namespace": "n", "node": "w"},
            "the downward API",
        ),
        ({"POD_IP": "10.0.0.7"}, "address", "10.0.0.7", "the pod's own address"),
        ({"POD_IP": "10.0.0.7", "SERVICE_ADDRESS": "10.0.0.8"}, "address", "10.0.0.8", "what is said explicitly wins"),
        ({"SERVICE_ADDRESS": "[fd00::1]"}, "address", "fd00::1", "brackets belong to URLs"),
        ({"SERVICE_ADDRESS": " "}, "address", None, "blank is not set"),
        ({"SERVICE_DRAIN": "500ms"}, "drain", 0.5, "durations"),
        ({"SERVICE_REGISTER": "false"}, "enabled", False, "off for tests and local runs"),
        (
            {"SERVICE_TAGS": '["a", "traefik.rule=m1,m2"]', "SERVICE_VERSION": "2"},
            "tags",
            ("a", "traefik.rule=m1,m2", "version:2"),
            "a tag with a comma",
        ),
        ({"SERVICE_META": '{"a": "1,2", "b": "=\\""}'}, "meta", {"a": "1,2", "b": '="'}, "any value"),
        ({"SERVICE_WEIGHT": "3"}, "weight", 3, "for gateways that take note of it"),
        ({"SERVICE_CHECK_TYPE": "GRPC"}, "check_path", "", "the whole server"),
        ({"SERVICE_CHECK_TYPE": "ttl", "SERVICE_PORT": ""}, "port", 0, "a worker without a port"),
        ({"SERVICE_STOP_SIGNALS": "SIGTERM, usr1"}, "stop_signals", (15, 10), "with or without SIG"),
    ],
)
def test_variable_becomes_field(variables: dict[str, str], field: str, value: object, why: str) -> None:
    assert getattr(settings(**variables), field) == value, why


@pytest.mark.parametrize(
    ("variables", "message", "why"),
    [
        ({"SERVICE_NAME": ""}, "SERVICE_NAME is not set: the name", "empty is not set"),
        ({"SERVICE_NAME": "a/b"}, "SERVICE_NAME is 'a/b'", "would be another path at Consul"),
        ({"SERVICE_PORT": ""}, "SERVICE_PORT is not set", "nobody can guess it"),
        ({"SERVICE_PORT": "0"}, "SERVICE_PORT is '0'", "no instance can be reached there"),
        ({"SERVICE_PORT": "http"}, "SERVICE_PORT is 'http'", "a name"),
        ({"SERVICE_PORT": "65536"}, "SERVICE_PORT is '65536'", "out of range"),
        ({"SERVICE_PORT": "tcp://10.0.0.1:80"}, "SERVICE_PORT is 'tcp://", "a Service called `service` sets this"),
        ({"SERVICE_PORT": "8" * 5000}, "SERVICE_PORT is", "more digits than Python reads"),
        ({"SERVICE_CHECK_PORT": "8" * 5000}, "SERVICE_CHECK_PORT is", "the same"),
        ({"SERVICE_PORT": "\u0663"}, "SERVICE_PORT is", "a digit, but not one of ours"),
        ({"SERVICE_ADDRESS": "0.0.0.0"}, "SERVICE_ADDRESS is '0.0.0.0'", "nobody can connect to it"),  # noqa: S104
        ({"POD_IP": "::"}, "POD_IP is '::'", "the same, and the right variable is named"),
        ({"POD_IP": "0:0:0:0:0:0:0:0"}, "POD_IP is", "the same, spelled out"),
        ({"POD_IP": "::ffff:0.0.0.0"}, "POD_IP is", "the same, as IPv6"),
        ({"SERVICE_ADDRESS": "224.0.0.1"}, "SERVICE_ADDRESS is", "many hosts"),
        ({"SERVICE_ADDRESS": "10.0.0.300"}, "SERVICE_ADDRESS is '10.0.0.300'", "mistyped, and no host name"),
        ({"SERVICE_ADDRESS": "10.1"}, "SERVICE_ADDRESS is '10.1'", "an address to C, and to few others"),
        ({"SERVICE_ADDRESS": "10.0.0.7,10.0.0.8"}, "SERVICE_ADDRESS is", "status.podIPs"),
        ({"SERVICE_ADDRESS": "http://a"}, "SERVICE_ADDRESS is 'http://a'", "a URL"),
        ({"SERVICE_ADDRESS": 'a" or "1'}, "SERVICE_ADDRESS is", "goes into a filter expression at Consul"),
        ({"SERVICE_ADDRESS": "fe80::1%eth0"}, "SERVICE_ADDRESS is", "a zone is known to this host alone"),
        ({"SERVICE_ADDRESS": "a..b"}, "SERVICE_ADDRESS is 'a..b'", "cannot be looked up"),
        ({"SERVICE_META": "a"}, "SERVICE_META has 'a'", "no value"),
        ({"SERVICE_META": "a b=1"}, "SERVICE_META has the key 'a b'", "Consul refuses the key"),
        ({"SERVICE_META": f"a={'x' * 513}"}, "SERVICE_META has 513", "Consul refuses the length"),
        ({"SERVICE_META": f"a={'é' * 257}"}, "SERVICE_META has 514", "which it counts in bytes"),
        ({"SERVICE_META": "consul-x=1"}, "SERVICE_META has the key 'consul-x'", "Consul refuses its own prefix"),
        ({"SERVICE_META": '{"a": "1", "a": "2"}'}, "SERVICE_META has the key 'a' twice", "one would be lost"),
        ({"SERVICE_META": '[{"a": "1"}]'}, "SERVICE_META is no object of strings", "a list"),
        ({"SERVICE_META": '{"a": "\\ud800"}'}, "SERVICE_META has half a character", "Consul would have another one"),
        ({"SERVICE_META": "a=\udcff"}, "SERVICE_META (not shown) is no UTF-8", "the same, as the environment has it"),
        ({"POD_UID": "\udcff"}, "POD_UID (not shown) is no UTF-8", "any variable"),
        ({"SERVICE_TAGS": '["\\ud800"]'}, "SERVICE_TAGS has", "differs for ever from what Consul has"),
        ({"SERVICE_TAGS": '{"a": "b"}'}, "SERVICE_TAGS is no list of strings", "an object"),
        ({"SERVICE_TAGS": "[" * 100_000}, "SERVICE_TAGS is no JSON", "deeper than Python reads"),
        ({"SERVICE_META": "pod=x", "POD_NAME": "y"}, "SERVICE_META has the key 'pod'", "two values for one key"),
        ({"SERVICE_META": ",".join(f"k{n}=1" for n in range(65))}, "SERVICE_META has 65 keys", "Consul takes 64"),
        ({"SERVICE_TAGS": "version:1", "SERVICE_VERSION": "2"}, "SERVICE_VERSION is '2'", "which one is it?"),
        ({"SERVICE_CHECK_PATH": "health"}, "SERVICE_CHECK_PATH is 'health'", "no slash"),
        ({"SERVICE_CHECK_PATH": "/a b"}, "SERVICE_CHECK_PATH is '/a b'", "ends the path in the request"),
        ({"SERVICE_CHECK_PATH": "/a%zz"}, "SERVICE_CHECK_PATH is '/a%zz'", "Go refuses it at each check"),
        ({"SERVICE_CHECK_PATH": "/a#b"}, "SERVICE_CHECK_PATH is '/a#b'", "never sent"),
        ({"SERVICE_CHECK_PATH": "/ä"}, "SERVICE_CHECK_PATH is '/ä'", "to be quoted, as in any URL"),
        ({"SERVICE_CHECK_INTERVAL": "0s"}, "SERVICE_CHECK_INTERVAL is 0s", "Consul refuses it"),
        ({"SERVICE_DRAIN": "٢s"}, "SERVICE_DRAIN is wrong", "a digit, but not one of ours"),
        ({"SERVICE_DRAIN": "-2s"}, "SERVICE_DRAIN is wrong", "no duration is negative"),
        ({"SERVICE_DRAIN": f"{'9' * 400}h"}, "SERVICE_DRAIN is wrong", "more than a float holds"),
        ({"SERVICE_STOP_TIMEOUT": "2562048h"}, "SERVICE_STOP_TIMEOUT is wrong", "more than Go, and a lock, can wait"),
        ({"SERVICE_DRAIN": "2"}, "SERVICE_DRAIN is wrong: '2' is no duration", "no unit"),
        ({"SERVICE_DEREGISTER_AFTER": "30s"}, "SERVICE_DEREGISTER_AFTER is 30s", "Consul silently makes it a minute"),
        ({"SERVICE_STOP_TIMEOUT": "8s"}, "SERVICE_STOP_TIMEOUT is 8s", "2 s of drain and 6 s for Consul are 8"),
        ({"SERVICE_REGISTER": "maybe"}, "SERVICE_REGISTER is 'maybe'", "neither yes nor no"),
        ({"CONSUL_HTTP_ADDR": "ftp://a"}, "CONSUL_HTTP_ADDR is 'ftp://a'", "another protocol"),
        ({"CONSUL_HTTP_ADDR": "a:b"}, "CONSUL_HTTP_ADDR cannot be read", "no port number"),
        ({"CONSUL_HTTP_ADDR": "http://a/con sul"}, "CONSUL_HTTP_ADDR is", "no path"),
        ({"CONSUL_HTTP_ADDR": "fd00::1:x"}, "CONSUL_HTTP_ADDR", "IPv6 without brackets, and no port"),
        ({"CONSUL_HTTP_AUTH": "user"}, "CONSUL_HTTP_AUTH (not shown)", "no password"),
        ({"CONSUL_TLS_SERVER_NAME": "a..b"}, "CONSUL_TLS_SERVER_NAME is 'a..b'", "no name that TLS can ask for"),
        ({"SERVICE_TAGS": '["a"'}, "SERVICE_TAGS is no JSON", "not closed"),
        ({"SERVICE_TAGS": "[1]"}, "SERVICE_TAGS is no list of strings", "a number"),
        ({"SERVICE_META": '{"a": 1}'}, "SERVICE_META is no object of strings", "a number"),
        ({"SERVICE_META": '{"a b": "1"}'}, "SERVICE_META has the key 'a b'", "the same rules as without JSON"),
        ({"SERVICE_WEIGHT": "0"}, "SERVICE_WEIGHT is 0", "Consul refuses it"),
        ({"SERVICE_WARNING_WEIGHT": "65536"}, "SERVICE_WARNING_WEIGHT is 65536", "Consul refuses it"),
        ({"SERVICE_WEIGHT": "-1"}, "SERVICE_WEIGHT is '-1'", "no whole number"),
        ({"SERVICE_CHECK_TYPE": "udp"}, "SERVICE_CHECK_TYPE is 'udp': it must be one of http, https, grpc", "no type"),
        ({"SERVICE_CHECK_PORT": "0"}, "SERVICE_CHECK_PORT is 0", "nobody can connect to it"),
        ({"SERVICE_CHECK_TYPE": "tcp", "SERVICE_CHECK_PATH": "/h"}, "SERVICE_CHECK_PATH is set", "TCP has no path"),
        ({"SERVICE_CHECK_TYPE": "grpc", "SERVICE_CHECK_PATH": "a b"}, "SERVICE_CHECK_PATH is 'a b'", "no service"),
        ({"SERVICE_CHECK_TYPE": "tcp", "SERVICE_CHECK_HEADERS": '{"A": "b"}'}, "SERVICE_CHECK_HEADERS is set", "TCP"),
        ({"SERVICE_CHECK_HEADERS": '{"A b": "5c1d"}'}, "SERVICE_CHECK_HEADERS has 'A b'", "no header"),
        ({"SERVICE_CHECK_HEADERS": '{"A": "b\\n"}'}, "SERVICE_CHECK_HEADERS has 'A'", "would be two headers"),
        ({"SERVICE_CHECK_HEADERS": '{"A": "1", "a": "2"}'}, "SERVICE_CHECK_HEADERS has 'A' twice", "which one is it?"),
        ({"SERVICE_CHECK_HEADERS": "null"}, "SERVICE_CHECK_HEADERS is no object", "a template without a value"),
        ({"SERVICE_CHECK_HEADERS": '{"x-consul-instance": "b"}'}, "SERVICE_CHECK_HEADERS has", "ours"),
        ({"SERVICE_CHECK_TLS_SKIP_VERIFY": "true"}, "SERVICE_CHECK_TLS_SKIP_VERIFY is set", "http has no certificate"),
        ({"SERVICE_CHECK_TLS_SERVER_NAME": "a"}, "SERVICE_CHECK_TLS_SERVER_NAME is set", "the same"),
        ({"SERVICE_CHECK_FAILURES": "x"}, "SERVICE_CHECK_FAILURES is 'x'", "no number"),
        ({"SERVICE_CHECK_FAILURES": "0"}, "SERVICE_CHECK_FAILURES is 0", "never critical, or at once?"),
        ({"SERVICE_CHECK_SUCCESSES": "9" * 20}, "SERVICE_CHECK_SUCCESSES is", "more than Go's int"),
        ({"SERVICE_CHECK_TYPE": "ttl", "SERVICE_CHECK_SUCCESSES": "2"}, "SERVICE_CHECK_SUCCESSES is set", "no count"),
        ({"SERVICE_CHECK_TYPE": "ttl", "SERVICE_CHECK_TIMEOUT": "1s"}, "SERVICE_CHECK_TIMEOUT is 1s", "no three beats"),
        ({"SERVICE_STOP_SIGNALS": "TERM,KILL"}, "SERVICE_STOP_SIGNALS has 'SIGKILL'", "cannot be handled"),
        ({"SERVICE_STOP_SIGNALS": "SEGV"}, "SERVICE_STOP_SIGNALS has 'SIGSEGV'", "a fault, and no wish"),
        ({"SERVICE_STOP_SIGNALS": "15"}, "SERVICE_STOP_SIGNALS has '15'", "a number, which differs between systems"),
        ({"CONSUL_HTTP_ADDR": "consul:0"}, "CONSUL_HTTP_ADDR is 'consul:0'", "no port"),
        ({"CONSUL_HTTP_ADDR": "::1:0"}, "CONSUL_HTTP_ADDR", "the same"),
        ({"CONSUL_HTTP_ADDR": "consul:65536"}, "CONSUL_HTTP_ADDR cannot be read", "out of range"),
        ({"CONSUL_HTTP_ADDR": ":8500"}, "CONSUL_HTTP_ADDR is ':8500'", "no host"),
        ({"CONSUL_HTTP_ADDR": "unix://"}, "CONSUL_HTTP_ADDR is 'unix://'", "no path"),
        ({"CONSUL_HTTP_ADDR": "10.0.0.300:8500"}, "CONSUL_HTTP_ADDR is '10.0.0.300:8500'", "mistyped"),
        ({"CONSUL_HTTP_AUTH": "a:\udcff"}, "CONSUL_HTTP_AUTH (not shown)", "cannot be sent"),
        ({"CONSUL_HTTP_ADDR": "http://a#b"}, "CONSUL_HTTP_ADDR is", "a fragment"),
        ({"CONSUL_HTTP_ADDR": "consul..svc:8500"}, "CONSUL_HTTP_ADDR is 'consul..svc:8500'", "cannot be looked up"),
        ({"CONSUL_HTTP_TOKEN": "a\nb"}, "CONSUL_HTTP_TOKEN (not shown)", "two lines are no token"),
        ({"CONSUL_INIT_SOCKET": "/nowhere/x.sock"}, "CONSUL_INIT_SOCKET is", "no such directory"),
        ({"CONSUL_INIT_SOCKET": __file__}, "CONSUL_INIT_SOCKET is", "a file that is something else"),
        ({"CONSUL_INIT_SOCKET": f"/tmp/{'x' * 100}"}, "CONSUL_INIT_SOCKET is", "longer than the kernel takes"),
        ({"CONSUL_HTTP_SSL_VERIFY": "false"}, "CONSUL_HTTP_SSL_VERIFY is false", "never without verification"),
        ({"CONSUL_CACERT": "/nowhere/ca.pem"}, "CONSUL_CACERT is '/nowhere/ca.pem'", "no such file"),
        ({"CONSUL_HTTP_TOKEN_FILE": "/nowhere/token"}, "CONSUL_HTTP_TOKEN_FILE is", "no such file"),
        ({"CONSUL_CLIENT_CERT": __file__}, "CONSUL_CLIENT_KEY is not set", "they go together"),
        ({"CONSUL_CLIENT_KEY": __file__}, "CONSUL_CLIENT_CERT is not set", "they go together"),
    ],
)
def test_wrong_variable_is_named_in_one_line(variables: dict[str, str], message: str, why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(**variables)
    assert str(caught.value).startswith(message), why
    assert "\n" not in str(caught.value)


def test_nothing_is_required_where_nothing_is_registered() -> None:
    """An application's unit tests run its lifespan too."""
    assert Settings.from_env({"SERVICE_REGISTER": "false", "SERVICE_NAME": ""}).enabled is False
    assert Settings.from_env({"SERVICE_REGISTER": "false"}).address == "127.0.0.1"
    with pytest.raises(SettingsError, match="SERVICE_DRAIN is wrong"):
        Settings.from_env({"SERVICE_REGISTER": "false", "SERVICE_DRAIN": "2"})


def test_a_service_that_its_sidecar_registers_knows_its_address() -> None:
    """It refuses checks that are meant for another instance, so the two must mean the same one."""
    pod = {"SERVICE_NAME": "orders", "SERVICE_PORT": "8000", "POD_IP": "10.1.2.3"}
    sidecar, main = Settings.from_env(pod), Settings.from_env({**pod, "SERVICE_REGISTER": "false"})
    assert main.address == sidecar.address == "10.1.2.3"


@pytest.mark.parametrize(
    ("variables", "address", "why"),
    [
        ({"CONSUL_HTTP_ADDR": "10.0.0.1"}, "http://10.0.0.1:8500", "Consul's port"),
        ({"CONSUL_HTTP_ADDR": "consul.example:8501", "CONSUL_HTTP_SSL": "1"}, "https://consul.example:8501", "TLS"),
        (
            {"CONSUL_HTTP_ADDR": "http://consul:8501", "CONSUL_HTTP_SSL": "1"},
            "https://consul:8501",
            "never back to http",
        ),
        ({"CONSUL_HTTP_ADDR": "https://[fd00::1]:8501/"}, "https://[fd00::1]:8501", "IPv6"),
        ({"CONSUL_HTTP_ADDR": "unix:///run/consul.sock"}, "unix:///run/consul.sock", "a socket"),
        ({"CONSUL_HTTP_ADDR": "https://consul.example"}, "https://consul.example:443", "as Consul's own client does"),
        ({"CONSUL_HTTP_ADDR": "a", "CONSUL_HTTP_SSL": "1"}, "https://a:443", "the same"),
        ({"CONSUL_HTTP_SSL": "1"}, "https://127.0.0.1:8500", "the default address has a port"),
        ({"CONSUL_HTTP_ADDR": "https://a.example/consul/"}, "https://a.example:443/consul", "behind an ingress"),
        ({"CONSUL_HTTP_ADDR": "fd00::1:8500"}, "http://[fd00::1]:8500", "what $(HOST_IP):8500 becomes"),
        ({"CONSUL_HTTP_ADDR": "https://fd00::1:8501"}, "https://[fd00::1]:8501", "the same"),
        (
            {"CONSUL_HTTP_ADDR": "2001:db8:0:0:0:0:0:1"},
            "http://[2001:db8:0:0:0:0:0:1]:8500",
            "eight groups, no port",
        ),
        ({"CONSUL_HTTP_ADDR": "::1"}, "http://[::1]:8500", "no port"),
    ],
)
def test_consul_address(variables: dict[str, str], address: str, why: str) -> None:
    assert str(settings(**variables).consul.address) == address, why


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """Settings end up in tracebacks and debug logs."""
    file = tmp_path / "token"
    file.write_text("from-file-5c1d")
    found = settings(
        CONSUL_HTTP_TOKEN="from-env-5c1d",
        CONSUL_HTTP_TOKEN_FILE=str(file),
        CONSUL_HTTP_AUTH="user:5c1d",
        SERVICE_CHECK_HEADERS='{"Authorization": "5c1d"}',
    )
    assert "5c1d" not in repr(found)
    for wrong in (
        {"CONSUL_HTTP_ADDR": "http://user:5c1d@consul:8500"},
        {"CONSUL_HTTP_ADDR": "http://user:5c1d/@consul:8500"},
        {"CONSUL_HTTP_TOKEN": "5c1d 5c1d"},
        {"CONSUL_HTTP_AUTH": "5c1d"},
        {"SERVICE_CHECK_HEADERS": '{"a": "5c1d'},
        {"SERVICE_CHECK_HEADERS": '{"a": ["5c1d"]}'},
    ):
        with pytest.raises(SettingsError) as caught:
            settings(**wrong)
        assert "5c1d" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "my service"}, "SERVICE_NAME is 'my service'"),
        ({"port": 0}, "SERVICE_PORT is 0"),
        ({"port": 65536}, "SERVICE_PORT is 65536"),
        ({"address": "0.0.0.0"}, "SERVICE_ADDRESS is '0.0.0.0'"),  # noqa: S104
        ({"meta": {"a b": "1"}}, "SERVICE_META has the key 'a b'"),
        ({"deregister_after": 1.0}, "SERVICE_DEREGISTER_AFTER is 1s"),
        ({"drain": 90.0}, "SERVICE_STOP_TIMEOUT is 25s"),
        ({"drain": -1.0}, "SERVICE_DRAIN is -1s"),
        ({"drain": float("nan")}, "SERVICE_DRAIN is nans"),
        ({"stop_timeout": float("inf")}, "SERVICE_STOP_TIMEOUT is infs"),
        ({"tags": ("\ud800",)}, "SERVICE_TAGS has"),
        ({"stop_signals": (9,)}, "SERVICE_STOP_SIGNALS has 'SIGKILL'"),
        ({"stop_signals": (0,)}, "SERVICE_STOP_SIGNALS has '0'"),
        ({"check_interval": 0.0}, "SERVICE_CHECK_INTERVAL is 0s"),
        ({"check_path": "health"}, "SERVICE_CHECK_PATH is 'health'"),
        ({"check_failures": 0}, "SERVICE_CHECK_FAILURES is 0"),
    ],
)
def test_settings_from_code_are_checked_as_variables_are(values: dict[str, object], message: str) -> None:
    """Else Consul's 400 in a log is the first word about it."""
    with pytest.raises(SettingsError) as caught:
        Settings(**{"name": "echo", "port": 8000, **values})  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"token": "5c1d\n5c1d"}, "CONSUL_HTTP_TOKEN (not shown)"),
        ({"auth": "5c1d"}, "CONSUL_HTTP_AUTH (not shown)"),
        ({"client_cert": "a.pem"}, "CONSUL_CLIENT_KEY is not set"),
        ({"tls_server_name": "a..b"}, "CONSUL_TLS_SERVER_NAME is 'a..b'"),
    ],
)
def test_consuls_settings_from_code_too(values: dict[str, str], message: str) -> None:
    """Python's HTTP client shows a header that it refuses, and so would the log with its traceback."""
    with pytest.raises(SettingsError) as caught:
        ConsulSettings(**values)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)
    assert "5c1d" not in str(caught.value)


@pytest.mark.parametrize(
    ("scheme", "host", "port"), [("ftp", "a", 21), ("http", "a/b", 1), ("http", "a", 0), ("unix", "relative", 0)]
)
def test_an_address_from_code_too(scheme: str, host: str, port: int) -> None:
    with pytest.raises(SettingsError, match="CONSUL_HTTP_ADDR"):
        ConsulAddress(scheme=scheme, host=host, port=port)
