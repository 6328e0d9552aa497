"""Where a value stands in a spec: steps that are kept as they come, and written out for a message only."""

_SHOWN = 200

Place = tuple["Place | None", str | int]
"""The place above, None for the outermost; and the name or the index there."""


def path(place: Place) -> str:
    """As the user writes it, cut after 200 characters."""
    steps: list[str] = []
    at: Place | None = place
    while at is not None:
        at, step = at
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return shortened("".join(reversed(steps)).removeprefix("."))


def shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
