"""One instance's presence in Consul: registration, keeper, control socket and signals, put together.

All ways in are thin layers over this: the context managers, the lifespan, the wrapper and the sidecar.
"""

from collections.abc import Callable
from functools import partial

from consul_init.control import ControlServer, control_address
from consul_init.errors import ControlError
from consul_init.keeper import Keeper
from consul_init.leaving import Leaving, in_daemon_thread
from consul_init.registration import Registration
from consul_init.settings import Settings


class Presence:
    """From `start` to `stop`. Neither fails because of Consul.

    Does nothing where SERVICE_REGISTER is false, or where another process already keeps this very instance (or none can
    because it would have no control socket): then a line in the log says so.
    """

    def __init__(self, settings: Settings, ready: Callable[[Registration], bool] | None = None) -> None:
        """`ready`, if given, must say yes once before anything is registered.

        Raises SettingsError where no address can be found.
        """
        self.settings = settings
        self.registration = Registration.from_settings(settings)
        condition = None if ready is None else partial(ready, self.registration)
        self._keeper = Keeper(self.registration, settings.consul, condition)
        self.log = self._keeper.log
        self.leaving = Leaving(self._keeper, settings.drain)
        self._control = ControlServer(control_address(settings, self.registration.id), self.leaving.leave)
        self.keeping = False

    def start(self) -> bool:
        """Claim the instance and begin to register it in the background. False where there is nothing to do."""
        if not self.settings.enabled:
            self.log.info("not registering: SERVICE_REGISTER is false")
            return False
        try:
            self._control.open()
        except ControlError as error:
            self.log.error("not registering: %s", error)  # noqa: TRY400 - a person acts on it, not on a traceback
            return False
        self.keeping = True
        self._keeper.start()
        return True

    def leave(self) -> bool:
        """Deregister, drain, return. False when Consul did not confirm. Bounded, also when Consul hangs."""
        return self.leaving.leave() if self.keeping else True

    def stop(self) -> None:
        """Deregister unless that is done, and free the control socket. No drain: by now nothing serves."""
        if self.keeping:
            self._keeper.leave()
            self._control.close()
            self.keeping = False

    async def leave_async(self) -> bool:
        """`leave`, without blocking the event loop."""
        return await in_daemon_thread(self.leave)

    async def stop_async(self) -> None:
        """`stop`, without blocking the event loop."""
        await in_daemon_thread(self.stop)
