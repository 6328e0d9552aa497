"""The first lines of the command `consul-init`.

The kernel drops a signal for the first process of a container that has no handler for it, and keeps one that is
blocked (signal(7), sig_ignored() in kernel/signal.c). So signals are blocked before anything else is loaded, until
SignalPipe has handlers.
"""

import os
import signal


def main() -> int:
    """Run the command. Returns its exit code."""
    if os.getpid() == 1:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    from consul_init.cli import main as run  # noqa: PLC0415 - see above

    return run()
