"""What reaches beyond an EchoRoute's own route is refused by `echoroute render`, by name and without its values."""

import json

import pytest
from echoroute.cli.render import render_manifest
from echoroute.core.policy import Policy

from .core.refused import REFUSED, Refused, spec_of


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.why)
def test_is_refused_by_its_field(refused: Refused) -> None:
    manifest = {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "metadata": {"name": "a"},
        "spec": spec_of(refused, "/a"),
    }
    (rendered,) = render_manifest(json.dumps(manifest), namespace="team", owner="0a1b2c3d", policy=Policy())
    assert rendered.bodies == ()
    assert any(refused.names in problem for problem in rendered.problems), rendered.problems
