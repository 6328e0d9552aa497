"""The plugins of Apache APISIX 3.18, by what their configuration can reach: the tables behind the policy.

A plugin is open, field by field, when nothing in these fields reaches beyond the route's own requests and backend. All
others are closed, and so are names that are not here (own plugins, later ones).
"""

from echoroute.core.plugins.answers import ANSWERS
from echoroute.core.plugins.authentication import AUTHENTICATION
from echoroute.core.plugins.closed import CLOSED
from echoroute.core.plugins.declaration import OpenPlugin
from echoroute.core.plugins.judge import META, field_errors
from echoroute.core.plugins.requests import REQUESTS
from echoroute.core.plugins.restrictions import RESTRICTIONS

OPEN: dict[str, OpenPlugin] = dict(sorted({**ANSWERS, **AUTHENTICATION, **REQUESTS, **RESTRICTIONS}.items()))
"""The open plugins by name."""

__all__ = ["CLOSED", "META", "OPEN", "OpenPlugin", "field_errors"]
