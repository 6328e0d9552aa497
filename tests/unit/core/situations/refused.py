"""The spec is refused, as invalid, by policy, or for a conflict."""

from dataclasses import replace

from echoroute.core.facts import (
    Waiting,
)

from .facts import CONFLICTED, FINE, INVALID, LONG_CONFLICTED, NOT_ALLOWED, OLD, Case

REFUSED = (
    Case(
        "invalid: the last good generation goes on serving",
        replace(FINE, refusal=INVALID, gateway=Waiting()),
        "False/Invalid",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/Invalid",
        "Stalled",
        previous=OLD,
        programmed_generation=2,
    ),
    Case(
        "invalid, and its object is gone from the gateway: no generation serves",
        replace(FINE, refusal=INVALID, in_gateway=False),
        "False/Invalid",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/Invalid",
        "Stalled",
        previous=OLD,
    ),
    Case(
        "refused by policy and withdrawn: no generation is programmed",
        replace(FINE, refusal=NOT_ALLOWED, in_gateway=False),
        "False/NotAllowed",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/NotAllowed",
        "Stalled",
        previous=OLD,
    ),
    Case(
        "lost a conflict just now: perhaps a rename, and what serves goes on",
        replace(FINE, refusal=CONFLICTED),
        "False/Conflicted",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/Conflicted",
        "Reconciling",
        previous=OLD,
        programmed_generation=2,
    ),
    Case(
        "lost a conflict 30 s ago: only a person can help",
        replace(FINE, refusal=CONFLICTED),
        "False/Conflicted",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/Conflicted",
        "Stalled",
        previous=LONG_CONFLICTED,
        programmed_generation=2,
    ),
)
