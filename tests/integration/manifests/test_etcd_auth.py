"""A real etcd with the arguments of its pod, and the script that switches its authentication on."""

import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from devstack.find import Binaries
from devstack.paths import REPOSITORY
from devstack.ports import pick_ports
from devstack.processes import ProcessGroup
from devstack.waiting import until

from .containers import Container, Script, arguments

PASSWORD = secrets.token_hex(16)
KEY = {"key": "L2FwaXNpeC9yb3V0ZXM="}
_MOUNTED = "/etc/etcd-root-password/password"
_NOTHING_SHOWN = "etcdserver: user name is empty"


class Etcd:
    """The pod: etcd, its script, the password's file."""

    def __init__(self, binaries: Binaries, kubectl: Path, group: ProcessGroup, directory: Path) -> None:
        port, peer = pick_ports(2)
        self.url, self.data, self.password = f"http://127.0.0.1:{port}", directory / "data", directory / "password"
        shipped = arguments(kubectl, "StatefulSet/etcd", "etcd")
        here = [
            f"--data-dir={self.data}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-metrics-urls=http://127.0.0.1:{pick_ports(1)[0]}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            next(word for word in shipped if word.startswith("--auth-token=")).replace(_MOUNTED, str(self.password)),
        ]
        command = [str(binaries["etcd"].path), *shipped, *here]
        self.server = Container(group, command, directory / "etcd.log", {})
        environment = {"ETCD_URL": self.url, "ETCD_PASSWORD_FILE": str(self.password)}
        self.script = Script(group, "apisix/etcd_auth.py", directory / "auth.log", environment)
        self._http = httpx.Client(base_url=f"{self.url}/v3", trust_env=False, timeout=10)
        self.password.write_text(PASSWORD)

    def start(self) -> None:
        self.server.start()
        until(self._answers, "etcd answers")

    def _answers(self) -> bool:
        try:
            return self.ask("kv/range", KEY).status_code in (200, 400)
        except httpx.TransportError:
            return False

    def ask(self, path: str, body: dict[str, str], token: str = "") -> httpx.Response:
        return self._http.post(f"/{path}", json=body, headers={"Authorization": token} if token else {})

    def login(self, password: str) -> str:
        """A token of user root; empty where it is refused."""
        return str(self.ask("auth/authenticate", {"name": "root", "password": password}).json().get("token", ""))

    def said_to_strangers(self) -> str:
        return str(self.ask("kv/range", KEY).json().get("message", "an answer"))

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def etcd(devstack_binaries: Binaries, kubectl: Path, process_group: ProcessGroup, tmp_path: Path) -> Iterator[Etcd]:
    pod = Etcd(devstack_binaries, kubectl, process_group, tmp_path)
    pod.start()
    yield pod
    pod.close()


def test_strangers_are_refused_from_then_on_over_restarts(etcd: Etcd) -> None:
    assert etcd.said_to_strangers() == "an answer", "else this test shows nothing"
    log = etcd.script.run("enable")
    assert etcd.said_to_strangers() == _NOTHING_SHOWN
    for path in ("kv/put", "kv/deleterange", "auth/disable", "auth/user/add", "auth/enable"):
        assert etcd.ask(path, {**KEY, "value": "eA==", "name": "x", "password": "x"}).status_code >= 400, path
    token = etcd.login(PASSWORD)
    assert etcd.ask("kv/put", {**KEY, "value": "eA=="}, token).status_code == 200
    assert etcd.login("other") == ""

    etcd.server.kill()
    etcd.start()
    assert etcd.said_to_strangers() == _NOTHING_SHOWN
    assert etcd.ask("kv/range", KEY, token).json()["count"] == "1", "APISIX holds on to its token for minutes"
    log += etcd.script.run("wait") + etcd.script.run("enable")
    assert etcd.ask("kv/range", KEY, etcd.login(PASSWORD)).json()["count"] == "1", "what was there is there"
    assert PASSWORD not in log + etcd.server.log


def test_waiting_changes_nothing_and_ends_once_it_is_on(etcd: Etcd) -> None:
    waiting = etcd.script.start("wait")
    until(lambda: "authentication is not on yet" in waiting.log)
    assert etcd.said_to_strangers() == "an answer"
    keeping = etcd.script.start("keep")
    until(lambda: etcd.said_to_strangers() == _NOTHING_SHOWN)
    assert waiting.wait() == 0
    assert keeping.stop() == 0, "as process 1 it has to take SIGTERM itself"


def test_what_an_interrupted_attempt_has_left_is_taken_up(etcd: Etcd) -> None:
    etcd.ask("auth/role/add", {"name": "root"})
    etcd.ask("auth/user/add", {"name": "root", "password": "of an older Secret"})
    etcd.script.run("enable")
    assert etcd.login(PASSWORD)
    assert not etcd.login("of an older Secret")


def test_apisix_in_compose_waits_for_it(etcd: Etcd, tmp_path: Path, process_group: ProcessGroup) -> None:
    """Its entry point, with what it starts replaced by what shows how it would be started."""
    compose = yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))
    *bash, script = compose["services"]["apisix"]["entrypoint"]
    for old, new in (
        ("$$", "$"),
        ("/dev/tcp/etcd/2379", f"/dev/tcp/127.0.0.1/{etcd.url.rpartition(':')[2]}"),
        ("/secrets/", f"{tmp_path}/"),
        ("/docker-entrypoint.sh docker-start", "env"),
    ):
        assert old in script, old
        script = script.replace(old, new)
    (tmp_path / "admin-key").write_text("kkey")
    (tmp_path / "etcd-password").write_text(PASSWORD)
    etcd.server.kill()
    apisix = Container(process_group, [*bash, script], tmp_path / "apisix.log", {})
    apisix.start()
    etcd.start()
    time.sleep(3)  # it looks each second
    assert apisix.log == "", "etcd answers, and has no authentication yet"
    etcd.script.run("enable")
    assert apisix.wait() == 0
    assert {"APISIX_ADMIN_KEY=kkey", f"ETCD_PASSWORD={PASSWORD}"} <= set(apisix.log.splitlines())


def test_another_password_as_the_documents_tell(etcd: Etcd) -> None:
    keeping = etcd.script.start("keep")
    etcd.script.run("wait")
    etcd.password.write_text("new")
    until(lambda: "etcd refuses the password of" in keeping.log, timeout=50)  # it looks every ten seconds
    assert etcd.ask("auth/disable", {}, etcd.login(PASSWORD)).status_code == 200
    until(lambda: etcd.login("new") != "")
    assert etcd.login(PASSWORD) == ""


def test_an_emptied_etcd_is_closed_again(etcd: Etcd) -> None:
    etcd.script.start("keep")
    until(lambda: etcd.said_to_strangers() == _NOTHING_SHOWN)
    etcd.server.kill()
    shutil.rmtree(etcd.data)
    etcd.start()
    until(lambda: etcd.said_to_strangers() == _NOTHING_SHOWN, timeout=50)  # it looks every ten seconds
    assert etcd.login(PASSWORD)


@pytest.mark.parametrize(
    ("written", "says", "why"),
    [
        ("another", "etcd refuses the password of", "the Secret was changed, and etcd was not told"),
        ("", "there is no password in", "an empty Secret would leave etcd open"),
        (None, "cannot read the password", "the Secret is not mounted"),
    ],
)
def test_trouble_is_told_once_and_mended_without_a_restart(
    etcd: Etcd, written: str | None, says: str, why: str
) -> None:
    etcd.script.run("enable")
    etcd.password.unlink() if written is None else etcd.password.write_text(written)
    waiting = etcd.script.start("wait")
    until(lambda: says in waiting.log, why)
    etcd.password.write_text(PASSWORD)
    assert waiting.wait() == 0
    assert waiting.log.count(says) == 1
    assert (written or PASSWORD) not in waiting.log.replace(str(etcd.password), "")


def test_an_etcd_that_is_away_is_waited_for(etcd: Etcd) -> None:
    etcd.server.kill()
    enabling = etcd.script.start("enable")
    until(lambda: "does not answer" in enabling.log)
    etcd.start()
    assert enabling.wait() == 0
    assert etcd.said_to_strangers() == _NOTHING_SHOWN
