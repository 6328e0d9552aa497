"""What the engine is told at start."""

from collections.abc import Callable
from dataclasses import dataclass

from echoroute.core.addresses import Networks
from echoroute.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Options:
    """What the engine is told at start."""

    owner: str
    owner_given: bool
    """Whether people chose it: then another operator may have it, too. A derived one is this operator's alone."""
    namespaces: frozenset[str]
    """The namespaces that are served; empty: all."""
    policy: Policy
    confirm_deletion: str | None
    release: Callable[[str], str]
    """How a person confirms held deletions, given their token."""
    drift_interval: float
    concurrency: int
    forbidden: Networks = ()
    """Where no instance may be: then a service has to be known before a route to it is written."""
