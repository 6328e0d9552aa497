"""What can go wrong in the devstack: each message is complete by itself and says what to do."""

from pathlib import Path

_TAIL_LINES = 12


class DevstackError(Exception):
    """Base class; the command line prints the message and exits 1."""


class NotBuilt(DevstackError):
    """A program was neither found on the machine nor built yet."""


class BuildFailed(DevstackError):
    """`go build` failed, or something it needs is missing."""


class Unavailable(DevstackError):
    """A published archive cannot be used; the message says why, as the end of a sentence."""


class NoAnswer(Unavailable):
    """There is no way to the host, or it says nothing: others would be asked in vain."""


class PartFailed(DevstackError):
    """A part of a stack did not start, or ended by itself."""


class PortTaken(PartFailed):
    """Somebody else took the port between our looking and the part's listening."""


class AlreadyRunning(DevstackError):
    """Another process runs a stack of this name."""


class UnexpectedAnswer(DevstackError):
    """A part answered a request of a test handle with something else than success."""


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log file, indented; empty when there is none."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
