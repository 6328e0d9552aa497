"""An even ceiling on the rate of writes."""

import asyncio


class Pace:
    """Gives turns at least `1 / per_second` apart, in the order asked for, without bursts; None sets no limit.

    Even and not in bursts, because each Route write makes the gateway rebuild its router within a user's request.
    """

    def __init__(self, per_second: float | None) -> None:
        self._interval = 1.0 / per_second if per_second else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next turn. A turn whose waiter is cancelled is left unused."""
        if not self._interval:
            return
        now = asyncio.get_running_loop().time()
        at = max(now, self._next)
        self._next = at + self._interval
        if at > now:
            await asyncio.sleep(at - now)
