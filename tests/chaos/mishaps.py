"""What happens to the replicas and to what they work with: each mishap begins, lasts, and is over when it returns."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from devstack.handles.answers import at
from devstack.processes import Process
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

from .traffic import RECOVERY, Traffic

Mishap = Callable[[], None]


@dataclass
class Mishaps:
    """Two things may be wrong at once: one on the operator's side, for which no request may fail, and one beyond it."""

    stack: Stack
    replicas: list[Operator]
    traffic: Traffic
    chance: random.Random
    happened: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    """The longest time after a mishap, by what it was until then."""
    _errors: list[BaseException] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Let things go wrong for so long. Raises what a mishap has raised."""
        ends = time.monotonic() + seconds
        operators = {name: partial(self._led_again, mishap) for name, mishap in self._operators_side().items()}
        sides = [operators, self._gateways_side()]
        threads = [threading.Thread(target=self._one_after_the_other, args=(side, ends)) for side in sides]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _one_after_the_other(self, mishaps: Mapping[str, Mishap], ends: float) -> None:
        try:
            while time.monotonic() < ends and not self._errors:
                name = self.chance.choice(list(mishaps))
                mishaps[name]()
                self.happened[name] += 1
                time.sleep(self.chance.uniform(0.5, 2.0))
        except BaseException as error:  # noqa: BLE001 - of a thread, raised by `run`
            self._errors.append(error)

    def _operators_side(self) -> dict[str, Mishap]:
        return {
            "a replica is killed": self._replica_killed,
            "a replica is stopped": self._replica_stopped,
            "a replica is frozen": self._replica_frozen,
            "both replicas are killed": self._both_killed,
            "the API server is frozen": lambda: self._frozen(self.stack.apiserver, 1.0, 14.0),
            "the API server is killed": lambda: self._killed(self.stack.apiserver, 0.0, 3.0),
        }

    def _gateways_side(self) -> dict[str, Mishap]:
        return {
            "the gateway is killed": lambda: self._noticed(lambda: self._killed(self.stack.gateway, 0.0, 3.0)),
            "the gateway is frozen": lambda: self._noticed(lambda: self._frozen(self.stack.gateway, 0.5, 4.0)),
            "the gateway is wiped": lambda: self._noticed(self.stack.gateway.api.wipe),
            "Consul is killed": lambda: self._noticed(lambda: self._killed(self.stack.consul, 0.0, 3.0)),
            "Consul is frozen": lambda: self._noticed(lambda: self._frozen(self.stack.consul, 0.5, 4.0)),
            "routes are edited by hand": self._edited,
        }

    def _led_again(self, mishap: Mishap) -> None:
        mishap()
        self._note("until a replica leads again", until(self._is_led, "a replica leads again", timeout=RECOVERY))
        time.sleep(self.chance.uniform(0.0, 6.0))

    def _is_led(self) -> bool:
        return any(one.answers() and one.metric("echoroute_leader") == 1 for one in self.replicas)

    def _noticed(self, mishap: Mishap) -> None:
        window = self.traffic.excuse("a mishap of gateway or Consul")
        mishap()
        self._note("until all routes serve again", self.traffic.recovered(window))

    def _note(self, what: str, seconds: float) -> None:
        self.slowest[what] = max(seconds, self.slowest.get(what, 0.0))

    def _killed(self, process: Process, least: float, most: float) -> None:
        process.kill()
        time.sleep(self.chance.uniform(least, most))
        process.start()

    def _frozen(self, process: Process, least: float, most: float) -> None:
        process.pause()
        time.sleep(self.chance.uniform(least, most))
        process.resume()

    def _one(self) -> Operator:
        return self.chance.choice(self.replicas)

    def _replica_killed(self) -> None:
        replica = self._one()
        replica.process.kill()
        time.sleep(self.chance.uniform(0.0, 3.0))
        replica.process.spawn()

    def _replica_stopped(self) -> None:
        replica = self._one()
        replica.process.stop()
        replica.process.spawn()

    def _replica_frozen(self) -> None:
        self._frozen(self._one().process, 1.0, 20.0)

    def _both_killed(self) -> None:
        for replica in self.replicas:
            replica.process.kill()
        for replica in self.replicas:
            replica.process.spawn()

    def _edited(self) -> None:
        """Some routes that are changed anyway go, or get what nobody asked for."""
        api = self.stack.gateway.api
        busy = [route for route in api.list_all("routes") if str(at(route, "labels", "name")).startswith("busy")]
        for route in self.chance.sample(busy, min(5, len(busy))):
            if self.chance.random() < 0.5:
                api.delete("routes", str(route["id"]))
            else:
                body = {
                    name: value for name, value in route.items() if name not in {"id", "create_time", "update_time"}
                }
                api.put("routes", str(route["id"]), {**body, "priority": 7})
        time.sleep(2.0)
