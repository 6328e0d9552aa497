"""HTTP to Consul: bounded in time, one connection for each request, token and certificates as they are now."""

import ssl
import time

import pytest
import trustme
from consul_init.errors import ConsulError, UnreachableError
from consul_init.settings import REQUEST_TIMEOUT, Settings
from consul_init.transport import Answer, Transport


def transport(address: str, **variables: str) -> Transport:
    environ = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", "CONSUL_HTTP_ADDR": address, **variables}
    return Transport(Settings.from_env(environ).consul)


def ask(via: Transport, timeout: float = 3.0) -> Answer:
    return via.request("GET", "/v1/x", query={}, timeout=timeout)


def eventually(condition) -> bool:
    end = time.monotonic() + 3
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_a_request_as_it_arrives(scripted):
    server = scripted(lambda _seen: (200, "{}"))
    via = transport(f"127.0.0.1:{server.port}", CONSUL_HTTP_TOKEN="t0ken")
    answer = via.request("PUT", "/v1/a b-fd00::1", query={"ns": "a&b"}, body={"Name": "echo"})
    assert answer == Answer(200, "{}")
    seen = server.seen[0]
    assert (seen.method, seen.path, seen.body) == ("PUT", "/v1/a%20b-fd00%3A%3A1?ns=a%26b", b'{"Name": "echo"}')
    assert seen.headers["X-Consul-Token"] == "t0ken"


def test_no_connection_is_held_between_requests(scripted):
    """Consul takes 200 connections from one client address, which all pods behind one NAT share."""
    server = scripted(lambda _seen: (200, ""))
    via = transport(f"127.0.0.1:{server.port}")
    for _ in range(3):
        ask(via)
    assert len({seen.client_port for seen in server.seen}) == 3
    assert eventually(lambda: len(server.closed) == 3)


def test_a_consul_that_hangs_costs_the_timeout_and_no_more(silent_port):
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="did not answer"):
        ask(transport(f"127.0.0.1:{silent_port}"), timeout=0.3)
    assert 0.25 < time.monotonic() - began < REQUEST_TIMEOUT


def test_a_consul_that_hangs_in_the_tls_handshake(silent_port):
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="no TLS connection"):
        ask(transport(f"https://127.0.0.1:{silent_port}"), timeout=0.3)
    assert time.monotonic() - began < REQUEST_TIMEOUT


def test_nobody_listens(closed_port):
    with pytest.raises(UnreachableError, match=rf"no connection to http://127\.0\.0\.1:{closed_port}: .*refused"):
        ask(transport(f"127.0.0.1:{closed_port}"))


def test_a_name_that_does_not_resolve():
    with pytest.raises(UnreachableError, match=r"no-such-host\.invalid:8500 cannot be resolved"):
        ask(transport("no-such-host.invalid:8500"))


def test_the_token_is_read_again_when_its_file_changes(scripted, tmp_path):
    server = scripted(lambda _seen: (200, ""))
    file = tmp_path / "token"
    file.write_text("first\n")
    via = transport(f"127.0.0.1:{server.port}", CONSUL_HTTP_TOKEN_FILE=str(file))
    ask(via)
    (tmp_path / "new").write_text("second\n")
    (tmp_path / "new").replace(file)
    ask(via)
    file.unlink()  # in the middle of a rotation
    ask(via)
    assert [seen.headers["X-Consul-Token"] for seen in server.seen] == ["first", "second", "second"]


def test_a_token_file_that_was_never_readable_is_an_error_without_a_request(scripted, tmp_path):
    server = scripted(lambda _seen: (200, ""))
    file = tmp_path / "token"
    file.write_text("first")
    via = transport(f"127.0.0.1:{server.port}", CONSUL_HTTP_TOKEN_FILE=str(file))
    file.unlink()
    with pytest.raises(ConsulError, match="CONSUL_HTTP_TOKEN_FILE cannot be used"):
        ask(via)
    assert server.seen == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"5c1d-a\n5c1d-b\n", "http.client shows a header value that it refuses in its exception"),
        (b"5c1d\xff", "not even text"),
        (b"\n", "an empty one: without a token Consul would only say that it is denied"),
    ],
)
def test_a_token_file_without_a_token_is_told_without_its_content(scripted, tmp_path, content, why):
    server = scripted(lambda _seen: (200, ""))
    file = tmp_path / "token"
    file.write_bytes(content)
    via = transport(f"127.0.0.1:{server.port}", CONSUL_HTTP_TOKEN_FILE=str(file))
    with pytest.raises(ConsulError, match=f"CONSUL_HTTP_TOKEN_FILE cannot be used: {file} must hold") as caught:
        ask(via)
    assert "5c1d" not in str(caught.value), why
    assert server.seen == []
    file.write_text("t0ken")
    ask(via)
    file.write_bytes(content)  # somebody's mistake in a rotation: the one before still works
    ask(via)
    assert [seen.headers["X-Consul-Token"] for seen in server.seen] == ["t0ken", "t0ken"]


def test_a_token_in_an_answer_is_masked(scripted):
    """What Consul says ends up in the log."""
    server = scripted(lambda seen: (403, f"token {seen.headers['X-Consul-Token']} is unknown"))
    assert ask(transport(f"127.0.0.1:{server.port}", CONSUL_HTTP_TOKEN="t0ken")).body == "token *** is unknown"


def server_context(ca: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(context)
    return context


def ca_file(ca: trustme.CA, path) -> str:
    ca.cert_pem.write_to_path(path)
    return str(path)


def test_only_the_given_authority_is_trusted(scripted, tmp_path):
    ca, other = trustme.CA(), trustme.CA()
    server = scripted(lambda _seen: (200, ""), tls=server_context(ca))
    address = f"https://127.0.0.1:{server.port}"
    assert ask(transport(address, CONSUL_CACERT=ca_file(ca, tmp_path / "ca"))).status == 200
    for wrong in ({"CONSUL_CACERT": ca_file(other, tmp_path / "other")}, {}):
        with pytest.raises(UnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(transport(address, **wrong))
    assert len(server.seen) == 1


def test_the_certificate_must_be_of_the_host_or_of_the_given_name(scripted, tmp_path):
    ca = trustme.CA()
    server = scripted(lambda _seen: (200, ""), tls=server_context(ca, "server.dc1.consul"))
    address, trusted = f"https://127.0.0.1:{server.port}", ca_file(ca, tmp_path / "ca")
    with pytest.raises(UnreachableError, match="IP address mismatch"):
        ask(transport(address, CONSUL_CACERT=trusted))
    named = transport(address, CONSUL_CACERT=trusted, CONSUL_TLS_SERVER_NAME="server.dc1.consul")
    assert ask(named).status == 200


def test_a_replaced_authority_is_used_from_the_next_request_on(scripted, tmp_path):
    ca, successor = trustme.CA(), trustme.CA()
    server = scripted(lambda _seen: (200, ""), tls=server_context(ca))
    file = tmp_path / "ca"
    via = transport(f"https://127.0.0.1:{server.port}", CONSUL_CACERT=ca_file(successor, file))
    with pytest.raises(UnreachableError):
        ask(via)
    ca_file(ca, tmp_path / "new")
    (tmp_path / "new").replace(file)
    assert ask(via).status == 200


def test_client_certificate(scripted, tmp_path):
    ca = trustme.CA()
    context = server_context(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    server = scripted(lambda _seen: (200, ""), tls=context)
    address, trusted = f"https://127.0.0.1:{server.port}", ca_file(ca, tmp_path / "ca")
    with pytest.raises(UnreachableError):
        ask(transport(address, CONSUL_CACERT=trusted))
    issued = ca.issue_cert("client.dc1.consul")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    issued.private_key_pem.write_to_path(tmp_path / "client.key")
    with_certificate = transport(
        address,
        CONSUL_CACERT=trusted,
        CONSUL_CLIENT_CERT=str(tmp_path / "client.pem"),
        CONSUL_CLIENT_KEY=str(tmp_path / "client.key"),
    )
    assert ask(with_certificate).status == 200
