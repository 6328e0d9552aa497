"""The context manager, for `with` and `async with`: in Consul inside the block, out of it after."""

import asyncio
import time
from types import TracebackType
from typing import Self

from consul_init.agent import Agent
from consul_init.keeper import Keeper
from consul_init.registration import Registration
from consul_init.settings import Settings


class Registered:
    """Registers on entering, deregisters on leaving the block.

    Inside the block, `leave` deregisters and then waits the drain time, during which the server is to go on
    answering: gateways need that long to notice. Entering never fails because of Consul; it raises SettingsError.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = Settings.from_env() if settings is None else settings
        self.registration = Registration.from_settings(self.settings)
        self._keeper = Keeper(self.registration, Agent(self.settings.consul))

    def leave(self) -> bool:
        """Deregister, drain, return. False when Consul did not confirm. Bounded, also when Consul hangs."""
        if not self.settings.enabled:
            return True
        confirmed = self._keeper.leave()
        time.sleep(self.settings.drain)
        return confirmed

    async def leave_async(self) -> bool:
        """The same, without blocking the event loop."""
        return await asyncio.to_thread(self.leave)

    def __enter__(self) -> Self:
        if self.settings.enabled:
            self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.settings.enabled:
            self._keeper.leave()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)
