"""`consul-init run`: keeps a command of any language in Consul while it runs, as the first process of a container."""

import signal
import time
from collections.abc import Iterator, Sequence

from consul_init.children import Child
from consul_init.presence import Presence
from consul_init.settings import Settings
from consul_init.signal_pipe import WOKEN, SignalPipe
from consul_init.threads import start_thread

_STOP = (signal.SIGTERM, signal.SIGINT)
# What the kernel keeps to itself, what says that this very process is broken, and what stops and continues a job.
_NOT_FORWARDED = {"SIGKILL", "SIGSTOP", "SIGCHLD", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP"}
_NOT_FORWARDED |= {"SIGSYS", "SIGPIPE", "SIGXFSZ", "SIGTSTP", "SIGTTIN", "SIGTTOU"}
# After SIGKILL, for the kernel to hand over the command's end.
_KILL_GRACE = 2.0


def run(settings: Settings, command: Sequence[str]) -> int:
    """Run `command`, registered, and return its exit code (128 + n when signal n killed it).

    SIGTERM and SIGINT: leave, drain, then forward; a second one is forwarded at once; SIGKILL when the whole takes
    longer than `stop_timeout`. All other signals are forwarded as they come. Raises SettingsError before the
    command is started, and StartError.
    """
    presence = Presence(settings)
    events = SignalPipe(_to_catch())
    child = Child(command)
    presence.start()
    try:
        return _Wrapper(presence, events, child).wait()
    finally:
        presence.stop()


def _to_catch() -> Iterator[int]:
    named = {each.value: each.name for each in signal.Signals}
    for signum in signal.valid_signals():
        ignored = named.get(signum) in _NOT_FORWARDED or signal.getsignal(signum) is signal.SIG_IGN
        if signum == signal.SIGCHLD or not ignored:
            yield signum


class _Wrapper:
    """A loop over what happens: signals, the end of the drain, and time."""

    def __init__(self, presence: Presence, events: SignalPipe, child: Child) -> None:
        self._presence = presence
        self._events = events
        self._child = child
        self._stop_signal: int | None = None
        self._forwarded = False
        self._kill_at: float | None = None

    def wait(self) -> int:
        """Until the command has ended."""
        while self._child.exit_code is None:
            patience = None if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())
            event = self._events.next(patience)
            if event is None:
                self._kill()
            else:
                self._handle(event)
        self._presence.log.info("the command ended with exit code %d", self._child.exit_code)
        return self._child.exit_code

    def _kill(self) -> None:
        self._presence.log.error("still running after SERVICE_STOP_TIMEOUT: killing the command")
        self._child.kill()
        self._kill_at = time.monotonic() + _KILL_GRACE

    def _handle(self, event: int) -> None:
        if event == signal.SIGCHLD:
            self._child.reap()
        elif event == WOKEN:
            if not self._forwarded and self._stop_signal is not None:
                self._forward(self._stop_signal)
        elif event in _STOP and self._stop_signal is None:
            self._begin_to_stop(event)
        else:
            self._forward(event)

    def _begin_to_stop(self, signum: int) -> None:
        self._stop_signal = signum
        self._kill_at = time.monotonic() + self._presence.settings.stop_timeout
        self._presence.log.info("received %s", signal.Signals(signum).name)

        def leave() -> None:
            self._presence.leave()
            self._events.wake()

        start_thread(leave, "leave")

    def _forward(self, signum: int) -> None:
        self._forwarded = self._forwarded or signum in _STOP
        self._child.send(signum)
