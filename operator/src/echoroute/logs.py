"""Logging: one line for each thing that happened, for people in a terminal, as JSON otherwise."""

import logging
import sys
from typing import Literal

from pythonjsonlogger.json import JsonFormatter

from echoroute.core.text import escaped

_CHATTY = ("kopf", "httpx", "aiohttp.access")
"""Libraries whose lines below WARNING tell of their own workings."""

_REPEATED = ("kopf._core.reactor.running", "kopf._core.reactor.orchestration")
"""Parts of kopf that tell, each with a traceback, of each of its tasks that ended: one line of ours says why the watch
did. They also say of each start that kopf leaves signals alone: it runs in a thread on purpose."""


def _is_news(record: logging.LogRecord) -> bool:
    """All lines but those of kopf's on each try of a request, of which it makes four."""
    return not (record.name.startswith("kopf.") and record.getMessage().startswith("Request attempt"))


class _HumanFormatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        # What a tenant chose must not look like a line of its own, nor command a terminal. Tracebacks keep their lines.
        return escaped(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        echoroute = getattr(record, "echoroute", None)
        return f"{line} ({echoroute})" if echoroute else line


def configure(level: str, format_: Literal["human", "json"] | None) -> None:
    """Send all logs to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_is_news)
    if format_ == "json" or (format_ is None and not sys.stderr.isatty()):
        handler.setFormatter(
            JsonFormatter(
                "%(levelname)s %(name)s %(message)s",
                rename_fields={"levelname": "level", "name": "logger"},
                timestamp="time",
            )
        )
    else:
        handler.setFormatter(_HumanFormatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _REPEATED:
        logging.getLogger(name).setLevel(logging.CRITICAL)
