"""Ports: distinct, free, and out of the way of outgoing connections."""

import socket
from pathlib import Path

import pytest
from devstack import ports


def test_distinct_and_free() -> None:
    picked = ports.pick_ports(10)
    assert len(set(picked)) == 10
    for port in picked:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))


def test_below_the_ephemeral_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = tmp_path / "ip_local_port_range"
    setting.write_text("25000\t60999\n")
    monkeypatch.setattr(ports, "_EPHEMERAL_RANGE", setting)
    assert all(20_000 <= port < 25_000 for port in ports.pick_ports(50))


def test_where_every_port_is_ephemeral(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = tmp_path / "ip_local_port_range"
    setting.write_text("1024\t65535\n")
    monkeypatch.setattr(ports, "_EPHEMERAL_RANGE", setting)
    assert len(ports.pick_ports(5)) == 5


def test_a_taken_port_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken = listener.getsockname()[1]
        (free,) = ports.pick_ports(1)
        monkeypatch.setattr(ports, "_range", lambda: [taken, free])
        assert ports.pick_ports(1) == [free]
        with pytest.raises(OSError, match="fewer than 2 free ports"):
            ports.pick_ports(2)
