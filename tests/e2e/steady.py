"""A steady stream of requests, of which none may fail, while EchoRoutes change."""

import http.client
import threading
import time
from collections import Counter
from typing import Final, Self

from devstack.echoroutes import path_of
from devstack.handles.answers import JsonObject, accepted, at
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube

_CLIENTS: Final = 4
_PER_SECOND: Final = 50
"""Requests of each."""


class Requests:
    """As a context manager: asks for a path 200 times a second, and counts the answers."""

    def __init__(self, gateway: GatewayApi, path: str) -> None:
        self._host = gateway.url.removeprefix("http://")
        self._path = path
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(_CLIENTS)]
        self.answers: Counter[int | str] = Counter()

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=5)
        due = time.monotonic()
        while not self._stop.is_set():
            try:
                connection.request("GET", self._path)
                answer = connection.getresponse()
                answer.read()
                self.answers[answer.status] += 1
            except OSError as error:
                self.answers[type(error).__name__] += 1
                connection.close()
            due = max(due + 1 / _PER_SECOND, time.monotonic() - 0.1)
            time.sleep(max(0.0, due - time.monotonic()))
        connection.close()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def replace_spec(kube: Kube, namespace: str, changed: JsonObject) -> None:
    """What `kubectl apply` asks for, without the time that it takes on a machine that is busy."""
    name = str(at(changed, "metadata", "name"))
    kind = {"Content-Type": "application/merge-patch+json"}
    accepted(kube.http.patch(path_of(namespace, name), json={"spec": changed["spec"]}, headers=kind))
