"""The Kubernetes API is away, has no CRD, or refuses a right: told once, waited for, nothing deleted, mended."""

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from devstack.echoroutes import condition, create, delete, programmed, route
from devstack.handles.answers import accepted, at
from devstack.product import Operator, install
from devstack.stack import Stack
from devstack.waiting import until
from echoroute.core.objects import Key
from echoroute.core.ownership import labels, owner_id, route_id

Start = Callable[..., Operator]
Revoke = Callable[[str, str], None]

_ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/echoroute-operator"


@pytest.fixture
def revoke(breakable_stack: Stack) -> Iterator[Revoke]:
    """Takes a verb on a resource from the operator; `revoke("", "")`, or the end of the test, gives it back."""
    http = breakable_stack.kube.http
    whole = accepted(http.get(_ROLE)).json()
    del whole["metadata"]["resourceVersion"]

    def revoke(resource: str, verb: str) -> None:
        role = copy.deepcopy(whole)
        for rule in role["rules"]:
            if resource in rule["resources"]:
                rule["verbs"] = [one for one in rule["verbs"] if one != verb] or ["none"]
        accepted(http.put(_ROLE, json=role))

    yield revoke
    revoke("", "")


def _make_orphan(stack: Stack) -> str:
    """Put a route into the gateway that belongs to an EchoRoute which there is not; returns its id."""
    uid = str(at(stack.kube.read("/api/v1/namespaces/kube-system"), "metadata", "uid"))
    owner, key = owner_id(uid, "apisix"), Key("default", "orphan")
    upstream = {"type": "roundrobin", "nodes": {"127.0.0.1:9": 1}}
    body = {"uri": "/orphan", "upstream": upstream, "labels": labels(owner, key)}
    stack.gateway.api.put("routes", route_id(owner, key), body)
    return route_id(owner, key)


class Right(NamedTuple):
    """A right, the check of `/readyz?verbose` and the metric that tell of its want, and what cannot go on."""

    resource: str
    verb: str
    check: str
    metric: str
    writes: bool = True
    """Whether new EchoRoutes are programmed without it."""
    deletes: bool = True
    """Whether orphans are collected without it."""


_RIGHTS = [
    Right("namespaces", "get", "kubernetes", 'echoroute_source_up{what="identity"}', writes=False, deletes=False),
    Right("echoroutes", "list", "kubernetes", 'echoroute_source_up{what="list"}', writes=False, deletes=False),
    Right("echoroutes", "watch", "watch", "echoroute_watch_up"),
    Right("echoroutes/status", "patch", "statuses", 'echoroute_source_up{what="status"}'),
    Right("customresourcedefinitions", "get", "deletions", 'echoroute_source_up{what="origin"}', deletes=False),
    Right("events", "create", "kubernetes", 'echoroute_source_up{what="events"}'),
]


@pytest.mark.parametrize("right", _RIGHTS, ids=[f"{right.verb} {right.resource}" for right in _RIGHTS])
def test_a_missing_right(breakable_stack: Stack, start: Start, revoke: Revoke, right: Right) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    orphan = _make_orphan(breakable_stack)
    create(kube, [route(f"r{number}", "default", f"/r{number}") for number in range(5)])
    revoke(right.resource, right.verb)
    operator = start(wait=False)
    until(operator.answers)
    told = f'cannot {right.verb} resource "{right.resource}"'
    until(lambda: told in operator.check(right.check))
    assert operator.check(right.check).startswith(f"[-]{right.check}: ")
    assert operator.metric(right.metric) == 0
    if right.writes:
        until(lambda: len(_routes(breakable_stack)) == 5)
    if right.deletes:
        until(lambda: gateway.get("routes", orphan) is None)
    else:
        assert gateway.get("routes", orphan) is not None

    revoke("", "")
    create(kube, [route("late", "default", "/late")])
    until(lambda: operator.check(right.check) == f"[+]{right.check}", timeout=60)
    assert operator.metric(right.metric) == 1
    until(lambda: len(_routes(breakable_stack)) == 6)
    until(lambda: gateway.get("routes", orphan) is None)
    until(lambda: condition(kube, "default", "r0", "Programmed").status == "True")
    assert len(operator.said("ERROR")) == 1, operator.said("ERROR")
    assert "Traceback" not in operator.process.output()


def _routes(stack: Stack) -> list[str]:
    """The paths of the routes that belong to EchoRoutes which there are."""
    return sorted(str(one["uri"]) for one in programmed(stack.gateway.api, "default") if one["uri"] != "/orphan")


def test_the_api_server_is_away_at_the_start(breakable_stack: Stack, start: Start) -> None:
    create(breakable_stack.kube, [route("web", "default", "/web")])
    operator = start(wait=False)  # its account's token comes from the API server
    operator.process.kill()
    breakable_stack.gateway.api.wipe()
    orphan = _make_orphan(breakable_stack)
    breakable_stack.apiserver.kill()
    operator.process.spawn()
    until(operator.answers)
    until(lambda: operator.check("kubernetes").startswith("[-]kubernetes: the Kubernetes API does not answer"))
    assert not operator.ready()
    breakable_stack.apiserver.start()
    until(operator.ready)
    until(lambda: _routes(breakable_stack) == ["/web"])
    until(lambda: breakable_stack.gateway.api.get("routes", orphan) is None)
    assert len([line for line in operator.said("ERROR") if "does not answer" in line]) == 1, operator.said("ERROR")


def test_the_api_server_restarts(breakable_stack: Stack, start: Start) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route(f"r{number}", "default", f"/r{number}") for number in range(3)])
    operator = start()
    until(lambda: condition(kube, "default", "r0", "Programmed").status == "True")
    until(lambda: operator.check("watch") == "[+]watch")
    gateway.reset_stats()
    breakable_stack.apiserver.kill()
    until(lambda: operator.check("kubernetes").startswith("[-]kubernetes: the Kubernetes API does not answer"))
    until(lambda: operator.metric('echoroute_source_up{what="list"}') == 0)
    assert operator.ready(), "it has listed once, and what it serves goes on"
    breakable_stack.apiserver.start()
    until(lambda: operator.check("kubernetes") == "[+]kubernetes")
    create(kube, [route("new", "default", "/new")])
    delete(kube, "default", "r0")
    until(lambda: _routes(breakable_stack) == ["/new", "/r1", "/r2"])
    until(lambda: operator.check("watch") == "[+]watch", timeout=60)
    assert sorted(write.method for write in gateway.writes()) == ["DELETE", "PUT"], "what was programmed was let be"
    said = operator.said("ERROR")
    assert len([line for line in said if "does not answer" in line]) == 1, said
    assert len([line for line in said if "the watch of EchoRoutes ended" in line]) <= 1, said
    assert "Traceback" not in operator.process.output()


def test_a_cluster_that_is_restored_from_a_backup(breakable_stack: Stack, start: Start, tmp_path: Path) -> None:
    """Its versions go back: what the operator knows by newer ones must not hide what is true now."""
    kube, etcd, apiserver = breakable_stack.kube, breakable_stack.etcd, breakable_stack.apiserver
    create(kube, [route(name, "default", f"/{name}") for name in ("kept", "changed")])
    apiserver.stop()
    etcd.stop()
    shutil.copytree(etcd.data, tmp_path / "backup")
    etcd.start()
    apiserver.start()
    kube.apply(route("changed", "default", "/changed-later"))
    create(kube, [route(f"later-{number}", "default", f"/later/{number}") for number in range(20)])
    operator = start()
    until(lambda: len(_routes(breakable_stack)) == 22)
    until(lambda: operator.check("statuses") == "[+]statuses")
    until(lambda: condition(kube, "default", "later-19", "Programmed").status == "True")

    apiserver.stop()
    etcd.stop()
    etcd.wipe()
    shutil.copytree(tmp_path / "backup", etcd.data)
    etcd.start()
    apiserver.start()
    create(kube, [route("new", "default", "/new")])
    until(lambda: {"/changed", "/kept", "/new"} <= set(_routes(breakable_stack)), timeout=90)
    until(lambda: condition(kube, "default", "changed", "Programmed").status == "True")
    until(lambda: "ECHOROUTE_CONFIRM_DELETION=" in operator.check("deletions"), timeout=60)
    assert len(_routes(breakable_stack)) == 23, "what the backup does not have stays until a person has decided"
    until(lambda: operator.check("watch") == "[+]watch", timeout=90)


def test_the_crd_is_missing_at_the_start_and_deleted_later(breakable_stack: Stack, start: Start) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    manifests = [route(f"r{number}", "default", f"/r{number}") for number in range(3)]
    paths = ["/r0", "/r1", "/r2"]
    try:
        kube.delete("crd", "echoroutes.echoroute.dev")
        operator = start(wait=False)
        until(operator.answers)
        until(lambda: operator.check("kubernetes").startswith("[-]kubernetes: the EchoRoute CRD is not installed"))
        assert not operator.ready()
        install(breakable_stack)
        until(operator.ready)
        create(kube, manifests)
        until(lambda: _routes(breakable_stack) == paths)
        until(lambda: condition(kube, "default", "r0", "Programmed").status == "True")
        until(lambda: operator.check("watch") == "[+]watch")
        assert len(operator.said("ERROR")) == 1, operator.said("ERROR")

        gateway.reset_stats()
        kube.delete("crd", "echoroutes.echoroute.dev")
        until(lambda: operator.check("kubernetes").startswith("[-]kubernetes: the EchoRoute CRD is not installed"))
        tries = operator.metric("echoroute_rounds_total")
        until(lambda: operator.metric("echoroute_rounds_total") >= tries + 3)
        assert _routes(breakable_stack) == paths, "Kubernetes deleted all EchoRoutes, and nobody asked for that"
        assert operator.ready()

        install(breakable_stack)
        create(kube, manifests[:2])
        until(lambda: condition(kube, "default", "r0", "Programmed").status == "True")
        assert operator.check("kubernetes") == "[+]kubernetes"
        until(lambda: "ECHOROUTE_CONFIRM_DELETION=" in operator.check("deletions"))
        assert operator.metric("echoroute_orphans") >= 1  # as many as were missing when the brake engaged
        assert _routes(breakable_stack) == paths
        assert gateway.stats().writes == 0, "the same EchoRoutes need no write; what is missing may come yet"
        create(kube, manifests[2:])
        until(lambda: operator.check("deletions") == "[+]deletions")
        assert gateway.stats().writes == 0
        delete(kube, "default", "r0")
        until(lambda: _routes(breakable_stack) == ["/r1", "/r2"])
        assert "Traceback" not in operator.process.output()
    finally:
        install(breakable_stack)
