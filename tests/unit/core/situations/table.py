"""All situations: each of its own, and pairs of them."""

from .consul import CONSUL
from .gateway import GATEWAY
from .instances import INSTANCES
from .nodes import NODES
from .pairs import PAIRS
from .refused import REFUSED

SITUATIONS = (*INSTANCES, *CONSUL, *NODES, *GATEWAY, *REFUSED, *PAIRS)
