"""When deletions that no delete event explains may happen: the brake.

A wrong cluster, a restored backup, a re-created CRD or a folder that is not mounted look like "all routes were
deleted". So where the source is in doubt, or where much would be deleted at once, such deletions stop until a person
confirms exactly this set, by its token.
"""

import hashlib
from dataclasses import dataclass

from echoroute.core.objects import ObjectRef

MANY = 10
SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Held:
    """Deletions that wait for `ECHOROUTE_CONFIRM_DELETION=<token>`; the set is frozen when the brake engages."""

    refs: frozenset[ObjectRef]
    token: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{len(self.refs)} gateway objects without an EchoRoute are not deleted: {self.reason}. "
            f"If they are to go, set ECHOROUTE_CONFIRM_DELETION={self.token}"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the brake says of a set of orphans: those that may be deleted, and the set under the brake, if any.

    `held` goes into the next judgement; a confirmed set stays there until its last object is gone.
    """

    deletable: frozenset[ObjectRef]
    held: Held | None

    @property
    def engaged(self) -> bool:
        return self.held is not None and not self.deletable


def brake(
    orphans: frozenset[ObjectRef],
    *,
    owned: int,
    doubt: str | None,
    confirmed: str | None,
    held: Held | None,
) -> Verdict:
    """Judge the deletion of `orphans`.

    `owned` counts all objects that are ours, orphans among them; `doubt` is why the source may not be the one that
    they were made from, which is enough to hold one.
    `held` is what the verdict before held: while any of that set is left, the set and its token stay as announced, and
    what became an orphan since waits for its own judgement. `confirmed` releases the set with that token and no other.
    """
    if held is None or not held.refs & orphans:
        reason = doubt or _reason(len(orphans), owned)
        held = Held(refs=orphans, token=token(orphans), reason=reason) if orphans and reason else None
    if held is None:
        return Verdict(deletable=orphans, held=None)
    if held.token == confirmed:
        return Verdict(deletable=held.refs & orphans, held=held)
    return Verdict(deletable=frozenset(), held=held)


def _reason(orphans: int, owned: int) -> str | None:
    if orphans > MANY and orphans > SHARE * owned:
        return f"they are {orphans} of the {owned} that we own, more than {SHARE:.0%}"
    return None


def token(orphans: frozenset[ObjectRef]) -> str:
    """The name of a set of objects: 12 hex digits, the same after a restart."""
    listing = "\n".join(str(ref) for ref in sorted(orphans))
    return hashlib.blake2b(listing.encode(), digest_size=6).hexdigest()
