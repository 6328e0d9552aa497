"""`consul-init run`: keeps a command of any language in Consul while it runs, as the first process of a container."""

import queue
import signal
import threading
import time
from collections.abc import Sequence

from consul_init.children import Child
from consul_init.presence import Presence
from consul_init.settings import Settings

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
    wrapper = _Wrapper(presence)
    wrapper.catch_signals()
    child = Child(command)
    presence.start()
    try:
        return wrapper.wait(child)
    finally:
        presence.stop()


class _Wrapper:
    """A loop over what happens: signals, the end of the drain (None), and time."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        # Filled by signal handlers: see signals.py on why it is a SimpleQueue.
        self._events: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._stop_signal: int | None = None
        self._forwarded = False
        self._kill_at: float | None = None

    def catch_signals(self) -> None:
        """From here on no signal is lost, also while the command is being started."""
        named = {each.value: each.name for each in signal.Signals}
        for signum in signal.valid_signals():
            ignored = named.get(signum) in _NOT_FORWARDED or signal.getsignal(signum) is signal.SIG_IGN
            if signum == signal.SIGCHLD or not ignored:
                signal.signal(signum, lambda received, _frame: self._events.put(received))

    def wait(self, child: Child) -> int:
        """Until the command has ended."""
        while child.exit_code is None:
            try:
                event = self._events.get(timeout=self._patience())
            except queue.Empty:
                self._kill(child)
            else:
                self._handle(event, child)
        self._presence.log.info("the command ended with exit code %d", child.exit_code)
        return child.exit_code

    def _patience(self) -> float | None:
        return None if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())

    def _kill(self, child: Child) -> None:
        self._presence.log.error("still running after SERVICE_STOP_TIMEOUT: killing the command")
        child.kill()
        self._kill_at = time.monotonic() + _KILL_GRACE

    def _handle(self, event: int | None, child: Child) -> None:
        if event == signal.SIGCHLD:
            child.reap()
        elif event is None:
            if not self._forwarded and self._stop_signal is not None:
                self._forward(self._stop_signal, child)
        elif event in _STOP and self._stop_signal is None:
            self._begin_to_stop(event)
        else:
            self._forward(event, child)

    def _begin_to_stop(self, signum: int) -> None:
        self._stop_signal = signum
        self._kill_at = time.monotonic() + self._presence.settings.stop_timeout
        self._presence.log.info("received %s", signal.Signals(signum).name)

        def leave() -> None:
            self._presence.leave()
            self._events.put(None)

        threading.Thread(target=leave, name="consul-init leave", daemon=True).start()

    def _forward(self, signum: int, child: Child) -> None:
        self._forwarded = self._forwarded or signum in _STOP
        child.send(signum)
