"""The Route that a spec becomes."""

from echoroute.api import parse_spec
from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.core.translate import translate

OWNER = "0a1b2c3d"
KEY = Key("default", "echo")

SMALLEST = {"match": {"paths": ["/a/*"]}, "backends": [{"service": "echo"}]}


def body_of(spec, key=KEY):
    bundle = translate(key, parse_spec(spec), owner=OWNER)
    return bundle.objects[ObjectRef(Kind.ROUTE, bundle.route_id)]
