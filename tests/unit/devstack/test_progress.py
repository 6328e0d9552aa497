"""What a person sees of a step."""

import io

import pytest
from devstack import progress


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "text", "why"),
    [
        (0.44, "0.4 s", "short ones with a decimal"),
        (46.4, "46 s", "then whole seconds"),
        (59.7, "1 min 00 s", "rounded before it is split, never 60 s"),
        (346, "5 min 46 s", "minutes"),
    ],
)
def test_elapsed(seconds: float, text: str, why: str) -> None:
    assert progress.elapsed(seconds) == text, why


def test_without_a_terminal_a_line_at_each_end_and_one_every_half_minute(clock: _Clock) -> None:
    stream = io.StringIO()
    with progress.Step("etcd", stream) as step:
        for _ in range(65):
            clock.now += 1
            step.update("7 packages")
    assert stream.getvalue().splitlines() == [
        "==> etcd",
        "==> etcd: 7 packages, 30 s",
        "==> etcd: 7 packages, 1 min 00 s",
        "==> etcd: done after 1 min 05 s",
    ]


def test_in_a_terminal_one_line_that_lives(clock: _Clock) -> None:
    stream = _Terminal()
    with progress.Step("etcd", stream) as step:
        clock.now += 1
        step.update("7 packages")
        step.finish("built")
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\r\x1b[K==> etcd: built after 1.0 s\n")
    assert "7 packages, 1.0 s" in text


def test_a_failure_is_said(clock: _Clock) -> None:
    stream = io.StringIO()
    with pytest.raises(RuntimeError), progress.Step("etcd", stream):
        raise RuntimeError
    assert stream.getvalue().splitlines()[-1] == "==> etcd: failed after 0.0 s"
