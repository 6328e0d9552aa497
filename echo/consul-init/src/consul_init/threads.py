"""Threads that no signal is delivered to.

The kernel hands a signal of the process to any thread that does not block it. Python runs handlers in the main thread
only, and nothing wakes that when another thread got the signal: it would be handled much later, or never.
"""

import signal
import threading
from collections.abc import Callable


def start_thread(target: Callable[[], object], name: str) -> threading.Thread:
    """Start a daemon thread with all signals blocked."""
    thread = threading.Thread(target=target, name=f"consul-init {name}", daemon=True)
    # A thread begins with the mask of the one that starts it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread
