"""`python -m echo_service` and `echo-service`.

Linux gives PID 1, which this is in a container, no default action for signals: a SIGTERM would be lost until the server
handles it. While the rest is imported there is nothing yet to leave.
"""

import os
import signal

signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))

import asyncio  # noqa: E402 - the handler comes first
import logging  # noqa: E402
import sys  # noqa: E402

from consul_init import SettingsError  # noqa: E402

from echo_service.server import serve  # noqa: E402
from echo_service.settings import EchoSettings  # noqa: E402


def main() -> int:
    """Exit code 0 after a stop by signal, 2 for a setting that is missing or wrong, 1 when the port is taken."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(serve(EchoSettings.from_env(os.environ)))
    except KeyboardInterrupt:  # before the server handles it
        return 128 + signal.SIGINT
    except SettingsError as error:
        print(f"echo-service: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except OSError as error:
        print(f"echo-service: cannot listen: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
