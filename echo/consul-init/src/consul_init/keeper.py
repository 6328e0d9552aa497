"""The thread that keeps one registration true, and takes it away in the end.

One thread does all the talking with Consul, so that a registration that is still under way can never arrive after
the deregistration.
"""

import logging
import random
import threading
import time
from collections.abc import Callable

from consul_init.agent import Agent
from consul_init.consul_settings import ConsulSettings
from consul_init.errors import ConsulError, DeniedError, NotKeptError
from consul_init.log import InstanceLog
from consul_init.registration import FoundInstance, Registration
from consul_init.settings import LEAVE_BUDGET, REQUEST_TIMEOUT
from consul_init.threads import start_thread

# Seconds between two looks at the registration.
_POLL = (2.0, 3.0)
# Seconds before the next attempt after a failure: short enough to be back soon after Consul is, also at the top.
_BACKOFF_FIRST, _BACKOFF_MOST = 0.5, 3.0
_BACKOFF_DENIED = 10.0
_RETRY_DEREGISTER = 0.3
_READY_POLL = 1.0
_WAYS_TO_LOSE = "agent restarted, deregistered there, or critical for longer than SERVICE_DEREGISTER_AFTER"


class Keeper:
    """Registers, watches, registers again; deregisters once, when told to leave."""

    def __init__(
        self, registration: Registration, consul: ConsulSettings, ready: Callable[[], bool] | None = None
    ) -> None:
        """`ready`, if given, is asked every second and must say yes once before anything is registered."""
        self.registration = registration
        self.log = InstanceLog(registration.id)
        self._agent = Agent(consul, self.log)
        self._ready = ready
        self.was_registered = False
        """Whether the registration has been made and read back once."""
        self._leaving = threading.Event()
        self._left = threading.Event()
        self._unsure = False
        self._trouble: str | None = None
        self._backoff = _BACKOFF_FIRST
        self._node: str | None = None
        self._removed = False

    def start(self) -> None:
        """Begin. Returns at once: a service must come up also when Consul is away."""
        start_thread(self._run, f"keeper {self.registration.id}")

    def leave(self) -> bool:
        """Deregister and end the thread. May be repeated, from any thread.

        Returns after LEAVE_BUDGET seconds at the latest, also when Consul hangs; False when it did not confirm.
        """
        self._leaving.set()
        self._left.wait(LEAVE_BUDGET)
        return self._removed

    def _run(self) -> None:
        reason = self.registration.address_reason
        self.log.info("address %s (%s), Consul %s", self.registration.address, reason, self._agent.address)
        wait = 0.0
        try:
            while not self._leaving.wait(wait):
                wait = self._look()
            self._deregister()
        finally:
            self._left.set()

    def _is_ready(self) -> bool:
        if self._ready is not None and self._ready():
            self._ready = None
        return self._ready is None

    def _look(self) -> float:
        """Make the registration true. Returns the seconds until the next look; never raises."""
        try:
            if not self._is_ready():
                return _READY_POLL
            self._make_true()
        except ConsulError as error:
            return self._failed(error)
        except Exception:
            # The keeper outlives its own mistakes: a service that is not kept is worse than an untidy log.
            self.log.exception("unexpected error while keeping the registration")
            return _BACKOFF_MOST
        if self._trouble is not None:
            self.log.info("Consul answers again, and has the registration")
            self._trouble = None
        self._unsure = False
        self._backoff = _BACKOFF_FIRST
        return random.uniform(*_POLL)  # noqa: S311 - jitter, not a secret

    def _make_true(self) -> None:
        # It may be there though the answer was lost or reading it back failed: a Consul that cannot keep up must not
        # be asked to write it once more.
        if (self.was_registered or self._unsure) and self._is_true():
            return
        if not self._leaving.is_set():
            self._register()

    def _is_true(self) -> bool:
        found = self._agent.find(self.registration)
        if found is None:
            if self.was_registered:
                self.log.warning("registering again: Consul has lost it (%s)", _WAYS_TO_LOSE)
            return False
        self._notice_node(found)
        differences = self.registration.differences(found)
        if differences:
            if self.was_registered:
                self.log.warning("registering again: somebody changed it in Consul: %s", "; ".join(differences))
            return False
        if not self.was_registered:
            self._confirmed(found)
        if self._agent.has_a_new_token:
            self.log.info("registering again: the token is a new one, and Consul's agent keeps the one it was given")
            return False
        return True

    def _register(self) -> None:
        self._unsure = True
        self._agent.register(self.registration)
        if self._leaving.is_set():
            return
        # Reading back costs one request and finds what a 200 does not tell.
        found = self._agent.find(self.registration)
        if found is None:
            raise NotKeptError(
                f"{self._agent.address} accepted the registration and does not have it. Either the token lacks"
                f" service:write on {self.registration.name!r}, or this address leads to several agents: set"
                " CONSUL_HTTP_ADDR to the node's own agent (status.hostIP) or to one server's address"
            )
        self._notice_node(found)
        differences = self.registration.differences(found)
        if differences:
            raise NotKeptError(f"Consul keeps the registration differently: {'; '.join(differences)}")
        self._confirmed(found)

    def _confirmed(self, found: FoundInstance) -> None:
        self.log.info("registered with the agent of node %s, check: %s", found.node, self.registration.check_name)
        if not self.was_registered:
            self.was_registered = True
            self._remove_dead_pods()

    def _remove_dead_pods(self) -> None:
        """A pod that was killed and had our address would go on passing its check, answered by us."""
        if not (self.registration.address_is_the_pods and self.registration.meta.get("pod-uid")):
            return
        try:
            for service_id in self._agent.remove_dead_pods(self.registration):
                self.log.warning("removed %s, left behind by a pod that had this address before", service_id)
        except ConsulError as error:
            self.log.warning("cannot look for what dead pods with this address left behind: %s", error)

    def _notice_node(self, found: FoundInstance) -> None:
        if found.node is None or found.node == self._node:
            return
        if self._node is not None:
            self.log.warning(
                "%s leads to several agents: node %s answered before, node %s now. Registrations are left behind on"
                " the others. Set CONSUL_HTTP_ADDR to the node's own agent (status.hostIP) or to one server's address",
                self._agent.address,
                self._node,
                found.node,
            )
        self._node = found.node

    def _failed(self, error: ConsulError) -> float:
        """Tell each trouble once, not each attempt. Returns the seconds until the next."""
        if isinstance(error, DeniedError):
            self._unsure = False  # not to be allowed to write is what a person must be told
        if self._trouble != str(error):
            level = logging.ERROR if isinstance(error, (DeniedError, NotKeptError)) else logging.WARNING
            self.log.log(level, "registration not confirmed, serving and trying on: %s", error)
            self._trouble = str(error)
        wait, most = self._backoff, _BACKOFF_DENIED if isinstance(error, DeniedError) else _BACKOFF_MOST
        self._backoff = min(self._backoff * 2, most)
        return wait * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def _deregister(self) -> None:
        deadline = time.monotonic() + REQUEST_TIMEOUT
        while True:
            try:
                self._remove(deadline)
            except ConsulError as error:
                if isinstance(error, DeniedError) or time.monotonic() + _RETRY_DEREGISTER > deadline:
                    self.log.error("not deregistered, going on with the stop: %s", error)  # noqa: TRY400
                    return
                time.sleep(_RETRY_DEREGISTER)
            else:
                self._removed = True
                return

    def _remove(self, deadline: float) -> None:
        if self.registration.meta.get("pod-uid"):
            found = self._agent.find(self.registration, timeout=deadline - time.monotonic())
            if found is not None and self.registration.is_of_another_pod(found.meta):
                self.log.warning("not deregistered: pod %s has this address now", found.meta.get("pod-uid"))
                return
        if self._agent.deregister(self.registration, timeout=deadline - time.monotonic()):
            self.log.info("deregistered")
        else:
            self.log.info("was not in Consul any more")
