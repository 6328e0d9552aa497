"""What the API has and the operator does not do yet: such a spec is refused, and nothing of it is left out unseen."""

from echoroute.api.spec import EchoRouteSpec


def not_yet(spec: EchoRouteSpec) -> str:
    """What of a spec is not there yet, naming the field; empty where all of it is."""
    found = {
        "spec.backends: several of them are": len(spec.backends) > 1,
        "spec.canary: is": spec.canary is not None,
    }
    return "; ".join(
        f"{field} not supported by this version of the operator; leave it out" for field in found if found[field]
    )
