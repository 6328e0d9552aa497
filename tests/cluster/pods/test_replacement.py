"""Pods go, and clients of the gateway notice nothing, or no more than what follows from how the pod went."""

import subprocess
import time

from devstack.handles.answers import at
from devstack.load import Load

from .installed import ECHO, Installed, wait_for_rollouts

RATE = 200.0
_ECHO_V1 = "app.kubernetes.io/name=echo,app.kubernetes.io/version=1"
# After a death without a word: the health check's interval (1 s), until APISIX has read it (its cache lives for 1 s),
# and as much again for a busy machine.
NOTICED = 4.0
# Answers that a killed process can have begun: at 200 requests/s of some milliseconds each there are one or two.
UNDER_WAY = 10


def test_rolling_restart_loses_nothing(settled: Installed) -> None:
    """Each pod leaves Consul, drains and stops while its successor is in."""
    before = set(settled.pods(ECHO, "app.kubernetes.io/name=echo"))
    with Load(settled.hello, RATE) as load:
        settled.kube.run("rollout", "restart", "deployment", f"--namespace={ECHO}")
        wait_for_rollouts(settled.kube, ECHO)
        settled.consul.wait_for_passing("echo", 2, timeout=30)
        time.sleep(NOTICED)
    assert not before & set(settled.pods(ECHO, "app.kubernetes.io/name=echo")), "every pod was replaced"
    assert load.outcomes == {"200": load.sent}
    assert load.sent > 0.9 * RATE * load.seconds, "the load was what it should be"


def test_forced_deletion_loses_only_what_was_under_way(settled: Installed) -> None:
    """The API forgets the pod at once; its process still gets SIGTERM, and leaves as ever while it may."""
    [pod] = settled.pods(ECHO, _ECHO_V1)
    with Load(settled.hello, RATE) as load:
        time.sleep(1)
        killed = time.monotonic()
        settled.kube.run("delete", "pod", pod, f"--namespace={ECHO}", "--force", "--grace-period=0")
        settled.consul.wait_for_passing("echo", 2, timeout=60)
        time.sleep(NOTICED)
    _explained(load, killed)


def test_kill_9_on_the_node_loses_only_what_was_under_way(settled: Installed) -> None:
    """No signal that a process could catch: until Consul's check has failed the gateway still knows the address."""
    [pod] = settled.kube.list_all("pods", ECHO, _ECHO_V1)
    container = str(at(pod, "status", "containerStatuses", 0, "containerID")).removeprefix("containerd://")
    restarts = at(pod, "status", "containerStatuses", 0, "restartCount")
    with Load(settled.hello, RATE) as load:
        time.sleep(1)
        killed = time.monotonic()
        command = ["ctr", "--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL", container]
        subprocess.run(command, check=True, timeout=20)
        time.sleep(NOTICED)
        settled.consul.wait_for_passing("echo", 2, timeout=60)
        time.sleep(NOTICED)
    [pod] = settled.kube.list_all("pods", ECHO, _ECHO_V1)
    assert at(pod, "status", "containerStatuses", 0, "restartCount") != restarts, "it was killed"
    _explained(load, killed)


def _explained(load: Load, killed: float) -> None:
    """Only requests in the moment of the death may fail, and only in the ways that follow from it."""
    failures = [(round(at - killed, 2), what) for at, what in load.failures]
    assert all(0 <= at <= NOTICED for at, _ in failures), f"failed before, or long after: {failures}"
    # An answer of which the beginning was on its way to the client already can only be cut off.
    cut = [at for at, what in failures if what == "ClientPayloadError"]
    assert all(at <= 1 for at in cut), f"only what was under way: {failures}"
    assert len(cut) <= UNDER_WAY, failures
    assert set(load.outcomes) <= {"200", "502", "503", "ClientPayloadError"}, load.outcomes
    assert len(failures) < 0.5 * RATE * NOTICED, f"{load.outcomes}: more than the dead one's share"
