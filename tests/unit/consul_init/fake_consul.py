"""One agent's answers, for the scripted server: it keeps what is registered."""

import json
import time
from collections.abc import Callable

NOT_FOUND = (404, json.dumps({"AggregatedStatus": "critical", "Service": None, "Checks": None}))


class Consul:
    """`node` is its name, `held` what it has."""

    def __init__(self) -> None:
        self.held: dict[str, dict] = {}
        self.node = "node1"
        self.registrations = self.asked = 0
        self.status, self.output = "passing", "HTTP GET: 200 OK"
        self.on_deregister: Callable[[], object] = lambda: None

    def __call__(self, seen):
        service_id = seen.path.partition("?")[0].rpartition("/")[2]
        if "/register" in seen.path:
            body = json.loads(seen.body)
            self.held[body["ID"]] = body
            self.registrations += 1
            return (200, "")
        if "/deregister/" in seen.path:
            self.on_deregister()
            return (200, "") if self.held.pop(service_id, None) else (404, f"Unknown service ID {service_id!r}")
        self.asked += 1
        if service_id not in self.held:
            return NOT_FOUND
        body = self.held[service_id]
        check = {
            "Node": self.node,
            "CheckID": body["Check"]["CheckID"],
            "Name": body["Check"]["Name"],
            "Output": self.output,
        }
        return (
            200,
            json.dumps(
                {"AggregatedStatus": self.status, "Service": {**body, "Service": body["Name"]}, "Checks": [check]}
            ),
        )


def wait_for(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
