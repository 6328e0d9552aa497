"""What a world must have come to, by a second way of thinking: kinds of specs instead of plans."""

from echoroute.core.evaluate import evaluate
from echoroute.core.objects import Key

from .world import DENIED, GOOD, INVALID, KEYS, OTHER, OWNER, POLICY, REFUSED_BY_GATEWAY, SHARED, World, ref_of


def check(world: World, asked: dict[Key, str], squatted: set[Key]) -> None:
    """The gateway against what was asked for, by a second way of thinking: kinds of specs instead of plans."""
    assert world.gateway.breaches == []
    shared = [key for key, kind in asked.items() if kind is SHARED]
    winners = [key for key in shared if key not in squatted and world.ready(key) == "True/Ready"]
    # A last good generation keeps it from others, as does one that has it and finds a foreign object at its id.
    taken = any(stored.body["uri"] == "/shared" for stored in world.gateway.objects.values())
    assert len(winners) <= 1, "one has it"
    assert winners or not shared or taken or squatted.intersection(shared), "nobody is kept out for nothing"
    for key in KEYS:
        ref, kind = ref_of(key), asked.get(key)
        held = world.gateway.objects.get(ref)
        if key in squatted:
            assert held is not None
            assert held.body == {"uri": "/theirs"}, f"{key}: a foreign object was changed"
            continue
        if kind in {GOOD, OTHER} or (kind is SHARED and key in winners):
            entry = world.entry(key)
            bundle = evaluate(key, entry, owner=OWNER, policy=POLICY).bundle
            assert bundle is not None
            assert held is not None, f"{key}: missing in the gateway"
            assert held.body == bundle.objects[ref], f"{key}: not as asked"
            assert world.ready(key) == "True/Ready"
        elif kind is None:
            assert held is None or is_doubtful(world), f"{key}: still in the gateway"
        elif kind is DENIED:
            assert held is None, f"{key}: still in the gateway"
            assert world.ready(key) == "False/NotAllowed"
        else:
            reasons = {
                INVALID: "False/Invalid",
                REFUSED_BY_GATEWAY: "False/GatewayRejected",
                SHARED: "False/Conflicted",
            }
            assert world.ready(key) == reasons[kind], "and whatever was good before may go on serving"


def is_doubtful(world: World) -> bool:
    """Whether the CRD is younger than what we own: then nothing goes that no delete event explains."""
    crd, gateway = world.cluster.crd, world.gateway
    if crd is not None and crd.uid != "crd-0":
        return True
    times = [stored.create_time for ref, stored in gateway.objects.items() if gateway.is_owned(ref)]
    return crd is None or any(time < crd.created.timestamp() for time in times)
