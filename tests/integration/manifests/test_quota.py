"""The ResourceQuota of docs/operations.md: the API server counts EchoRoutes, and refuses the one too many."""

import re
import secrets
import time

import yaml
from devstack.echoroutes import route
from devstack.handles.answers import at
from devstack.handles.kube import Kube
from devstack.paths import REPOSITORY
from devstack.waiting import until

from .rendered import Manifest

_COUNT = "count/echoroutes.echoroute.dev"


def _documented() -> Manifest:
    text = (REPOSITORY / "docs/operations.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    [quota] = [each for each in map(yaml.safe_load, examples) if each["kind"] == "ResourceQuota"]
    found: Manifest = quota
    return found


def _counts(kube: Kube, quota: Manifest) -> bool:
    """A new CRD is unknown to the quota controller for 30 s, and what was unknown it tries again after 5 min."""
    path = f"/api/v1/namespaces/{quota['metadata']['namespace']}/resourcequotas"
    kube.http.delete(f"{path}/echoroutes")
    kube.http.post(path, json=quota).raise_for_status()
    time.sleep(2)
    return at(kube.http.get(f"{path}/echoroutes").json(), "status", "used", _COUNT) == "0"


def test_the_one_too_many_is_refused_by_name(kube: Kube) -> None:
    quota = _documented()
    assert int(quota["spec"]["hard"][_COUNT]) > 2, "else the example is of no use"
    team = f"team-{secrets.token_hex(4)}"
    quota["metadata"]["namespace"] = team
    quota["spec"]["hard"][_COUNT] = "2"
    kube.apply(REPOSITORY / "crds")
    kube.wait_established("crd/echoroutes.echoroute.dev")
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": team}})
    until(lambda: _counts(kube, quota), timeout=90)

    path = f"/apis/echoroute.dev/v1alpha1/namespaces/{team}/echoroutes"
    answers = [kube.http.post(path, json=route(name, team, f"/{name}")) for name in ("one", "two", "three")]
    assert [answer.status_code for answer in answers] == [201, 201, 403]
    assert "exceeded quota: echoroutes" in answers[2].json()["message"]
    kube.http.delete(f"/api/v1/namespaces/{team}")
