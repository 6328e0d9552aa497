"""One instance's presence in Consul: registration, keeper, control socket and succession, put together.

All ways in are thin layers over this: the context managers, the lifespan, the wrapper and the sidecar.
"""

import time
from collections.abc import Callable
from functools import partial

from consul_init.control import ControlServer, control_address
from consul_init.errors import ControlError, TakenError
from consul_init.forks import forget_in_children
from consul_init.identity import publish, withdraw
from consul_init.keeper import Keeper
from consul_init.leaving import Leaving, in_daemon_thread
from consul_init.registration import Registration
from consul_init.settings import LEAVE_BUDGET, Settings
from consul_init.state import OnChange, State
from consul_init.succession import Succession

# Seconds between two looks for workers that are being started.
_STARTING_AGAIN = 0.05


class Presence:
    """From `start` to `stop`. Neither fails because of Consul.

    Does nothing where SERVICE_REGISTER is false, or where there can be no control socket: then a line in the log says
    so. Where another process keeps this very instance, it waits to be the next (see succession.py).
    """

    def __init__(
        self,
        settings: Settings,
        ready: Callable[[Registration], bool] | None = None,
        *,
        on_change: OnChange | None = None,
        hands_over: bool = True,
    ) -> None:
        """`ready`, if given, must say yes once before anything is registered. `on_change` is called with each new
        state, and the output of Consul's check. `hands_over` says whether a process that waits for the end of this one
        serves at the same address, as a worker of the same server does.

        Raises SettingsError where no address can be found.
        """
        self.settings = settings
        self.registration = Registration.from_settings(settings)
        condition = None if ready is None else partial(ready, self.registration)
        self._keeper = Keeper(self.registration, settings.consul, condition, on_change)
        self.observed = self._keeper.observed
        self.log = self._keeper.log
        self._leaving = Leaving(self._keeper, settings.drain)
        address = control_address(settings, self.registration.id)
        self._control = ControlServer(address, self._leaving.leave, hands_over=hands_over)
        self._succession = Succession(self._control, self._keep, self.log)
        self._waiting = self._keeping = self._published = False

    def start(self) -> bool:
        """Claim the instance and begin to register it in the background. False where there is nothing to do."""
        if not self.settings.enabled:
            self.log.info("not registering: SERVICE_REGISTER is false")
            self.observed.become(State.OFF)
            return False
        forget_in_children(self)
        try:
            self._control.open()
        except TakenError as error:
            self.log.warning(
                "%s: waiting for its end. Several workers are better kept by 'consul-init run -- COMMAND...', with"
                " consul_init taken out of the application",
                error,
            )
            self._waiting = True
            self.observed.become(State.WAITING)
            self._succession.start()
        except ControlError as error:
            self.log.error("not registering: %s", error)  # noqa: TRY400 - a person acts on it, not on a traceback
            self.observed.become(State.OFF)
            return False
        else:
            self._keep()
        # Also while another worker keeps it: the check comes to any of them.
        publish(self.registration.instance)
        self._published = True
        return True

    def leave(self) -> bool:
        """Deregister, drain, return. False when Consul did not confirm. Bounded, also when Consul hangs.

        Where another process waits to go on serving at this address, it takes the registration over as it is.
        """
        self._succession.give_up()
        if self._keeping and not self._leaving.begun and self._has_successor():
            self._hand_over()
            return True
        if self._keeping:
            self._keeper.leave()
            self._control.free_for_the_next()
            return self._leaving.leave()
        if self._waiting:
            self._leaving.drain()  # as the process that keeps it does, with which we serve
        return True

    def stop(self) -> None:
        """Deregister unless that is done, and free the control socket. No drain: by now nothing serves."""
        self._succession.give_up()
        if self._published:
            withdraw(self.registration.instance)
            self._published = False
        if self._keeping:
            if not self._leaving.begun and self._has_successor():
                self._hand_over()
            else:
                self._keeper.leave()
            self._control.close()
            self._keeping = False
        self._waiting = False

    def forget(self) -> None:
        """In a forked child: it is the parent that is in Consul."""
        self._waiting = self._keeping = False
        self._control.forget()
        self._succession.forget()

    async def leave_async(self) -> bool:
        """`leave`, without blocking the event loop."""
        return await in_daemon_thread(self.leave)

    async def stop_async(self) -> None:
        """`stop`, without blocking the event loop."""
        await in_daemon_thread(self.stop)

    def _keep(self) -> None:
        self._waiting, self._keeping = False, True
        self.observed.become(State.UNREGISTERED)
        self._keeper.start()

    def _has_successor(self) -> bool:
        if self._control.has_successor():
            return True
        # What is left of the time, where it must leave and drain after all.
        end = time.monotonic() + self.settings.stop_timeout - self.settings.drain - LEAVE_BUDGET
        told = False
        while (starting := self._control.starting_successors()) and time.monotonic() < end:
            if not told:
                told = True
                processes = ", ".join(map(str, sorted(starting)))
                self.log.info("process %s was started to go on serving here: waiting for it", processes)
            if self._control.wait_for_successor(_STARTING_AGAIN):
                return True
        return False

    def _hand_over(self) -> None:
        self.log.info("another process goes on serving here: it takes the registration over")
        self._keeper.retire()
        self._control.close()
        self._keeping = False
