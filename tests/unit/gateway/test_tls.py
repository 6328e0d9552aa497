"""TLS towards the gateway: verified, and with files that are replaced while the process runs."""

import ssl

import pytest
import trustme
from echoroute.core.changes import Put
from echoroute.core.objects import Kind, ObjectRef
from echoroute.errors import GatewayUnavailable, SettingsError
from echoroute.net.tls import Tls

PUT = Put(ObjectRef(Kind.ROUTE, "r"), {})


def server_context(ca: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert(name).configure_cert(context)
    return context


def ca_file(ca: trustme.CA, path):
    ca.cert_pem.write_to_path(path)
    return path


async def test_only_the_given_authority_is_trusted(serve, connect, tmp_path):
    ca, other = trustme.CA(), trustme.CA()
    async with serve(server_context(ca)) as server:
        url = f"https://127.0.0.1:{server.port}"
        await connect(url, tls=Tls(ca_file=ca_file(ca, tmp_path / "ca"))).apply([PUT])
        for wrong in (Tls(ca_file=ca_file(other, tmp_path / "other")), Tls()):
            with pytest.raises(GatewayUnavailable, match="certificate is not accepted: ") as caught:
                await connect(url, tls=wrong).apply([PUT])
            assert not caught.value.outcome_unknown
        assert len(server.seen) == 1


async def test_the_certificate_must_be_of_the_host_or_of_the_given_name(serve, connect, tmp_path):
    ca = trustme.CA()
    trusted = ca_file(ca, tmp_path / "ca")
    async with serve(server_context(ca, "apisix.internal")) as server:
        url = f"https://127.0.0.1:{server.port}"
        with pytest.raises(GatewayUnavailable, match="IP address mismatch"):
            await connect(url, tls=Tls(ca_file=trusted)).apply([PUT])
        await connect(url, tls=Tls(ca_file=trusted, server_name="apisix.internal")).apply([PUT])


async def test_a_replaced_ca_file_is_used_from_the_next_request_on(serve, connect, tmp_path):
    ca, successor = trustme.CA(), trustme.CA()
    file = ca_file(successor, tmp_path / "ca")
    async with serve(server_context(ca)) as server:
        api = connect(f"https://127.0.0.1:{server.port}", tls=Tls(ca_file=file))
        with pytest.raises(GatewayUnavailable):
            await api.apply([PUT])
        ca_file(ca, tmp_path / "new").replace(file)
        await api.apply([PUT])
        ca_file(successor, tmp_path / "new").replace(file)
        with pytest.raises(GatewayUnavailable):
            await api.apply([PUT])


async def test_a_ca_file_that_is_broken_while_running_changes_nothing(serve, connect, tmp_path, caplog):
    ca = trustme.CA()
    file = ca_file(ca, tmp_path / "ca")
    async with serve(server_context(ca)) as server:
        api = connect(f"https://127.0.0.1:{server.port}", tls=Tls(ca_file=file))
        file.write_text("half a certifica")
        await api.apply([PUT])
        file.unlink()
        await api.apply([PUT])
        await api.apply([PUT])
    assert len(server.seen) == 3
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert str(file) in caplog.text


async def test_a_client_certificate_is_shown(serve, connect, tmp_path):
    ca = trustme.CA()
    trusted = ca_file(ca, tmp_path / "ca")
    mine = ca.issue_cert("echoroute.internal")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert")
    mine.private_key_pem.write_to_path(tmp_path / "key")
    context = server_context(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    async with serve(context) as server:
        url = f"https://127.0.0.1:{server.port}"
        with pytest.raises(GatewayUnavailable):
            await connect(url, tls=Tls(ca_file=trusted)).apply([PUT])
        shown = Tls(ca_file=trusted, client_cert=tmp_path / "cert", client_key=tmp_path / "key")
        await connect(url, tls=shown).apply([PUT])


async def test_verification_can_be_turned_off_for_consul_which_has_a_setting_for_it(serve, connect):
    async with serve(server_context(trustme.CA(), "another.name")) as server:
        await connect(f"https://127.0.0.1:{server.port}", tls=Tls(verify=False)).apply([PUT])


@pytest.mark.parametrize(("content", "problem"), [(None, "No such file"), ("", "PEM"), ("not PEM", "PEM")])
def test_a_ca_file_that_cannot_be_used_at_start_is_named(connect, tmp_path, content, problem):
    file = tmp_path / "ca.crt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=f"ca.crt: .*{problem}"):
        connect("https://127.0.0.1:9180", tls=Tls(ca_file=file))
