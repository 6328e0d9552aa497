"""Which of several replicas leads: the holder of a Lease, for as long as it renews it.

    candidate ── takes it ──▶ leader ── renews it every 2 s ──▶ leader
        ▲                       │ not renewed for 10 s; taken by another one; stopped, and then released
        └───────────────────────┘

Seconds are those of a Lease of 15 s. The leader's right to write, the fence, ends 10 s after its last renewal was sent;
another replica takes the Lease 15 s after it has seen that renewal. Each measures with its own clock how long something
took: a wall clock that jumps changes nothing. A watch tells of a release, or of another holder, at once.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Final

from echoroute.errors import KubernetesError, NotLeading
from echoroute.kube.lease import Lease, Leases
from echoroute.net.backoff import Backoff
from echoroute.net.fence import Fence, boot_time
from echoroute.net.trouble import Trouble

log = logging.getLogger(__name__)

# Shares of the Lease's duration: the first two as Kubernetes' own components have them. A request may hang three times
# before the deadline.
_DEADLINE: Final = 2 / 3
_RETRY: Final = 2 / 15
_REQUEST: Final = 1 / 5

_RELEASE_TIMEOUT: Final = 2.0
_RELEASE_TRIES: Final = 2


def identity(pod: str) -> str:
    """A name that no other process has: a container that starts again must not believe that it still leads."""
    return f"{pod}_{secrets.token_hex(4)}"


@contextmanager
def _refused_writes() -> Iterator[None]:
    """A write that came to the fence too late is no failure: it ends the term."""
    try:
        yield
    except* NotLeading:
        log.debug("the term was over before it was extended")


class Election:
    """`run` takes part until it is cancelled; the `fence` is open while this replica leads."""

    def __init__(
        self,
        leases: Leases,
        *,
        identity: str,
        duration: float,
        fence: Fence,
        clock: Callable[[], float] = boot_time,
    ) -> None:
        self.identity = identity
        self._leases = leases
        self._duration = duration
        self._retry = duration * _RETRY
        self._fence = fence
        self._clock = clock
        self._lease: Lease | None = None
        self._free_at = float("inf")
        """From when on it may be taken; nobody knows before it was read."""
        self._deadline = float("-inf")
        """When this replica's term ends, unless it is extended."""
        self._changed = asyncio.Event()
        self.trouble = Trouble("lease", "the Lease cannot be read or written", "the Lease can be read and written")

    @property
    def holder(self) -> str:
        """Who has the Lease, as far as is known; empty where nobody has it."""
        return self._lease.holder if self._lease else ""

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Call `lead` for each term of office, and cancel it when the term ends. What it raises ends the run."""
        watching = asyncio.create_task(self._watch(), name="lease-watch")
        try:
            while True:
                await self._elected()
                await self._serve(lead)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._release()

    async def _elected(self) -> None:
        """Return when the Lease is this replica's."""
        while True:
            self._changed.clear()
            if self._clock() >= self._free_at and await self._extend():
                return
            left = self._free_at - self._clock()
            with suppress(TimeoutError):
                # No wait is long, since the event loop's clock may stop with the machine.
                async with asyncio.timeout(min(left, self._retry) if left > 0 else self._retry):
                    await self._changed.wait()

    async def _serve(self, lead: Callable[[], Awaitable[None]]) -> None:
        """One term of office."""
        log.info("this replica leads from now on, as %s", self.identity)
        work = asyncio.ensure_future(lead())
        try:
            await self._hold(work)
        finally:
            self._fence.close()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            log.info("this replica does not lead any more")

    async def _hold(self, work: asyncio.Future[None]) -> None:
        """Extend the term until it is too late, or the Lease is another one's; raises what ends the work."""
        tried = self._clock()
        while self._may_extend():
            # From try to try, not from its end: one that hangs has cost its time already.
            due = min(tried + self._retry, self._deadline)
            await self._news_or_end_of(work, timeout=max(0.0, due - self._clock()))
            if work.done():
                with _refused_writes():
                    work.result()
                return
            if self._may_extend() and self._clock() >= due:
                tried = self._clock()
                await self._extend()

    async def _news_or_end_of(self, work: asyncio.Future[None], timeout: float) -> None:
        """Return when the work has ended, something else is known of the Lease, or the time is over."""
        self._changed.clear()
        news: asyncio.Future[bool] = asyncio.ensure_future(self._changed.wait())
        both: set[asyncio.Future[None] | asyncio.Future[bool]] = {work, news}
        try:
            await asyncio.wait(both, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()

    def _may_extend(self) -> bool:
        return self._clock() < self._deadline and self.holder in {self.identity, ""}

    async def _extend(self) -> bool:
        """Take or renew the Lease at the version that is known; where there is another one, that is read."""
        began, known = self._clock(), self._lease
        try:
            async with self._in_time():
                if known is not None and known.holder == self.identity:
                    lease = await self._leases.renew(known)
                else:
                    lease = await self._leases.take(known, self.identity)
        except (KubernetesError, TimeoutError) as error:
            if isinstance(error, KubernetesError) and error.status in {404, 409}:
                await self._read()
            else:
                self._failed(error)
            return False
        self.trouble.end()
        self._learn(lease)
        self._deadline = began + self._duration * _DEADLINE
        self._fence.open(self._deadline)
        return True

    async def _watch(self) -> None:
        """Learn of each change at once, until cancelled."""
        backoff = Backoff(first=self._duration / 60, limit=self._retry)
        while True:
            if await self._read():
                try:
                    async with aclosing(self._leases.watch(self._lease)) as versions:
                        async for lease in versions:
                            self._learn(lease)
                            backoff.reset()
                except KubernetesError as error:
                    log.debug("the watch of the Lease ended: %s", error)
            await asyncio.sleep(backoff.next())

    async def _read(self) -> bool:
        before = self._lease
        try:
            async with self._in_time():
                lease = await self._leases.read()
        except (KubernetesError, TimeoutError) as error:
            self._failed(error)
            return False
        self.trouble.end()
        if self._lease is before:
            self._set(lease)  # an older version, too: that of a cluster which was restored from a backup
        return True

    def _learn(self, lease: Lease | None) -> None:
        """Take what was watched or answered, unless something newer is known."""
        if lease is None or self._lease is None or lease.version > self._lease.version:
            self._set(lease)

    def _set(self, lease: Lease | None) -> None:
        before, now = self._lease, self._clock()
        if lease is not None and lease == before:
            return
        self._lease = lease
        if lease is None:
            # Deleted by somebody: who was seen to hold it has its time all the same, and notices at its next renewal.
            self._free_at = now if self._free_at == float("inf") else self._free_at
        elif lease.holder in {"", self.identity}:
            self._free_at = now
        else:
            self._free_at = now + (lease.duration or self._duration)
        if self.holder not in {self.identity, ""}:
            self._fence.close()
        if self.holder not in {before.holder if before else "", self.identity}:
            log.info("%s leads", self.holder or "nobody")
        self._changed.set()

    def _failed(self, error: KubernetesError | TimeoutError) -> None:
        if isinstance(error, KubernetesError):
            self.trouble.begin(error, status=error.status, told=error.status == 0)
        else:
            self.trouble.begin("the Kubernetes API does not answer in time", status=0, told=True)

    def _in_time(self) -> asyncio.Timeout:
        """The time that a request has: at most what is left of the term."""
        left = self._deadline - self._clock()
        return asyncio.timeout(min(left, self._duration * _REQUEST) if left > 0 else self._duration * _REQUEST)

    async def _release(self) -> None:
        """Let the next one lead at once."""
        for _ in range(_RELEASE_TRIES):
            if self._lease is None or self._lease.holder != self.identity:
                return
            try:
                async with asyncio.timeout(_RELEASE_TIMEOUT):
                    self._learn(await self._leases.release(self._lease))
            except TimeoutError:
                return
            except KubernetesError:
                await self._read()  # a renewal that was on its way has made another version of it
