"""An operator for some namespaces, under the Roles of overlays/namespaced and nothing else."""

import pytest
from devstack.echoroutes import condition, create, delete, path_of, programmed, route
from devstack.handles.answers import at
from devstack.handles.kube import Kube
from devstack.product import start_operator
from devstack.pytest_plugin import FreshStack
from devstack.stack import Stack
from devstack.waiting import until

from .rendered import MANIFESTS

_WATCHED = {"ECHOROUTE_WATCH_NAMESPACES": "team-a,team-b", "ECHOROUTE_OWNER_ID": "0ec40a11"}


@pytest.fixture
def namespaced(fresh_stack: FreshStack) -> Stack:
    """A stack of its own: elsewhere other tests have applied the ClusterRole."""
    stack = fresh_stack()
    for name in ("team-a", "team-b"):
        stack.kube.run("create", "namespace", name)
    stack.kube.apply(MANIFESTS / "overlays/namespaced")
    stack.kube.wait_established("crd/echoroutes.echoroute.dev")
    return stack


def _may(kube: Kube, *question: str) -> bool:
    return kube.attempt("auth", "can-i", *question).stdout.strip() == "yes"


def test_roles_in_the_namespaces_suffice_from_apply_to_delete(namespaced: Stack) -> None:
    kube, gateway = namespaced.kube, namespaced.gateway.api
    start_operator(namespaced, {**_WATCHED, "ECHOROUTE_DRIFT_INTERVAL": "2s"})
    account = kube.service_account("echoroute-system", "echoroute-operator", namespaced.directory / "asked.kubeconfig")
    assert _may(account, "list", "echoroutes.echoroute.dev", "-n", "team-a")
    assert not _may(account, "list", "echoroutes.echoroute.dev", "-n", "default"), "else this test shows nothing"

    create(kube, [route("web", team, f"/{team}/*") for team in ("team-a", "team-b", "default")])
    for team in ("team-a", "team-b"):
        until(lambda team=team: condition(kube, team, "web", "Programmed").status == "True")
        assert len(programmed(gateway, team)) == 1
    # A service that Consul does not know is a transition, and so an Event: written where the object is.
    until(lambda: kube.list_all("events", "team-a"))

    delete(kube, "team-a", "web")
    until(lambda: programmed(gateway, "team-a") == [])
    assert len(programmed(gateway, "team-b")) == 1
    assert programmed(gateway, "default") == []
    assert at(kube.read(path_of("default", "web")), "status", "observedGeneration") == -1
