"""When deletions that no delete event explains may happen: the brake.

A wrong cluster, a restored backup, a re-created CRD or a folder that is not mounted look like "all routes were
deleted". So where the source is in doubt, or where much would be deleted at once, such deletions stop until a person
confirms exactly this set, by its token. A token is good for these objects in this life of theirs (their times of
creation), for this origin and for this kind of reason: one that is left set releases nothing else.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from echoroute.core.objects import Key, ObjectRef
from echoroute.core.text import counted

MANY = 10
SHARE = 0.3

_NAMED = 20

Life = tuple[ObjectRef, int]
"""A gateway object and its time of creation: one that is deleted and made again has another life."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the source may not be the one that the objects were made from; `about` is the same for the same kind."""

    about: str
    text: str


_TOO_MANY = "share"


@dataclass(frozen=True, slots=True)
class Held:
    """Deletions that wait for `ECHOROUTE_CONFIRM_DELETION=<token>`; the set is frozen when the brake engages."""

    keys: tuple[Key, ...]
    lives: frozenset[Life]
    origin: str
    about: str
    reason: str
    token: str

    def text(self, release: str) -> str:
        """What people are told; `release` is how they confirm it."""
        named = ", ".join(map(str, self.keys[:_NAMED]))
        more = f" and {len(self.keys) - _NAMED} more" if len(self.keys) > _NAMED else ""
        gone = counted(len(self.keys), "EchoRoute")
        return (
            f"the gateway objects of {gone} that went without a delete event are held: {self.reason}. "
            f"To delete them: {release}. EchoRoutes: {named}{more}"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the brake says of a set of orphans: the EchoRoutes whose objects may go, and the set under the brake.

    `held` goes into the next judgement; a confirmed set stays there until its last object is gone.
    """

    deletable: frozenset[Key]
    held: Held | None

    @property
    def engaged(self) -> bool:
        return self.held is not None and not self.deletable


def brake(
    orphans: Mapping[Key, frozenset[Life]],
    *,
    owned: int,
    origin: str,
    doubt: Doubt | None,
    confirmed: str | None,
    held: Held | None,
) -> Verdict:
    """Judge the deletion of what the gateway holds of `orphans`, which are EchoRoutes that are gone.

    `owned` counts all EchoRoutes of which the gateway holds something, orphans among them. `origin` names the place
    that the EchoRoutes come from, and `doubt` is enough to hold one. `held` is what the verdict before held: while any
    of that set is left, and no other doubt has come up, the set and its token stay as announced, and what became an
    orphan since waits for its own judgement. `confirmed` releases the set with that token and no other.
    """
    if held is None or _is_over(held, orphans, origin, doubt):
        held = _held(orphans, owned, origin, doubt)
    if held is None:
        return Verdict(deletable=frozenset(orphans), held=None)
    if held.token == confirmed:
        return Verdict(deletable=_left(held, orphans), held=held)
    return Verdict(deletable=frozenset(), held=held)


def _is_over(held: Held, orphans: Mapping[Key, frozenset[Life]], origin: str, doubt: Doubt | None) -> bool:
    another_reason = held.origin != origin or (doubt is not None and doubt.about != held.about)
    return another_reason or not _left(held, orphans)


def _left(held: Held, orphans: Mapping[Key, frozenset[Life]]) -> frozenset[Key]:
    return frozenset(key for key, lives in orphans.items() if lives <= held.lives)


def _held(orphans: Mapping[Key, frozenset[Life]], owned: int, origin: str, doubt: Doubt | None) -> Held | None:
    many = len(orphans) > MANY and len(orphans) > SHARE * owned
    if not orphans or (doubt is None and not many):
        return None
    about = doubt.about if doubt else _TOO_MANY
    reason = (
        doubt.text
        if doubt
        else f"they are {len(orphans)} of the {owned} that this operator owns, more than {SHARE:.0%}"
    )
    lives = frozenset().union(*orphans.values())
    return Held(tuple(sorted(orphans)), lives, origin, about, reason, token(lives, origin, about))


def token(lives: frozenset[Life], origin: str, about: str) -> str:
    """The name of a set of objects, of where they come from and of why they are held: 12 hex digits, lasting."""
    lines = [origin, about, *(f"{ref} {created}" for ref, created in sorted(lives))]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=6).hexdigest()
