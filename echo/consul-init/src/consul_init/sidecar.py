"""`consul-init sidecar`: keeps the main container of its pod in Consul, from a container of its own.

A native sidecar (an init container with restartPolicy Always) starts before the main containers and gets SIGTERM only
after they have ended. So it waits for the service to answer before it registers, and it leaves in its preStop hook
(`consul-init leave --wait`), which Kubernetes runs at once, beside those of the main containers.
"""

import http.client

from consul_init.presence import Presence
from consul_init.registration import INSTANCE_HEADER, Registration
from consul_init.settings import Settings
from consul_init.signal_pipe import SignalPipe

_PROBE_TIMEOUT = 2.0


def run_sidecar(settings: Settings) -> int:
    """Run until a stop signal. Returns the exit code 0. Raises SettingsError."""
    # First of all: to the first process of a container the kernel delivers no signal that has no handler.
    events = SignalPipe(settings.stop_signals)
    presence = Presence(settings, ready=is_healthy, hands_over=False)
    arrived = events.arrived()
    if not arrived and presence.start():
        presence.log.info("waiting for %s before registering", presence.registration.check_url)
    try:
        signum = arrived[0] if arrived else events.next()
        presence.log.info("received signal %s", signum)
    finally:
        # No drain: by now the main containers have ended.
        presence.stop()
    return 0


def is_healthy(registration: Registration) -> bool:
    """Ask the service as Consul will: same URL, same header, any 2xx is good."""
    connection = http.client.HTTPConnection(registration.address, registration.port, timeout=_PROBE_TIMEOUT)
    try:
        headers = {INSTANCE_HEADER: registration.instance, "Connection": "close"}
        connection.request("GET", registration.check_path, headers=headers)
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
