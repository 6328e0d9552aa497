"""Keys, certificates and kubeconfigs of a stack."""

import base64
import json
import ssl
import stat
from pathlib import Path

import pytest
from devstack.kubeconfig import write_kubeconfig
from devstack.pki import Pki, create_pki


def _handshake(pki: Pki, client_context: ssl.SSLContext, name: str) -> None:
    """A TLS handshake in memory between a server with our certificate and a client."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(pki.certificate, pki.key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "10.0.0.1", "kubernetes.default.svc"])
def test_a_strict_client_trusts_the_certificate(tmp_path: Path, name: str) -> None:
    pki = create_pki(tmp_path)
    client = ssl.create_default_context(cafile=str(pki.ca))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    _handshake(pki, client, name)


def test_another_stacks_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    ours, other = create_pki(tmp_path / "a"), create_pki(tmp_path / "b")
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(other, ssl.create_default_context(cafile=str(ours.ca)), "127.0.0.1")


def test_only_we_may_read_keys_and_kubeconfigs(tmp_path: Path) -> None:
    pki = create_pki(tmp_path)
    kubeconfig = tmp_path / "kubeconfig"
    write_kubeconfig(kubeconfig, server="https://127.0.0.1:1", ca=pki.ca, user="admin", token="secret")
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_the_kubeconfig_carries_the_authority(tmp_path: Path) -> None:
    pki = create_pki(tmp_path)
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, server="https://127.0.0.1:1", ca=pki.ca, user="op", token="secret", namespace="team")
    config = json.loads(path.read_text())
    cluster = config["clusters"][0]["cluster"]
    assert base64.b64decode(cluster["certificate-authority-data"]) == pki.ca.read_bytes()
    assert "insecure-skip-tls-verify" not in cluster
    assert config["contexts"][0]["context"] == {"cluster": "devstack", "user": "op", "namespace": "team"}
