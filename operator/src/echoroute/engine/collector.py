"""How many EchoRoutes are in which state, counted when somebody asks."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from echoroute.engine.table import Table


class RoutesCollector(Collector):
    """`echoroute_routes{ready, reason}`: by the `Ready` condition as it was last computed."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def collect(self) -> Iterable[Metric]:
        counts = Counter(route.ready for _, route in self._table.items())
        family = GaugeMetricFamily(
            "echoroute_routes",
            "EchoRoutes by the status and reason of their Ready condition.",
            labels=("ready", "reason"),
        )
        for (status, reason), number in counts.items():
            family.add_metric((status, reason), number)
        yield family
