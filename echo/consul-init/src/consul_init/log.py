"""Log lines: under the name `consul_init`, each with the service id."""

import logging
from collections.abc import MutableMapping

LOGGER = logging.getLogger("consul_init")

Adapter = logging.LoggerAdapter[logging.Logger]
Log = logging.Logger | Adapter


class InstanceLog(Adapter):
    """Puts the service id in front of each line, and into the record as `service_id`."""

    def __init__(self, service_id: str) -> None:
        super().__init__(LOGGER, {"service_id": service_id})
        self._service_id = service_id

    def process(self, msg: object, kwargs: MutableMapping[str, object]) -> tuple[object, MutableMapping[str, object]]:
        kwargs["extra"] = self.extra
        return f"{self._service_id}: {msg}", kwargs
