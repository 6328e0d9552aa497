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
from consul_init.errors import ConsulError, DeniedError, NotKeptError, RejectedError, UnreachableError
from consul_init.health_check import CheckType
from consul_init.log import InstanceLog
from consul_init.registration import FoundInstance, Registration
from consul_init.relocation import Relocation
from consul_init.settings import LEAVE_BUDGET, REQUEST_TIMEOUT
from consul_init.state import Observed, OnChange, State
from consul_init.threads import start_thread

# Seconds between two looks at the registration.
_POLL = (2.0, 3.0)
# The same until its check is good for the first time, and how long at most: somebody waits for that.
_FIRST_POLL, _FIRST_SECONDS = 0.5, 10.0
# Seconds before the next attempt after a failure: short enough to be back soon after Consul is, also at the top.
_BACKOFF_FIRST, _BACKOFF_MOST = 0.5, 3.0
_BACKOFF_DENIED = 10.0
_RETRY_DEREGISTER = 0.3
_READY_POLL = 1.0
# How often Consul is told within the time to live of a check: one that is lost, and one that is late, are no trouble.
_BEATS = 3
# Answers that say that nothing was registered.
_REFUSALS = (400, 401, 403, 404)


class Keeper:
    """Registers, watches, registers again; deregisters once, when told to leave."""

    def __init__(
        self,
        registration: Registration,
        consul: ConsulSettings,
        ready: Callable[[], bool] | None = None,
        on_change: OnChange | None = None,
    ) -> None:
        """`ready`, if given, is asked every second and must say yes once before anything is registered. With a check of
        the type ttl it is asked on, for what is told to Consul.
        """
        self.registration = registration
        self.log = InstanceLog(registration.id)
        self.observed = Observed(self.log, on_change)
        self._agent = Agent(consul, self.log)
        self._relocation = Relocation(self._agent, registration, self.log)
        self._ready = ready
        self._was_ready = False
        self._is_told = registration.check.type is CheckType.TTL
        self.was_registered = False
        """Whether the registration has been made and read back once."""
        self._registered_at = 0.0
        self._leaving = threading.Event()
        self._left = threading.Event()
        self._unsure = self._anything_was_sent = False
        self._trouble: str | None = None
        self._told_loss: str | None = None
        self._seen_at = time.monotonic()
        self._backoff = _BACKOFF_FIRST
        self._removed = False
        self._retired = False

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

    def retire(self) -> None:
        """End the thread, and leave the registration to who keeps it from now on. Bounded as `leave` is."""
        self._retired = True
        self.leave()

    @property
    def is_leaving(self) -> bool:
        """Whether `leave` was called."""
        return self._leaving.is_set()

    @property
    def anything_was_sent(self) -> bool:
        """Whether Consul may have heard of us; where it never did, nobody needs a drain."""
        return self._anything_was_sent

    def _run(self) -> None:
        reason = self.registration.address_reason
        self.log.info("address %s (%s), Consul %s", self.registration.address, reason, self._agent.address)
        wait = 0.0
        try:
            while not self._leaving.wait(wait):
                wait = self._look()
            if not self._retired:
                self._deregister()
        finally:
            self.observed.become(State.LEFT)
            self._left.set()

    def _is_ready(self) -> bool:
        if self._ready is None or (self._was_ready and not self._is_told):
            return True
        ready = self._ready()
        self._was_ready = self._was_ready or ready
        return ready

    def _look(self) -> float:
        """Make the registration true. Returns the seconds until the next look; never raises."""
        try:
            ready = self._is_ready()
            if not self._was_ready and not ready:
                return _READY_POLL
            self._make_true(passing=ready)
        except ConsulError as error:
            if isinstance(error, UnreachableError):
                self._relocation.follow()
            return self._failed(error)
        except Exception:
            # The keeper outlives its own mistakes: a service that is not kept is worse than an untidy log.
            self.log.exception("unexpected error while keeping the registration")
            return _BACKOFF_MOST
        if self._trouble is not None:
            self.log.info("Consul answers again, and has the registration")
            self._trouble = None
        self._unsure, self._told_loss = False, None
        self._backoff = _BACKOFF_FIRST
        if self.observed.state is not State.PASSING and time.monotonic() - self._registered_at < _FIRST_SECONDS:
            return _FIRST_POLL
        most = self.registration.check.timeout / _BEATS if self._is_told else _POLL[1]
        return min(most, random.uniform(*_POLL))  # noqa: S311 - jitter, not a secret

    def _make_true(self, *, passing: bool) -> None:
        # It may be there though the answer was lost or reading it back failed: a Consul that cannot keep up must not
        # be asked to write it once more.
        if not ((self.was_registered or self._unsure) and self._is_true()) and not self._leaving.is_set():
            self._register()
        if self._is_told:
            self._agent.beat(self.registration, passing=passing)
        self._relocation.clear_elsewhere(time.monotonic() + 1.0)

    def _is_true(self) -> bool:
        found = self._agent.find(self.registration)
        if found is None:
            self._tell_loss()
            self.observed.become(State.UNREGISTERED)
            return False
        self._seen_at = time.monotonic()
        self._relocation.notice(found)
        differences = self.registration.differences(found)
        if not self.was_registered and not differences:
            self._confirmed(found)
        if self.was_registered:  # also where it is to be written again, which may be refused
            self.observed.notice(found)
        if differences:
            self._tell_once_more("changed", f"somebody changed it in Consul: {'; '.join(differences)}")
            return False
        if self._agent.has_a_new_token:
            why = "the token is a new one, and Consul's agent keeps the one it was given"
            self._tell_once_more("token", why, logging.INFO)
            return False
        return True

    def _register(self) -> None:
        before, self._unsure, self._anything_was_sent = self._unsure, True, True
        try:
            self._agent.register(self.registration)
        except UnreachableError as error:
            self._unsure = before or error.was_sent
            self._anything_was_sent = self._unsure or self.was_registered
            raise
        except RejectedError as error:
            self._unsure = before or error.status not in _REFUSALS
            raise
        if self._leaving.is_set():
            return
        # Reading back costs one request and finds what a 200 does not tell.
        found = self._agent.find(self.registration)
        if found is None:
            self._relocation.suspect_several()
            raise NotKeptError(
                f"{self._agent.address} accepted the registration and does not have it. Either the token lacks"
                f" service:write on {self.registration.name!r}, or this address leads to several agents: set"
                " CONSUL_HTTP_ADDR to the node's own agent (status.hostIP) or to one server's address"
            )
        self._relocation.notice(found)
        differences = self.registration.differences(found)
        if differences:
            raise NotKeptError(f"Consul keeps the registration differently: {'; '.join(differences)}")
        self._confirmed(found)
        self.observed.notice(found)

    def _confirmed(self, found: FoundInstance) -> None:
        self._registered_at = self._seen_at = time.monotonic()
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

    def _tell_loss(self) -> None:
        failing, unseen = self.observed.failing_for(), time.monotonic() - self._seen_at
        if failing >= self.registration.deregister_after:
            output = self.observed.output or "no answer"
            self._tell_once_more(
                "failing",
                f"its check has failed for {failing:.0f} s, after which Consul removes it (SERVICE_DEREGISTER_AFTER):"
                f" {output}",
            )
        elif unseen >= self.registration.deregister_after:
            why = f"last seen {unseen:.0f} s ago: Consul was away since, or this process was frozen or without CPU"
            self._tell_once_more("unseen", why)
        else:
            self._tell_once_more("lost", "Consul has lost it (agent restarted, or deregistered there)")

    def _tell_once_more(self, kind: str, why: str, level: int = logging.WARNING) -> None:
        """That it is registered again: each kind of reason once, until it is."""
        if self.was_registered and self._told_loss != kind:
            self._told_loss = kind
            self.log.log(level, "registering again: %s", why)

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
        try:
            while not self._removed:
                problem = self._try_to_remove(deadline)
                if problem is None:
                    return
                if isinstance(problem, DeniedError) or time.monotonic() + _RETRY_DEREGISTER > deadline:
                    self.log.error("not deregistered, going on with the stop: %s", problem)
                    return
                time.sleep(_RETRY_DEREGISTER)
        except Exception:
            self.log.exception("unexpected error while leaving, going on with the stop")

    def _try_to_remove(self, deadline: float) -> ConsulError | None:
        """What went wrong, where it may be tried again."""
        try:
            self._removed = self._remove(deadline) and self._relocation.clear_after_leaving(deadline)
        except ConsulError as error:
            self._anything_was_sent |= not isinstance(error, UnreachableError) or error.was_sent
            if not (self.was_registered or self._unsure):
                self.log.info("was never registered")
                self._removed = True
                return None
            if isinstance(error, UnreachableError):
                self._relocation.follow(at_once=True)
            return error
        self._anything_was_sent = True
        return None

    def _remove(self, deadline: float) -> bool:
        if self.registration.meta.get("pod-uid"):
            found = self._agent.find(self.registration, timeout=deadline - time.monotonic())
            if found is not None and self.registration.is_of_another_pod(found.meta):
                self.log.warning("not deregistered: pod %s has this address now", found.meta.get("pod-uid"))
                return True
        if self._agent.deregister(self.registration, timeout=deadline - time.monotonic()):
            self.log.info("deregistered")
            return True
        if self.was_registered:
            self.log.warning("not deregistered: this agent does not have it, which had it before")
            return False
        self.log.info("was not in Consul")
        return True
