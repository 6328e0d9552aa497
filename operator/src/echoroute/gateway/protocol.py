"""What the engine needs of a gateway; how changes travel (a request for each, or one for all) is not its business."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from echoroute.core.changes import Change, Stored
from echoroute.core.objects import ObjectRef


class Gateway(Protocol):
    """All methods raise `GatewayUnauthorized` and `GatewayUnavailable`.

    `apply` raises `GatewayRejected` and `GatewayDeferred` as well, which are about one object.
    They may be called concurrently: connections and the rate of writes are bounded here, not by the caller.
    """

    async def list(self) -> Mapping[ObjectRef, Stored]:
        """Read every object of every `Kind`, also those of other owners."""
        ...

    async def apply(
        self,
        changes: Sequence[Change],
        *,
        before: Callable[[Change], None] | None = None,
        done: Callable[[Change], None] | None = None,
    ) -> None:
        """Make the changes of one key, in the order given, and stop at the first that fails.

        `before` is called for each change when its turn has come, after all waiting for a connection slot and for the
        write rate: what was true when the change was planned may be so no longer. What it raises ends the apply.
        `done` is called for each change that was certainly made, at once, so that a caller that is cancelled or gets an
        error later knows how far it went. Of the change that failed with `GatewayUnavailable.outcome_unknown` it is not
        known whether it was made.

        Deleting what is missing is success. Deleting what the gateway believes to be in use is `GatewayDeferred`,
        not a rejection: its check is eventually consistent.
        """
        ...

    async def probe(self) -> str:
        """Ask with one cheap request whether the API answers and takes the key.

        Returns what the gateway calls itself, as in its `Server` header (`APISIX/3.18.0`), or '' if it does not say.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections; nothing may be called after."""
        ...
