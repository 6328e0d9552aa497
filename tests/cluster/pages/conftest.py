"""The installation that the other tests of pods have, too."""

from ..pods.conftest import installed, settled

__all__ = ["installed", "settled"]
