"""A worker without a port, which Consul cannot ask: `SERVICE_CHECK_TYPE=ttl python ttl_worker.py`.

The library tells Consul that it lives, for as long as `ready` says so. (Celery, a consumer of a queue, a scheduler.)
"""

import logging
import os
import signal
import threading
import time

from consul_init import Registered

MOST_SECONDS_PER_JOB = float(os.environ.get("MOST_SECONDS_PER_JOB", "60"))


class Worker:
    """Does one job after the other until it is told to stop."""

    def __init__(self) -> None:
        self.stop_asked = threading.Event()
        self._last_job = time.monotonic()

    def is_well(self) -> bool:
        """False when a job hangs: then nobody should count on this worker."""
        return time.monotonic() - self._last_job < MOST_SECONDS_PER_JOB

    def work(self) -> None:
        while not self.stop_asked.is_set():
            self._last_job = time.monotonic()
            self.stop_asked.wait(float(os.environ.get("JOB_SECONDS", "1")))  # the job


logging.basicConfig(level=logging.INFO)
worker = Worker()
signal.signal(signal.SIGTERM, lambda _signal, _frame: worker.stop_asked.set())
# A signal makes it leave Consul first, and then does what it does above: the job at hand is finished.
with Registered(ready=worker.is_well):
    worker.work()
