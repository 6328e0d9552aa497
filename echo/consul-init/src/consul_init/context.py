"""The context manager, for `with` and `async with`: in Consul inside the block, out of it after."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from consul_init.presence import Presence
from consul_init.registration import Registration
from consul_init.settings import Settings
from consul_init.signals import WrappedSignals
from consul_init.state import REGISTERED, OnChange, State


class Registered:
    """Registers on entering, deregisters on leaving the block; for one block.

    A first SIGTERM, SIGINT or SIGQUIT inside the block makes it leave Consul and drain before the signal does what it
    would have done. With `handle_signals=False` that is the application's to do: it calls `leave`, then stops its
    server.

    `ready` is asked before anything is registered, once a second until it says yes; with a check of the type ttl it is
    asked on, and what it says is told to Consul. `on_change` is called with each new state and the output of Consul's
    check. Both are called in a thread of the library's.

    Creating it raises SettingsError; entering the block never fails, because a service must come up without Consul.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        handle_signals: bool = True,
        ready: Callable[[], bool] | None = None,
        on_change: OnChange | None = None,
    ) -> None:
        self.settings = Settings.from_env() if settings is None else settings
        condition = None if ready is None else lambda _registration: ready()
        self._presence = Presence(self.settings, condition, on_change=on_change)
        self._handle_signals = handle_signals
        self._signals: WrappedSignals | None = None

    @property
    def registration(self) -> Registration:
        """What is in Consul, or is to be."""
        return self._presence.registration

    @property
    def state(self) -> State:
        """Where the instance is, as Consul's agent said at the last look, which comes every 2 to 3 seconds."""
        return self._presence.observed.state

    @property
    def output(self) -> str:
        """What Consul's check said: an answer's first line and body, or why there was none."""
        return self._presence.observed.output

    def wait_registered(self, timeout: float | None = None) -> bool:
        """Block until it is in Consul, whatever its check says. False after `timeout` seconds, or once it has left."""
        return self._presence.observed.wait_for(REGISTERED, timeout)

    def wait_passing(self, timeout: float | None = None) -> bool:
        """Block until Consul's check finds it good: from then on it gets traffic. False as above."""
        return self._presence.observed.wait_for(frozenset({State.PASSING}), timeout)

    def leave(self) -> bool:
        """Deregister, drain, return. False when Consul did not confirm. Bounded, also when Consul hangs."""
        return self._presence.leave()

    async def leave_async(self) -> bool:
        """The same, without blocking the event loop."""
        return await self._presence.leave_async()

    def __enter__(self) -> Self:
        if self._presence.start() and self._handle_signals:
            settings = self.settings
            signals = WrappedSignals(self._presence, settings.stop_timeout, self._presence.log, settings.stop_signals)
            if signals.install(server_handles_them=False):
                self._signals = signals
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._signals_were_replaced():
            self._presence.leave()
        self._presence.stop()
        self._restore_signals()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._signals_were_replaced():
            await self._presence.leave_async()
        await self._presence.stop_async()
        self._restore_signals()

    def _signals_were_replaced(self) -> bool:
        """Then nobody has drained, and whatever still serves may do so now."""
        return self._signals is not None and self._signals.were_replaced()

    def _restore_signals(self) -> None:
        if self._signals is not None:
            self._signals.remove()
            self._signals = None
