"""EchoRoute as pydantic models: what a field means, in one place, and the CRD generated from it."""

from echoroute.api.objects import API_VERSION, GROUP, KIND, PLURAL, VERSION, EchoRouteObject
from echoroute.api.parse import parse_spec
from echoroute.api.spec import DEFAULT_GATEWAY_CLASS, EchoRouteSpec

__all__ = [
    "API_VERSION",
    "DEFAULT_GATEWAY_CLASS",
    "GROUP",
    "KIND",
    "PLURAL",
    "VERSION",
    "EchoRouteObject",
    "EchoRouteSpec",
    "parse_spec",
]
