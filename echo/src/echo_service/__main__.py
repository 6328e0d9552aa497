"""`python -m echo_service` and `echo-service`."""

import asyncio
import logging
import os
import sys

from consul_init import SettingsError

from echo_service.server import serve
from echo_service.settings import EchoSettings


def main() -> int:
    """Exit code 0 after a stop by signal, 2 for a setting that is missing or wrong, 1 when the port is taken."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(serve(EchoSettings.from_env(os.environ)))
    except SettingsError as error:
        print(f"echo-service: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except OSError as error:
        print(f"echo-service: cannot listen: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
