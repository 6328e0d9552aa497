"""What does not work, said once when it begins and once when it ends, however often it is tried meanwhile."""

import logging

from prometheus_client import Gauge

log = logging.getLogger(__name__)

up = Gauge(
    "echoroute_source_up",
    "0 after a failure until the same request succeeds: `identity` (the uid of kube-system), `list`, `status`, "
    "`origin` (the CRD or the folder), `events`, `lease`, `credentials`.",
    ("what",),
)


class Trouble:
    """One thing that is asked of others; `broken` and `mended` begin the lines that the log gets.

    Its metric is `gauge`, or `echoroute_source_up` where it is asked of the source.
    """

    def __init__(self, what: str, broken: str, mended: str, *, gauge: Gauge | None = None) -> None:
        self._broken = broken
        self._mended = mended
        self._status = 0
        self._told = False
        self._up = gauge or up.labels(what)
        self._up.set(1)
        self.message = ""
        """What went wrong the last time; empty once it works."""

    def begin(self, error: object, *, status: int, told: bool = False) -> None:
        """It has failed with a status; another one is news, another text is not.

        With `told` the log says it elsewhere: that nobody answers (status 0) is told by the list of the EchoRoutes.
        """
        if not self.message or status != self._status:
            log.log(logging.DEBUG if told else logging.ERROR, "%s; trying again: %s", self._broken, error)
            self._told = not told
        self.message, self._status = str(error), status
        self._up.set(0)

    def forget(self) -> None:
        """Nobody asks for it any more: that it did not work is no trouble now."""
        self.message = ""
        self._up.set(1)

    def end(self) -> None:
        """It works."""
        if self.message:
            log.log(logging.WARNING if self._told else logging.DEBUG, "%s", self._mended)
        self.message = ""
        self._up.set(1)
