"""What docs/teams.md gives a team, on a real API server: its own EchoRoutes and nothing more."""

import re
import secrets
import subprocess

import pytest
import yaml
from devstack.handles.kube import Kube
from devstack.paths import REPOSITORY

_TEAM = "team-a"


@pytest.fixture
def team(kube: Kube) -> str:
    """The page's objects, in a namespace of this test's own."""
    text = (REPOSITORY / "docs/teams.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    objects = list(yaml.safe_load_all(block))
    name = f"team-{secrets.token_hex(4)}"
    for one in objects:
        assert one["metadata"]["namespace"] == _TEAM
        one["metadata"]["namespace"] = name
    kube.apply(REPOSITORY / "crds", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    kube.wait_established("crd/echoroutes.echoroute.dev")
    kube.apply(yaml.safe_dump_all(objects))
    return name


def test_a_team_writes_its_own_echoroutes_and_nothing_more(kube: Kube, team: str) -> None:
    cases = [
        ("create", "echoroutes", team, "yes", "its routes"),
        ("delete", "echoroutes", team, "yes", "its routes"),
        ("create", "echoroutes", "default", "no", "another team's namespace"),
        ("get", "echoroutes", "default", "no", "another team's namespace"),
        ("patch", "echoroutes --subresource=status", team, "no", "what is true is for the operator to say"),
        ("get", "secrets", team, "no", "nothing but EchoRoutes"),
        ("get", "secrets", "echoroute-system", "no", "the admin key"),
    ]
    for verb, resource, namespace, answer, why in cases:
        asked = ("auth", "can-i", verb, *resource.split(), "-n", namespace, "--as=anybody", f"--as-group={_TEAM}")
        said: subprocess.CompletedProcess[str] = kube.attempt(*asked)
        assert said.stdout.strip() == answer, f"{verb} {resource} in {namespace}: {why}"
