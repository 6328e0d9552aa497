"""What a stack leaves on disk for other processes."""

import os
from pathlib import Path

from devstack.identity import ProcessIdentity
from devstack.locks import locked, try_lock
from devstack.state import State, forget_state, read_state, write_state


def test_a_state_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    me = ProcessIdentity.of(os.getpid())
    assert me is not None
    state = State(supervisor=me, ready=True, processes={"etcd": me}, environment={"KUBECONFIG": "/a b"})
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    forget_state(tmp_path)
    forget_state(tmp_path)
    assert read_state(tmp_path) is None


def test_one_process_holds_the_lock(tmp_path: Path) -> None:
    held = try_lock(tmp_path / "lock")
    assert held is not None
    assert try_lock(tmp_path / "lock") is None
    held.close()
    again = try_lock(tmp_path / "lock")
    assert again is not None
    again.close()


def test_waiting_for_the_lock_is_said_once(tmp_path: Path) -> None:
    said: list[str] = []
    held = try_lock(tmp_path / "lock")
    assert held is not None

    def on_wait() -> None:
        said.append("waiting")
        held.close()

    with locked(tmp_path / "lock", on_wait):
        assert try_lock(tmp_path / "lock") is None
    with locked(tmp_path / "lock", on_wait):
        pass
    assert said == ["waiting"]
