"""What a spec may say of the route as a whole."""

from .malformed import Malformed, spec

MALFORMED = [
    Malformed("yes is no boolean in JSON", spec(websocket="yes"), "spec.websocket", "true or false", "schema"),
    Malformed("0 is no boolean in JSON", spec(enabled=0), "spec.enabled", "true or false", "schema"),
    Malformed("another's name in metrics", spec(name="other/web"), "spec.name", "must have no '/'", "cel"),
    Malformed("a name has a bound", spec(name="n" * 257), "spec.name", "at most 256", "schema"),
    Malformed("a class is a name", spec(gatewayClass="Apisix!"), "spec.gatewayClass", "lower-case", "cel"),
]

WELL_FORMED = {
    "the smallest one": spec(),
    "switches": spec(name="my route", websocket=True, enabled=False, gatewayClass="apisix"),
}
