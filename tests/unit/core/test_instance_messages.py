"""What a person reads about instances: how many, which, why, and what to do."""

import pytest
from echoroute.api.selection import Selection, Service
from echoroute.core.conditions import GRACE
from echoroute.core.facts import Answered, Lack
from echoroute.core.instance_messages import missed, none_healthy, some_unusable
from echoroute.core.instances import Instance, State, discovered
from echoroute.core.written import MESSAGE_LIMIT


def _of(name: str) -> Selection:
    return Selection(Service(name))


BARE = Instance("bare-1", "bare", "", "10.9.9.9", 8000, State.PASSING)


def answer(*instances: Instance, service: str = "bare") -> Answered:
    seen = discovered(service, instances)
    return Answered(
        healthy=seen.healthy,
        total=seen.total,
        failing=seen.failing,
        lack_of_healthy=Lack(),
        lack_of_any=Lack(),
        unusable=seen.unusable,
        unusable_for=GRACE,
        missed=seen.missed,
    )


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            none_healthy(_of("bare"), answer(BARE)),
            (
                "service 'bare' has 1 instance in Consul, and the gateway can use none: "
                "'bare-1' has no address, and APISIX does not take its node's (with resolve: Operator it gets that)"
            ),
        ),
        (
            none_healthy(_of("bare"), answer(BARE, Instance("b", "bare", "10.0.0.1", "", 80, State.CRITICAL))),
            (
                "service 'bare' has 2 instances in Consul, and the gateway can use none: "
                "'bare-1' has no address, and APISIX does not take its node's "
                "(with resolve: Operator it gets that). The health checks of 1 more fail"
            ),
        ),
        (
            none_healthy(
                _of("bare"),
                answer(
                    Instance("a", "bare", "10.0.0.1", "", 80, State.PASSING),
                    Instance("b", "bare", "10.0.0.2", "", -1, State.PASSING),
                ),
            ),
            (
                "service 'bare' has 2 instances in Consul, and the gateway can use none: "
                "'b' has the port -1, and APISIX refuses all instances of the service for it"
            ),
        ),
        (
            none_healthy(_of("bare"), answer(Instance("b", "bare", "10.0.0.1", "", 80, State.CRITICAL))),
            "no instance of service 'bare' passes its health checks in Consul (1 instance registered)",
        ),
        (
            some_unusable(_of("bare"), answer(BARE, Instance("b", "bare", "10.0.0.1", "", 80, State.PASSING))),
            (
                "the gateway sends requests of service 'bare' to 1 instance of 2 that it cannot use: "
                "'bare-1' has no address, and APISIX does not take its node's "
                "(with resolve: Operator it gets that). Register an IP address and a port"
            ),
        ),
        (
            missed(_of("Bare"), answer(BARE, service="Bare")),
            "the gateway does not discover service 'Bare': Consul has 'bare'; write it so",
        ),
    ],
)
def test_message(message: str, said: str) -> None:
    assert message == said


def test_a_thousand_odd_instances_with_long_names_are_told_of_in_a_short_message() -> None:
    many = [Instance(f"{n:04}" + "x" * 5000, "bare", "y" * 5000, "", 1, State.PASSING) for n in range(1000)]
    message = none_healthy(_of("bare"), answer(*many))
    assert "'0000xxx" in message
    assert message.endswith("; and 995 more")
    assert len(message) < 2 * MESSAGE_LIMIT


def test_a_message_of_the_usual_length_is_not_cut() -> None:
    few = [Instance(f"echo-10.0.0.{n}-8000", "bare", f"pod-{n}.example", "", 8000, State.PASSING) for n in range(9)]
    assert len(none_healthy(_of("bare"), answer(*few))) < MESSAGE_LIMIT
