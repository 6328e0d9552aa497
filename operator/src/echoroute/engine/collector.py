"""What is counted when somebody asks: how many EchoRoutes are in which state, and how it stands with the gateway."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from echoroute.engine.engine import Engine


class EngineCollector(Collector):
    """What is known while a term lasts: a standby judges no status, and its last counts would be those of long ago."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        writer = self._engine.writer
        if writer is None:
            return
        counts = Counter(route.ready for _, route in self._engine.desired.table.items())
        family = GaugeMetricFamily(
            "echoroute_routes",
            "EchoRoutes by the status and reason of their Ready condition.",
            labels=("ready", "reason"),
        )
        for (status, reason), number in counts.items():
            family.add_metric((status, reason), number)
        yield family
        yield GaugeMetricFamily(
            "echoroute_gateway_up",
            "1 while the Admin API takes requests; 0 otherwise.",
            float(writer.gate.is_open),
        )
        yield GaugeMetricFamily(
            "echoroute_queue_depth",
            "EchoRoutes that wait for a gateway worker or are being written, withdrawals included.",
            len(writer.queue),
        )
