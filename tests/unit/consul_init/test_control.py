"""The control socket: leaving on request, and at most one keeper."""

import errno
import socket
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from consul_init import control, peers
from consul_init.control import ControlServer, ask_to_leave, control_address
from consul_init.errors import ControlError
from consul_init.settings import Settings

linux = pytest.mark.skipif(sys.platform != "linux", reason="abstract names and SO_PEERCRED are Linux's")


@pytest.fixture(params=["file", pytest.param("abstract", marks=linux)])
def address(request, tmp_path) -> str:
    return f"\0{tmp_path}" if request.param == "abstract" else str(tmp_path / "control.sock")


@pytest.fixture
def serve():
    """A factory of open control servers."""
    servers: list[ControlServer] = []

    def start(address: str, leave=lambda: True) -> ControlServer:
        server = ControlServer(address, leave)
        server.open()
        servers.append(server)
        return server

    yield start
    for each in servers:
        each.close()


@pytest.mark.parametrize("confirmed", [True, False])
def test_leave_and_wait(address, serve, confirmed):
    asked = []
    serve(address, lambda: bool(asked.append(1)) or confirmed)
    assert ask_to_leave(address, wait=1.0) is confirmed
    assert asked == [1]


def test_without_wait_the_answer_does_not_wait_for_the_drain(address, serve):
    drained = threading.Event()
    serve(address, lambda: drained.wait(5))
    assert ask_to_leave(address, wait=None) is True
    assert not drained.is_set()
    drained.set()


def test_a_second_keeper_learns_who_the_first_is(address, serve):
    serve(address)
    with pytest.raises(ControlError) as caught:
        ControlServer(address, lambda: True).open()
    if sys.platform == "linux":
        assert f"keeps this instance (process {control.os.getpid()} of user {control.os.getuid()})" in str(caught.value)


def test_a_socket_that_cannot_be_made_is_not_taken_for_another_keeper(tmp_path):
    with pytest.raises(ControlError, match=r"no control socket can be made \(see CONSUL_INIT_SOCKET\)"):
        ControlServer(str(tmp_path / "gone" / "control.sock"), lambda: True).open()


def test_the_name_is_free_after_closing(address, serve):
    serve(address).close()
    serve(address)


def test_a_file_left_by_a_killed_process_is_no_keeper(tmp_path, serve):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    serve(str(path))
    assert ask_to_leave(str(path), wait=1.0)


def test_the_file_is_its_owners_alone(tmp_path, serve):
    path = tmp_path / "control.sock"
    serve(str(path))
    assert path.stat().st_mode & 0o777 == 0o600


def test_nobody_there(address):
    with pytest.raises(ControlError, match="no keeper answers"):
        ask_to_leave(address, wait=None)


def test_a_keeper_that_ends_before_it_has_left(address):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(100)
            connection.sendall(b"leaving\n")
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(ControlError, match="ended before it answered"):
            ask_to_leave(address, wait=1.0)
        thread.join()


@linux
def test_another_user_is_not_listened_to(address, serve, monkeypatch):
    asked = []
    serve(address, lambda: bool(asked.append(1)))
    monkeypatch.setattr(peers.os, "getuid", lambda: 12345)
    peer = peers.peer
    monkeypatch.setattr(peers, "peer", lambda connection: (peer(connection)[0], 54321))
    with pytest.raises(ControlError, match="belongs to another user"):
        ask_to_leave(address, wait=1.0)
    assert asked == []


@pytest.mark.parametrize(
    ("chosen", "expected", "why"),
    [("/run/x.sock", "/run/x.sock", "a path"), ("@x", "\0x", "an abstract name, as systemd and Docker write it")],
)
def test_chosen_address(chosen, expected, why):
    settings = Settings.from_env({"SERVICE_NAME": "a", "SERVICE_PORT": "1", "CONSUL_INIT_SOCKET": chosen})
    assert control_address(settings, "a-10.0.0.7-1") == expected, why


def test_default_address_differs_by_service_and_fits_a_socket_name():
    settings = Settings.from_env({"SERVICE_NAME": "a", "SERVICE_PORT": "1"})
    names = {control_address(settings, service_id) for service_id in ("a" * 300, "a" * 301)}
    assert len(names) == 2
    assert all(len(name) < 100 and not Path(name[1:]).exists() for name in names)


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
def test_no_mask_of_the_process_is_changed_for_a_file(tmp_path, serve, monkeypatch):
    """It is the whole process's: a file that another thread makes at that moment would be ours alone."""
    monkeypatch.setattr(control.os, "umask", lambda _mask: pytest.fail("changed"))
    serve(str(tmp_path / "control.sock"))
    serve(f"\0{tmp_path}")


def test_the_keeper_can_be_told_again_when_file_descriptors_are_back(address, serve, monkeypatch):
    """EMFILE in accept must not end the thread: `leave --wait` would time out for good."""
    monkeypatch.setattr(control, "_ACCEPT_AGAIN", 0.05)
    real, failures = socket.socket.accept, iter([errno.EMFILE, errno.ENFILE])

    def accept(listener):
        number = next(failures, None)
        if number is not None:
            raise OSError(number, "too many open files")
        return real(listener)

    monkeypatch.setattr(socket.socket, "accept", accept)
    serve(address)
    assert ask_to_leave(address, wait=1.0)


def test_the_default_path_fits_where_paths_are_short(monkeypatch):
    """macOS: a temporary directory of 49 characters, user ids of ten digits, and 103 for the whole."""
    monkeypatch.setattr(control.sys, "platform", "darwin")
    monkeypatch.setattr(control.os, "getuid", lambda: 1234567890)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/var/folders/zz/" + "x" * 30 + "/T")
    settings = Settings.from_env({"SERVICE_NAME": "a", "SERVICE_PORT": "1"})
    assert len(control_address(settings, "a" * 300)) <= 103
