"""What pages name exists: files of this repository, settings, metrics and reasons."""

import re
from pathlib import Path

import pytest
from echoroute.core.reasons import Reason
from echoroute.reference.metrics import metrics
from echoroute.run.settings import Settings, variable

from .pages import PAGES, ROOT, shown, text_of

_FILE = re.compile(r"`((?:docs|tests|operator|echo|examples|manifests|crds)/[\w./-]*\w)`")
_SETTINGS = {variable(name) for name in Settings.model_fields}
_HISTORY = ROOT / "CHANGELOG.md"  # what it names may be gone


@pytest.mark.parametrize("page", [page for page in PAGES if page != _HISTORY], ids=shown)
def test_files_are_there(page: Path) -> None:
    named = set(_FILE.findall(text_of(page)))
    # A page of a distribution names files from its own folder.
    missing = [name for name in named if not ((ROOT / name).exists() or (page.parent / name).exists())]
    assert not [name for name in missing if name not in _MADE]


_MADE = {"manifests/overlays/ours", "manifests/overlays/dev/secrets"}
"""What readers make, and scripts for them."""


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_settings_and_metrics_are_the_operators(page: Path) -> None:
    settings = set(re.findall(r"\bECHOROUTE_[A-Z][A-Z_]*[A-Z]\b", text_of(page)))
    assert not settings - _SETTINGS
    counted = set(re.findall(r"\bechoroute_[a-z_]*[a-z]\b", text_of(page)))
    assert not counted - set(re.findall(r"`(echoroute_[a-z_]+)", metrics()))


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_reasons_that_are_claimed_are_there(page: Path) -> None:
    claimed = set(re.findall(r"\b(?:Accepted|ResolvedRefs|Programmed|Ready)=(?:False|Unknown)/(\w+)", text_of(page)))
    assert not claimed - set(Reason)
