"""Downloads from a local server of archives: what is right is used, and what is not is one line before a build."""

import os
import stat
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from devstack import archives, builder, download, find
from devstack.archives import Archive
from devstack.errors import BuildFailed, DevstackError
from devstack.versions import Version

from .releases import (
    Behaviour,
    Releases,
    not_found,
    other,
    program,
    right,
    serving,
    tar,
    tar_of,
    to_http,
    truncated,
    truncated_unseen,
    zip_of,
)

_KUBERNETES = {"kube-apiserver": Version(1, 36, 2), "kubectl": Version(1, 36, 2)}
_ENVTEST = {"etcd": Version(3, 6, 8), **_KUBERNETES}
_CONSUL = {"consul": Version(1, 19, 2)}
_SAYS = {name: program(f"{name} {version}") for name, version in {**_ENVTEST, **_CONSUL}.items()}
_TAR = tar(*((f"controller-tools/envtest/{name}", _SAYS[name]) for name in _ENVTEST))
_ZIP = zip_of(("LICENSE.txt", b"free"), ("consul", _SAYS["consul"]))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Releases, Path]]:
    with serving(tmp_path_factory.mktemp("releases")) as both:
        yield both


@pytest.fixture
def releases(server: tuple[Releases, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    """The server, trusted, and a machine on which nothing is there yet, nor can be built."""
    found, authority = server
    found.contents.clear()
    found.asked.clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", download.SWITCH):
        monkeypatch.delenv(name, raising=False)
    for module in (find, builder):
        monkeypatch.setattr(module, "BIN", tmp_path / "built")
    for module in (find, download):
        monkeypatch.setattr(module, "DOWNLOADED", tmp_path / "downloaded")
    monkeypatch.setattr(builder, "BUILD_LOCK", tmp_path / "lock")
    monkeypatch.setattr(builder, "ensure_go", _no_go)
    monkeypatch.setenv("PATH", "/usr/bin:/bin" if not _has_kubectl() else str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return found


def _has_kubectl() -> bool:
    return any(os.access(f"{folder}/{name}", os.X_OK) for folder in ("/usr/bin", "/bin") for name in _SAYS)


def _no_go() -> None:
    msg = "here a build would begin"
    raise BuildFailed(msg)


def _offer(monkeypatch: pytest.MonkeyPatch, *offered: Archive) -> None:
    monkeypatch.setattr(archives, "here", lambda: offered)


def _builds(*names: str) -> None:
    with pytest.raises(BuildFailed, match="here a build would begin"):
        builder.build(names)


def test_what_is_published_is_used_and_asked_for_once(
    releases: Releases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _offer(
        monkeypatch, releases.publish("envtest.tar.gz", _TAR, _ENVTEST), releases.publish("consul.zip", _ZIP, _CONSUL)
    )
    binaries = builder.build(["etcd", "kube-apiserver", "kubectl", "consul"])
    assert {binary.origin for binary in binaries.values()} == {"downloaded"}
    assert binaries["kube-apiserver"].version == "v1.36.2"
    for name, binary in binaries.items():
        answer = subprocess.run([binary.path], capture_output=True, text=True, check=True)
        assert answer.stdout.startswith(name)
    said = capsys.readouterr().err
    assert "etcd v3.6.8, kube-apiserver v1.36.2, kubectl v1.36.2: downloading from 127.0.0.1" in said
    assert (
        "Kubernetes v1.36.2 runs, the newest that is published; a build would be v1.37.2 (1.36 to 1.37 will do)" in said
    )
    builder.build(["etcd", "consul"])
    assert releases.asked == ["/envtest.tar.gz", "/consul.zip"]
    assert capsys.readouterr().err == ""


def test_another_pin_is_another_download(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, releases.publish("consul.zip", _ZIP, _CONSUL))
    builder.build(["consul"])
    _offer(monkeypatch, releases.publish("consul.zip", zip_of(("consul", _SAYS["consul"])), _CONSUL))
    builder.build(["consul"])
    assert len(releases.asked) == 2


@pytest.mark.parametrize(
    ("behaviour", "said", "why"),
    [
        (truncated, "it ended after", "fewer bytes than were announced"),
        (truncated_unseen, "its sha256 is", "fewer bytes, unannounced"),
        (other, "is pinned", "something else than what was published"),
        (not_found, "HTTP 404", "taken away, or moved"),
        (to_http, "not by https", "a way on which everybody can answer"),
    ],
)
def test_what_is_not_right_is_built_and_the_next_archive_is_tried(
    releases: Releases,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    behaviour: Behaviour,
    said: str,
    why: str,
) -> None:
    bad = releases.publish("envtest.tar.gz", _TAR, _ENVTEST, behaviour)
    _offer(monkeypatch, bad, releases.publish("consul.zip", _ZIP, _CONSUL))
    _builds("etcd", "consul")
    [line] = [line for line in capsys.readouterr().err.splitlines() if "built instead" in line]
    assert said in line, why
    assert bad.url in line
    assert not (download.DOWNLOADED / "etcd").exists()
    assert find.take_inventory(["consul"]).found["consul"].origin == "downloaded"
    assert [path.name for path in download.DOWNLOADED.parent.glob("download-*")] == [], "nothing is left half done"


@pytest.mark.parametrize("way", ["hanging", "stalling"])
def test_who_says_nothing_is_not_waited_for_and_nobody_else_is_asked(
    releases: Releases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    monkeypatch.setattr(download, "_ANSWER_SECONDS", 0.3)
    silent = releases.publish("envtest.tar.gz", _TAR, _ENVTEST, getattr(releases, way))
    _offer(monkeypatch, silent, releases.publish("consul.zip", _ZIP, _CONSUL))
    began = time.monotonic()
    _builds("etcd", "consul")
    assert time.monotonic() - began < 5
    assert releases.asked == ["/envtest.tar.gz"], "one try decides for all"
    assert "no answer within 0.3 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://127.0.0.1:9/envtest.tar.gz", "nobody listens"),
        ("https://nobody.invalid/envtest.tar.gz", "a name that nobody knows"),
    ],
)
def test_without_a_network_one_failed_connection_is_lost(
    releases: Releases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, why: str
) -> None:
    unreachable = Archive(url, "sha256", "0" * 64, _ENVTEST)
    _offer(monkeypatch, unreachable, releases.publish("consul.zip", _ZIP, _CONSUL))
    _builds("etcd", "consul")
    assert releases.asked == [], why
    assert capsys.readouterr().err.count("built instead") == 1


def test_a_name_that_is_looked_up_for_ever_takes_no_longer(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own time limit begins when the name is known."""
    monkeypatch.setattr(download, "_ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: releases.stopping.wait(5))
    _offer(monkeypatch, Archive("https://slow.invalid/x", "sha256", "0" * 64, _CONSUL))
    began = time.monotonic()
    _builds("consul")
    assert time.monotonic() - began < 3


def test_a_certificate_that_nobody_vouches_for_is_no_answer(
    releases: Releases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    _offer(monkeypatch, releases.publish("consul.zip", _ZIP, _CONSUL))
    _builds("consul")
    assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err
    assert releases.asked == []


def test_never(releases: Releases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _offer(monkeypatch, releases.publish("consul.zip", _ZIP, _CONSUL))
    monkeypatch.setenv("DEVSTACK_DOWNLOAD", "never")
    _builds("consul")
    assert releases.asked == []
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("DEVSTACK_DOWNLOAD", "no")
    with pytest.raises(DevstackError, match="DEVSTACK_DOWNLOAD is 'no': write never, or auto"):
        builder.build(["consul"])


def test_programs_of_one_module_are_of_one_version(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    """A controller manager, which no archive has, may not be newer than its API server: both are built."""
    _offer(monkeypatch, releases.publish("envtest.tar.gz", _TAR, _ENVTEST))
    _builds("etcd", "kube-apiserver", "kube-controller-manager")
    assert find.take_inventory(["etcd"]).found["etcd"].origin == "downloaded"
    builder.build(["kube-apiserver", "kubectl"])  # as `make demo` does, before or after
    missing = find.take_inventory(["etcd", "kube-apiserver", "kube-controller-manager"]).missing
    assert [each.name for each in missing] == ["kube-apiserver", "kube-controller-manager"]


def _info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def _zip_link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


_SAYS_CONSUL = _SAYS["consul"]


@pytest.mark.parametrize(
    ("content", "said", "why"),
    [
        (tar(("bin/other", _SAYS_CONSUL)), "it has no file consul", "another archive"),
        (tar(("a/consul", _SAYS_CONSUL), ("b/consul", b"")), "two files called consul", "which of them?"),
        (tar_of((_info("consul", tarfile.SYMTYPE, "/bin/sh"), b"")), "no file consul", "a link out of the archive"),
        (tar_of((_info("consul", tarfile.LNKTYPE, "x"), b"")), "no file consul", "a hard link"),
        (tar_of((_info("consul", tarfile.CHRTYPE), b"")), "no file consul", "a device"),
        (tar_of((_info("consul", tarfile.DIRTYPE), b"")), "no file consul", "a folder"),
        (zip_of((_zip_link("consul"), b"/bin/sh")), "no file consul", "a link in a zip"),
        (zip_of(("consul/", b"")), "no file consul", "a folder in a zip"),
        (b"no archive at all", "cannot be unpacked", "a page of a proxy, say"),
        (tar(("consul", bytes(range(256)) * 99))[:200], "cannot be unpacked", "half of one, pinned as it is"),
        (tar(("consul", program("Consul v1.18.0"))), "is v1.18.0, and v1.19.2 was expected", "another version"),
        (tar(("consul", b"\x7fELF for another machine")), "does not run here", "another machine's"),
    ],
    # Without the bytes, in which the time of making stands: processes that run the tests together compare the names.
    ids=lambda value: "archive" if isinstance(value, bytes) else None,
)
def test_odd_archives(
    releases: Releases,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    content: bytes,
    said: str,
    why: str,
) -> None:
    _offer(monkeypatch, releases.publish("odd", content, _CONSUL))
    _builds("consul")
    assert said in capsys.readouterr().err, why
    assert not list(download.DOWNLOADED.iterdir())


def test_a_path_in_an_archive_leads_nowhere(
    releases: Releases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only the last part of a name counts, and the file is one of ours."""
    outside = tmp_path / "outside"
    content = tar((f"../../../../..{outside}/consul", _SAYS_CONSUL), (str(outside / "other"), b""))
    _offer(monkeypatch, releases.publish("odd", content, _CONSUL, right))
    assert builder.build(["consul"])["consul"].path == download.DOWNLOADED / "consul"
    assert not outside.exists()
