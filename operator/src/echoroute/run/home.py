"""Where an operator's EchoRoutes live: all in which a cluster and a folder differ, as one value."""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from echoroute.engine.announcer import Announcer
from echoroute.engine.engine import Engine
from echoroute.engine.source import Source
from echoroute.net.fence import Fence
from echoroute.run.leadership import Leadership
from echoroute.run.settings import Settings


@dataclass(frozen=True, slots=True)
class Home:
    """What `echoroute.run.cluster` and `echoroute.run.standalone` bring to the process."""

    name: str
    """Of its check in `/readyz?verbose`."""
    owner: str
    """The owner id of the gateway objects that are made from here."""
    source: Source
    announcer: Announcer
    leadership: Leadership
    watch: Callable[[Engine], Awaitable[None]]
    """One run of the watch, which tells the engine of changes; it may fail, and is then started again."""
    work: Callable[[], Coroutine[object, object, None]] | None
    """What is to be done beside the engine's work, until cancelled."""
    version: Callable[[], Awaitable[str]]
    """What it is, for the log."""
    problems: Callable[[], str]
    """What is wrong beside what the engine sees; empty where nothing is."""
    release: Callable[[str], str]
    """How a person confirms held deletions, given their token."""
    page: Callable[[str | None], str] | None
    """The statuses as JSON, given the deletions that the brake holds; None where they can be read elsewhere."""


OpenHome = Callable[[Settings, Fence, Callable[[str], None]], AbstractAsyncContextManager[Home]]
"""Opens the connection to a home, which writes behind the fence, and tells what it waits for.

Raises `SettingsError` for what cannot work at all.
"""
