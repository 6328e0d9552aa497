"""Whether two Routes exclude each other: no request fulfils the conditions of both.

Sound and simple: what it cannot compare (two patterns, numbers, what stands below OR) keeps nothing apart. It takes
APISIX's JSON, which a hand may have made.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from echoroute.core.alike import Comparison, comparisons
from echoroute.core.objects import JsonObject

Value = str | bool | None
Question = tuple[str, ...]
"""A variable, and then the answer is its value; or a comparison, and then it is whether that holds."""
Range = tuple[int, int, int]
"""IP version, first and last address as numbers."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the answer to one question about a request must be (None: anything), and what it must not be."""

    among: frozenset[Value] | None = None
    none_of: frozenset[Value] = frozenset()

    def both(self, other: "Answers") -> "Answers":
        """What must hold where both must."""
        if self.among is None or other.among is None:
            among = other.among if self.among is None else self.among
        else:
            among = self.among & other.among
        return Answers(among, self.none_of | other.none_of)

    def possible(self) -> bool:
        """Whether there is such an answer."""
        return self.among is None or not self.among <= self.none_of


@dataclass(frozen=True, slots=True)
class Demands:
    """What a Route demands of a request: answers to questions, and where the client may be (empty: anywhere)."""

    answers: dict[Question, Answers] = field(default_factory=dict)
    clients: tuple[Range, ...] = ()

    def exclude(self, other: "Demands") -> bool:
        """Whether no request fulfils both."""
        shared = self.answers.keys() & other.answers.keys()
        if not all(self.answers[one].both(other.answers[one]).possible() for one in shared):
            return True
        return bool(self.clients and other.clients) and not _overlap(self.clients, other.clients)


def demands(body: JsonObject) -> Demands:
    """What a Route demands. What is not read here demands nothing."""
    found: dict[Question, Answers] = {}
    for comparison in comparisons(body.get("vars")):
        question, answers = _demand(comparison)
        found[question] = found[question].both(answers) if question in found else answers
    return Demands(found, tuple(sorted(_ranges(body.get("remote_addrs")))))


def _demand(comparison: Comparison) -> tuple[Question, Answers]:
    variable, operator, operand = comparison
    negated = operator[:1] == ["!"]
    operator = operator[negated:]
    if operator == ["~="]:
        operator, negated = ["=="], not negated
    values = _values(operator, operand)
    question = (str(variable),) if values else (str(variable), *map(str, operator), repr(operand))
    answers = values or frozenset({True})
    return question, Answers(none_of=answers) if negated else Answers(among=answers)


def _values(operator: list[JsonValue], operand: JsonValue) -> frozenset[Value]:
    """Those of which the variable has one where the comparison holds; empty where that is not so simple.

    A number is compared with other spellings of it, too.
    """
    texts = frozenset(one for one in operand if isinstance(one, str)) if isinstance(operand, list) else frozenset()
    if operator == ["=="] and (operand is None or isinstance(operand, str)):
        return frozenset({operand})
    return texts if operator == ["in"] and isinstance(operand, list) and len(texts) == len(operand) else frozenset()


def _ranges(addresses: JsonValue) -> Iterator[Range]:
    for text in addresses if isinstance(addresses, list) else ():
        try:
            network = ipaddress.ip_network(str(text), strict=False)
        except ValueError:
            yield from _EVERYWHERE
        else:
            yield network.version, int(network.network_address), int(network.broadcast_address)


_EVERYWHERE: tuple[Range, ...] = ((4, 0, 2**32 - 1), (6, 0, 2**128 - 1))


def _overlap(some: tuple[Range, ...], others: tuple[Range, ...]) -> bool:
    """Whether some address is in both. Both are sorted."""
    one = other = 0
    while one < len(some) and other < len(others):
        (version, first, last), (their_version, their_first, their_last) = some[one], others[other]
        if (version, last) < (their_version, their_first):
            one += 1
        elif (their_version, their_last) < (version, first):
            other += 1
        else:
            return True
    return False
