"""A person's word that held deletions are meant."""

from dataclasses import dataclass


@dataclass(slots=True)
class Confirmation:
    """The token given at the start. It counts once, in whichever term of office, though the setting may stay."""

    token: str | None
