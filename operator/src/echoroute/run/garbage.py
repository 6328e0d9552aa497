"""Python's garbage collector, in a process of many objects that stay and few cycles.

A full collection looks at each object that there is, and nothing else runs meanwhile: 0.15 s with 2,000 EchoRoutes,
half of it for what the modules hold. A start with them made six.
"""

import gc

_YOUNG = 5_000
"""New objects after which cycles are looked for, in some milliseconds. Python's own number is 700."""


def set_aside() -> None:
    """Collect, but more rarely, and never again look at what is there now: modules and what they hold.

    Garbage that is there now stays, too, so this is for moments of which there are few.
    """
    gc.enable()
    gc.set_threshold(_YOUNG, 10, 10)
    gc.freeze()
