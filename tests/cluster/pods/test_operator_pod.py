"""The operator goes and comes back: the gateway's clients and its objects do not notice."""

import time

from devstack.load import Load
from devstack.waiting import until

from .installed import OPERATOR, SYSTEM, Installed, wait_for_rollouts

RATE = 200.0
_ROUTE = """
apiVersion: echoroute.dev/v1alpha1
kind: EchoRoute
metadata: {name: watched}
spec:
  match: {paths: ["/watched"]}
  rewrite: {path: /hello}
  backends: [{service: echo}]
"""


def test_changes_arrive_by_the_watch(settled: Installed) -> None:
    """Long before the next round of lists, which comes every 30 s and would do the same in the end."""
    before = _log(settled)  # it may have started before the gateway, and said so
    for _ in range(2):
        settled.kube.apply(_ROUTE)
        settled.gateway.wait_for("/watched", 200, timeout=5)
        settled.kube.delete("echoroute", "watched")
        settled.gateway.wait_for("/watched", 404, timeout=5)
    assert "serves gateway class" in before, "a log that is one of the operator's"
    assert '"level": "ERROR"' not in _log(settled).removeprefix(before)


def _log(installed: Installed) -> str:
    return installed.kube.run("logs", "deployment/echoroute-operator", f"--namespace={SYSTEM}")


def test_its_pod_is_deleted_under_load(settled: Installed) -> None:
    """It is in nobody's way while it is gone, and finds nothing to write when it is back."""
    [pod] = settled.pods(SYSTEM, OPERATOR)
    objects = settled.gateway.list_all("routes")
    seen = settled.gateway.stats().seq
    with Load(settled.hello, RATE) as load:
        settled.kube.run("delete", "pod", pod, f"--namespace={SYSTEM}", timeout=60)
        wait_for_rollouts(settled.kube, SYSTEM)
        until(lambda: pod not in settled.pods(SYSTEM, OPERATOR))
        time.sleep(5)  # a ready operator has listed both sides once and compared them
    assert load.outcomes == {"200": load.sent}
    assert load.sent > 0.9 * RATE * load.seconds
    assert [write for write in settled.gateway.writes(seen) if write.seq > seen] == []
    assert settled.gateway.list_all("routes") == objects


def test_it_is_killed_and_mends_what_was_changed_meanwhile(settled: Installed) -> None:
    """What happened while nobody watched is put right by the lists of the new one's start."""
    [route] = [one for one in settled.gateway.list_all("routes") if one.get("name") == "echoRoute"]
    [pod] = settled.pods(SYSTEM, OPERATOR)
    settled.kube.run("delete", "pod", pod, f"--namespace={SYSTEM}", "--force", "--grace-period=0", timeout=60)
    settled.gateway.delete("routes", str(route["id"]))
    assert settled.gateway.request("/testecho/hello").status_code == 404
    wait_for_rollouts(settled.kube, SYSTEM)
    settled.gateway.wait_for("/testecho/hello", 200, timeout=40)
