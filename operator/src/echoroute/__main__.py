"""`python -m echoroute`: the container's entry point.

Linux gives PID 1 no default action for signals, so a SIGTERM would be lost as long as nobody handles it. Importing the
rest of the package takes a second, in which there is nothing yet to clean up.
"""

import os
import signal

signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))

from echoroute.cli.main import main  # noqa: E402 - the handler comes first

if __name__ == "__main__":
    main(prog_name="echoroute")
