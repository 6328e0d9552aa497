"""The status of an EchoRoute, as the CRD describes it. The operator alone writes it, as plain JSON."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

MESSAGE_MAX_LENGTH = 32_768  # as in metav1.Condition; what the operator writes is far shorter


CONDITIONS_LIMIT = 32  # ours are six at most; the others are for other controllers


_ATOMIC: dict[str, JsonValue] = {"x-kubernetes-list-type": "atomic"}


class StatusModel(BaseModel):
    """Base of the status's models."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Condition(StatusModel):
    """One observation, in the form of metav1.Condition."""

    type: Annotated[str, Field(min_length=1, max_length=316)] = Field(
        description="What is observed: Accepted, ResolvedRefs, Programmed, Ready; while true also Reconciling, Stalled."
    )
    status: Literal["True", "False", "Unknown"] = Field(description="True, False or Unknown.")
    observed_generation: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="The metadata.generation that the condition is about."
    )
    last_transition_time: datetime = Field(description="When the status last changed.")
    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")] = (
        Field(description="Why, as one CamelCase word for programs.")
    )
    message: Annotated[str, Field(max_length=MESSAGE_MAX_LENGTH)] = Field(
        description="Why, for people: which field, what was found, what to do."
    )


class Instances(StatusModel):
    """How many instances of the service Consul knows."""

    healthy: Annotated[int, Field(ge=0)] = Field(description="Instances that take requests.")
    total: Annotated[int, Field(ge=0)] = Field(description="Instances registered, healthy or not.")


class SubsetStatus(StatusModel):
    """Which of a service's instances a backend is."""

    tags: (
        Annotated[tuple[Annotated[str, Field(max_length=256)], ...], Field(max_length=8, json_schema_extra=_ATOMIC)]
        | None
    ) = Field(default=None, description="Tags that they have.")
    meta: Annotated[dict[str, Annotated[str, Field(max_length=512)]], Field(max_length=8)] | None = Field(
        default=None, description="Meta that they have."
    )
    datacenter: Annotated[str, Field(max_length=64)] | None = Field(default=None, description="Their datacenter.")


class BackendStatus(StatusModel):
    """One of several backends, and how many instances of it Consul knows."""

    service: Annotated[str, Field(max_length=256)] = Field(description="Name of the service in Consul.")
    subset: SubsetStatus | None = Field(default=None, description="Which of its instances; all of them without.")
    resolve: Literal["Gateway", "Operator"] = Field(description="Who finds its instances.")
    weight: Annotated[int, Field(ge=0)] = Field(description="Its weight in the list that mentions it first.")
    healthy: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Instances that take requests.")
    total: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Instances registered, healthy or not.")


class EchoRouteStatus(StatusModel):
    """What is true of the route, written by the operator."""

    observed_generation: int | None = Field(
        default=None, description="The metadata.generation that the operator has seen; -1 before it has seen any."
    )
    programmed_generation: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="The metadata.generation that the gateway serves."
    )
    route_id: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="Id of the route in the gateway."
    )
    instances: Instances | None = Field(
        default=None,
        description="How many instances of its backends Consul knows, healthy and in total: the sum of all.",
    )
    backends: Annotated[tuple[BackendStatus, ...], Field(max_length=32, json_schema_extra=_ATOMIC)] | None = Field(
        default=None,
        description="Where there are several: each backend once, those of spec.backends before those of canaries.",
    )
    services: Annotated[str, Field(max_length=256)] | None = Field(
        default=None, description="The backends in short: `echo 90 %, echo version:2 10 %`."
    )
    conditions: (
        Annotated[
            tuple[Condition, ...],
            Field(
                max_length=CONDITIONS_LIMIT,
                json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="What was observed: Accepted (spec, policy, conflicts), ResolvedRefs (Consul), Programmed (the "
        "gateway), Ready (all of it); while true also Reconciling (in progress) and Stalled (waits for a change).",
    )


PENDING = "waiting for the operator of this spec.gatewayClass"


def pending_status() -> dict[str, JsonValue]:
    """The status of an object that no operator has seen: the CRD's default, so that nothing is green too early."""
    return {
        "observedGeneration": -1,
        "conditions": [
            {
                "type": kind,
                "status": "Unknown",
                "reason": "Pending",
                "message": PENDING,
                "lastTransitionTime": "1970-01-01T00:00:00Z",
            }
            for kind in ("Accepted", "ResolvedRefs", "Programmed", "Ready")
        ],
    }
