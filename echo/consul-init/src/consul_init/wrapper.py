"""`consul-init run`: keeps a command of any language in Consul while it runs, as the first process of a container."""

import signal
import time
from collections.abc import Iterator, Sequence

from consul_init.children import KILLED_BY_SIGNAL, Child, adopt_orphans
from consul_init.presence import Presence
from consul_init.settings import Settings
from consul_init.signal_pipe import WOKEN, SignalPipe
from consul_init.signals import SAME_WISH
from consul_init.threads import start_thread
from consul_init.validation import NO_STOP_SIGNALS

# After SIGKILL, for the kernel to hand over the command's end.
_KILL_GRACE = 2.0
# After the command's end, for what it has started to end by itself; and between two looks whether it has.
_GROUP_GRACE, _GROUP_POLL = 0.5, 0.1


def run(settings: Settings, command: Sequence[str]) -> int:
    """Run `command`, registered, and return its exit code (128 + n when signal n killed it).

    A stop signal: leave, drain, then forward to the command's process group; a second one is forwarded at once; SIGKILL
    when the whole takes longer than `stop_timeout`. All other signals are forwarded as they come, to the command alone.
    Raises SettingsError before the command is started, and StartError.
    """
    # First of all: to the first process of a container the kernel delivers no signal that has no handler.
    events = SignalPipe(_to_catch())
    presence = Presence(settings, hands_over=False)
    arrived = events.arrived()
    for event in arrived:
        if event in settings.stop_signals:
            presence.log.info("received %s before the command was started", signal.Signals(event).name)
            return KILLED_BY_SIGNAL + event
    adopt_orphans()
    child = Child(command)
    presence.start()
    try:
        return _Wrapper(presence, events, child).wait(arrived)
    finally:
        presence.stop()


def _to_catch() -> Iterator[int]:
    named = {each.value: each.name for each in signal.Signals}
    for signum in signal.valid_signals():
        ignored = named.get(signum) in NO_STOP_SIGNALS or signal.getsignal(signum) is signal.SIG_IGN
        if signum == signal.SIGCHLD or not ignored:
            yield signum


class _Wrapper:
    """A loop over what happens: signals, the end of the drain, and time."""

    def __init__(self, presence: Presence, events: SignalPipe, child: Child) -> None:
        self._presence = presence
        self._events = events
        self._child = child
        self._stop_signals = presence.settings.stop_signals
        self._stop_signal: int | None = None
        self._stopping_since = 0.0
        self._forwarded = False
        self._kill_at: float | None = None
        self._ended_at: float | None = None

    def wait(self, arrived: Sequence[int]) -> int:
        """Until the command has ended, and what it has started. `arrived` are the signals so far."""
        for each in arrived:
            self._handle(each)
        while not self._child.has_ended:
            event = self._events.next(self._patience())
            if event is not None:
                self._handle(event)
            elif self._kill_at is not None and time.monotonic() >= self._kill_at:
                self._kill()
            self._notice_the_end()
        exit_code = self._child.exit_code
        assert exit_code is not None  # noqa: S101 - for the type: it has ended
        self._presence.log.info("the command ended with exit code %d", exit_code)
        return exit_code

    def _patience(self) -> float | None:
        if self._ended_at is not None:
            return _GROUP_POLL
        return None if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())

    def _kill(self) -> None:
        self._presence.log.error("still running after SERVICE_STOP_TIMEOUT: killing the command")
        self._child.send_to_group(signal.SIGKILL)
        self._kill_at = time.monotonic() + _KILL_GRACE

    def _notice_the_end(self) -> None:
        """What the command has started may serve on, as the server of a shell that was told to stop."""
        if self._child.exit_code is None or self._child.has_ended:
            return
        if self._ended_at is None:
            self._ended_at = time.monotonic()
            self._presence.log.warning(
                "the command has ended, and processes that it has started are still there: waiting for them (write"
                " `exec` before the last command of a shell to have one process less)"
            )
        elif self._stop_signal is None and time.monotonic() - self._ended_at > _GROUP_GRACE:
            self._begin_to_stop(signal.SIGTERM)

    def _handle(self, event: int) -> None:
        if event == signal.SIGCHLD:
            self._child.reap()
        elif event == WOKEN:
            if not self._forwarded and self._stop_signal is not None:
                self._forward(self._stop_signal)
        elif event not in self._stop_signals:
            self._child.send(event)
        elif self._stop_signal is None:
            self._presence.log.info("received %s", signal.Signals(event).name)
            self._begin_to_stop(event)
        elif self._forwarded or time.monotonic() - self._stopping_since > SAME_WISH:
            self._forward(event)

    def _begin_to_stop(self, signum: int) -> None:
        self._stop_signal = signum
        self._stopping_since = time.monotonic()
        self._kill_at = self._stopping_since + self._presence.settings.stop_timeout

        def leave() -> None:
            self._presence.leave()
            self._events.wake()

        start_thread(leave, "leave")

    def _forward(self, signum: int) -> None:
        self._forwarded = True
        self._child.send_to_group(signum)
