"""The entry point: of the container as `python -m echoroute`, and of the command `echoroute`.

Linux gives PID 1 no default action for signals, so a SIGTERM would be lost as long as nobody handles it. Importing the
rest of the package takes a second, in which there is nothing yet to clean up.

The garbage collector waits, too. What modules hold stays, and it would look at it again and again: a tenth of the time.
`run` switches it on (`run.garbage`); the other commands end before it counts.
"""

import gc
import os
import signal

signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
gc.disable()

from echoroute.cli.main import main  # noqa: E402 - both come first

if __name__ == "__main__":
    main(prog_name="echoroute")
