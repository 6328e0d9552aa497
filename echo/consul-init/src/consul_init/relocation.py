"""The node whose agent holds the registration: following it to another address, and clearing what is left elsewhere.

Behind one name there may be several agents, as those of consul-k8s's servers, and one of them that restarts comes
back at another address, with its registrations. Another one that answers meanwhile is not a substitute: registered
there, too, the instance would be left behind at the first.
"""

import contextlib
import time

from consul_init.agent import Agent
from consul_init.endpoint import MOVED_AFTER, Target
from consul_init.errors import ConsulError, UnreachableError
from consul_init.log import Log
from consul_init.registration import FoundInstance, Registration

# Seconds without an answer after which another agent is better than none.
_SETTLE_AFTER = 60.0
# What one address of several may take, in seconds, when they are tried one after the other.
_EACH = 1.0
# Seconds between two requests to a balancer, and how long at most where another agent is only suspected.
_AGAIN, _SUSPECTED_SECONDS = 0.05, 0.5


class Relocation:
    """Used by the keeper's thread."""

    def __init__(self, agent: Agent, registration: Registration, log: Log) -> None:
        self._agent = agent
        self._registration = registration
        self._log = log
        self.node: str | None = None
        self._nodes: set[str] = set()
        """All that were seen to hold the registration, and that were not cleared since."""
        self._several = False

    def notice(self, found: FoundInstance) -> None:
        """Note whose agent answers; say so where that is another one than before."""
        if found.node is None or found.node == self.node:
            return
        if self.node is not None and self._agent.endpoint.holds_a_registration:
            self._several = True
            self._log.warning(
                "%s leads to several agents: node %s answered before, node %s now. Registrations are left behind on"
                " the others. Set CONSUL_HTTP_ADDR to the node's own agent (status.hostIP) or to one server's address",
                self._agent.address,
                self.node,
                found.node,
            )
        self.node = found.node
        self._nodes.add(found.node)
        self._agent.endpoint.holds_a_registration = True

    def follow(self, *, at_once: bool = False) -> None:
        """After a request without an answer: keep to the agent's new address, if it has one."""
        endpoint = self._agent.endpoint
        silent = endpoint.silent_for()
        if not endpoint.holds_a_registration or (silent < MOVED_AFTER and not at_once):
            return
        try:
            if not endpoint.has_moved():
                return
            for each in endpoint.others():
                if self._is_our_node(each):
                    self._log.warning("the agent of node %s is at %s now", self.node, each.host)
                    endpoint.keep(each)
                    return
        except UnreachableError:
            return
        if silent > _SETTLE_AFTER:
            self._log.warning(
                "%s leads no longer to the agent of node %s: registering with another one",
                self._agent.address,
                self.node,
            )
            endpoint.holds_a_registration = False
            endpoint.forget()

    def suspect_several(self) -> None:
        """Consul said yes and does not have it: that may have been two agents."""
        self._several = True

    def clear_elsewhere(self, until: float) -> bool:
        """Remove what the agents have of us that were ours before: the gateway would go on using it. Not after the time
        `until`. True when nothing is known to be left.
        """
        left = self._nodes - {self.node}
        if left and not self._several:
            with contextlib.suppress(UnreachableError):
                for each in self._agent.endpoint.others():
                    self._clear_at(each, left, until)
        return self._nodes <= {self.node}

    def clear_after_leaving(self, until: float) -> bool:
        """The same once our own agent has removed it; behind a balancer that may have been any of them."""
        seen = len(self._nodes)
        if self._several and seen < 2:  # suspected, and perhaps wrongly: no reason to call the leaving unconfirmed
            self._clear_behind_one_address(1, min(until, time.monotonic() + _SUSPECTED_SECONDS))
            return True
        cleared = self._clear_behind_one_address(seen - 1, until) if self._several else self.clear_elsewhere(until)
        if not cleared:
            self._log.warning("may be left behind with the agents of %s", ", ".join(sorted(self._nodes)))
        return cleared

    def _clear_at(self, target: Target, left: set[str], until: float) -> None:
        try:
            found = self._agent.find(self._registration, timeout=min(_EACH, until - time.monotonic()), at=target)
            if found is not None and found.node in left:
                self._agent.deregister(self._registration, timeout=min(_EACH, until - time.monotonic()), at=target)
                self._log.info("deregistered from the agent of node %s, too", found.node)
                self._nodes.discard(found.node)
        except ConsulError as error:
            self._log.debug("cannot clear %s: %s", target.host, error)

    def _clear_behind_one_address(self, count: int, until: float) -> bool:
        """A balancer chooses the agent: repeat until as many have removed it as had it."""
        while count > 0 and time.monotonic() < until:
            with contextlib.suppress(ConsulError):
                count -= self._agent.deregister(self._registration, timeout=until - time.monotonic())
            time.sleep(_AGAIN)
        return count <= 0

    def _is_our_node(self, target: Target) -> bool:
        try:
            found = self._agent.find(self._registration, timeout=_EACH, at=target)
            if found is not None:
                return found.node == self.node
            return self._agent.node_name(timeout=_EACH, at=target) == self.node
        except ConsulError:
            return False
