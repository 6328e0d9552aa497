"""What the plan says is to be done in the gateway, and what the gateway was found to hold: values without I/O."""

from dataclasses import dataclass, field

from echoroute.core.objects import JsonObject, ObjectRef


@dataclass(frozen=True, slots=True)
class Put:
    """Write the whole object; `body` is as in `Bundle.objects`: no `id`, no times, no indexes."""

    ref: ObjectRef
    body: JsonObject = field(repr=False)  # plugin configs can hold secrets


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the object; one that is already gone is fine."""

    ref: ObjectRef


Change = Put | Delete


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as a read of the gateway gave it.

    `body` compares with the body of a `Put`: `id`, `create_time` and `update_time` are taken out. `create_time` is in
    seconds since the epoch, 0 where the object has none (written past the Admin API). `modified_index` is etcd's
    revision of the last write: the same index means the same content.
    """

    body: JsonObject = field(repr=False)
    create_time: int
    modified_index: int
