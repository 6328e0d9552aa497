"""Parts that are killed, frozen, wiped and started again, each on the ports that it had."""

import socket
from pathlib import Path

import httpx
import pytest
from devstack.errors import AlreadyRunning, DevstackError, PartFailed
from devstack.find import Binaries, Binary
from devstack.handles.answers import at
from devstack.instances import supervised
from devstack.layout import Ports
from devstack.pytest_plugin import FreshStack
from devstack.stack import Stack
from devstack.state import read_state
from devstack.waiting import until


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=0.5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_parts_come_back_where_they_were(fresh_stack: FreshStack, tmp_path: Path) -> None:
    """One stack for all of it, since each part is looked at by itself."""
    stack = fresh_stack()
    kube, consul, gateway = stack.kube, stack.consul.api, stack.gateway.api

    kube.run("create", "configmap", "kept", "--from-literal=a=b")
    kube.run("create", "serviceaccount", "op")
    account = kube.service_account("default", "op", tmp_path / "kubeconfig")
    stack.apiserver.restart()
    assert "system:serviceaccount:default:op" in account.run("auth", "whoami"), "the keys are the same"
    stack.etcd.kill()
    assert not stack.etcd.running
    stack.check()  # a part that the test has killed has not crashed
    stack.etcd.start()
    until(stack.apiserver.is_ready, timeout=10)
    assert at(kube.get("configmap", "kept"), "data", "a") == "b", "etcd keeps what it acknowledged over a kill"

    consul.register("s", 1)
    stack.consul.restart()
    assert [instance.id for instance in consul.instances("s")] == ["s-127.0.0.1-1"]
    stack.consul.pause()
    until(lambda: not _answers(f"{stack.consul.url}/v1/status/leader"), "it stands still")
    stack.consul.resume()
    until(lambda: _answers(f"{stack.consul.url}/v1/status/leader"), "it goes on")
    stack.consul.kill()
    with pytest.raises(httpx.ConnectError):
        consul.instances("s")
    stack.consul.start()
    stack.consul.restart(wipe=True)
    assert consul.instances("s") == [], "empty after a restart that wipes"

    gateway.put("routes", "r", {"uri": "/x", "upstream": {"type": "roundrobin", "nodes": {"127.0.0.1:1": 1}}})
    stack.gateway.restart()
    assert gateway.get("routes", "r") is not None
    stack.gateway.restart(wipe=True)
    assert gateway.get("routes", "r") is None


def test_two_stacks_know_nothing_of_each_other(stack: Stack, fresh_stack: FreshStack) -> None:
    """The second one runs without kube-controller-manager; accounts and tokens work there too."""
    other = fresh_stack()
    other.kube.run("create", "serviceaccount", "only-there")
    account = other.kube.service_account("default", "only-there", other.directory / "account")
    assert "system:serviceaccount:default:only-there" in account.run("auth", "whoami")
    assert stack.kube.attempt("get", "serviceaccount", "only-there").returncode == 1
    other.consul.api.register("only-there", 1)
    assert stack.consul.api.instances("only-there") == []
    foreign = other.gateway.admin_key_file.read_text()
    assert stack.gateway.api.admin("GET", "/routes", key=foreign).status_code == 401
    with pytest.raises(DevstackError, match="has no kube-controller-manager"):
        _ = other.controller_manager


def test_a_program_beside_the_parts_ends_before_them(fresh_stack: FreshStack) -> None:
    stack = fresh_stack()
    beside = stack.run("beside", ["/bin/sh", "-c", 'echo "$WHO"; exec sleep 600'], {"WHO": "me"})
    until(lambda: beside.output() == "me\n", timeout=10)
    assert beside.log.parent == stack.gateway.log.parent
    stack.stop()
    assert not beside.running
    assert not supervised(stack.directory)
    with pytest.raises(DevstackError, match="is not running"):
        stack.run("late", ["true"], {})


def test_a_port_that_somebody_took_meanwhile(
    devstack_binaries: Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        pick = Ports.pick
        first = Ports(**{**_values(pick()), "consul": port})
        offered = iter([first])
        monkeypatch.setattr(Ports, "pick", lambda: next(offered, None) or pick())
        with Stack(tmp_path / "stack", _without_kcm(devstack_binaries)) as stack:
            assert stack.consul.url != f"http://127.0.0.1:{port}"
            assert stack.consul.is_ready()


def _values(ports: Ports) -> dict[str, int]:
    return {name: getattr(ports, name) for name in Ports.__slots__}


def _without_kcm(binaries: Binaries) -> Binaries:
    return {name: binary for name, binary in binaries.items() if name != "kube-controller-manager"}


def test_a_part_that_does_not_start_leaves_nothing(devstack_binaries: Binaries, tmp_path: Path) -> None:
    broken = tmp_path / "consul"
    broken.write_text("#!/bin/sh\necho 'bad configuration'; exit 4\n")
    broken.chmod(0o755)
    binaries = _without_kcm(devstack_binaries) | {"consul": Binary(broken, "v0", "the test")}
    stack = Stack(tmp_path / "stack", binaries)
    with pytest.raises(PartFailed, match=r"(?s)consul ended with status 4 .*consul\.log:\n    bad configuration"):
        stack.start()
    assert not supervised(stack.directory)
    assert not (stack.directory / "data").exists()
    assert _processes_of(stack.directory) == []


def _processes_of(directory: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(directory) in command:
            found.append(command)
    return found


def test_a_folder_has_one_stack(stack: Stack, devstack_binaries: Binaries) -> None:
    second = Stack(stack.directory, devstack_binaries)
    with pytest.raises(AlreadyRunning, match="devstack down --name"):
        second.start()
    second.stop()
    stack.check()
    assert stack.consul.is_ready()
    assert read_state(stack.directory) is not None, "the first one can still be found and ended"
    assert stack.consul.data.exists()
