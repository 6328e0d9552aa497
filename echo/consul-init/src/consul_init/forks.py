"""A forked child has our handlers and sockets, and none of our threads: what it must let go of.

`multiprocessing` forks, where its start method says so, and so do servers that start workers.
"""

import os
import weakref
from typing import Protocol


class Forgetful(Protocol):
    """What a child must not act for."""

    def forget(self) -> None:
        """Called in the child, which has one thread: locks may be held by threads that are not there."""


_parents: weakref.WeakSet[Forgetful] = weakref.WeakSet()


def forget_in_children(each: Forgetful) -> None:
    """Have `forget` called in each child that is forked from now on."""
    _parents.add(each)


def _forget() -> None:
    for each in list(_parents):
        each.forget()
    _parents.clear()


os.register_at_fork(after_in_child=_forget)
