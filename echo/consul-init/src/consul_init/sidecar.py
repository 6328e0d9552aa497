"""`consul-init sidecar`: keeps the main container of its pod in Consul, from a container of its own.

A native sidecar (an init container with restartPolicy Always) starts before the main containers and gets SIGTERM only
after they have ended. So it waits for the service to answer before it registers, and it leaves in its preStop hook
(`consul-init leave --wait`), which Kubernetes runs at once, beside those of the main containers.
"""

import signal

from consul_init.errors import SettingsError
from consul_init.health_check import CheckType
from consul_init.presence import Presence
from consul_init.probe import Probe
from consul_init.settings import Settings
from consul_init.signal_pipe import SignalPipe


def run_sidecar(settings: Settings) -> int:
    """Run until a stop signal. Returns the exit code 0. Raises SettingsError."""
    if settings.check_type is CheckType.TTL:
        raise SettingsError(
            "SERVICE_CHECK_TYPE", "is ttl: a sidecar cannot tell whether the service lives. Use 'consul-init run'"
        )
    # First of all: to the first process of a container the kernel delivers no signal that has no handler.
    events = SignalPipe(settings.stop_signals)
    presence = Presence(settings, Probe(), hands_over=False)
    arrived = events.arrived()
    if not arrived and presence.start():
        presence.log.info("waiting for %s before registering", presence.registration.check.target)
    try:
        presence.log.info("received %s", signal.Signals(arrived[0] if arrived else events.wait()).name)
    finally:
        # No drain: by now the main containers have ended.
        presence.stop()
    return 0
