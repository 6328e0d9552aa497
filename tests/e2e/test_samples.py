"""The samples of conditions, applied as they are: who is let in, and who is not."""

import pytest
from devstack.echoroutes import condition
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.paths import REPOSITORY
from devstack.waiting import until

from ..contract.backends import backends

pytestmark = pytest.mark.usefixtures("operator")

Headers = dict[str, str]

# Sample, EchoRoute; requests that it takes; requests that it does not.
_SAMPLES: dict[str, tuple[str, list[tuple[str, Headers]], list[tuple[str, Headers]]]] = {
    "match-headers.yaml": (
        "shop-next",
        [("/shop/a", {"X-Version": "next"}), ("/shop/a", {"x_version": "beta", "User-Agent": "curl/8"})],
        [("/shop/a", {}), ("/shop/a", {"X-Version": "next", "User-Agent": "GoogleBot/2.1"})],
    ),
    "match-queries.yaml": (
        "api-v2",
        [("/api?version=2&trace", {}), ("/api?trace=1&version=2", {})],
        [("/api?version=2", {}), ("/api?version=1&version=2&trace", {})],
    ),
    "match-cookies.yaml": (
        "beta",
        [("/beta/a", {"Cookie": "beta=on"}), ("/beta/a", {"Cookie": "a=b; beta="})],
        [("/beta/a", {}), ("/beta/a", {"Cookie": "beta=off"})],
    ),
    "match-remote-addrs.yaml": (
        "admin-page",
        [("/admin/a", {"X-Real-IP": "192.0.2.9"}), ("/admin/a", {"X-Real-IP": "2001:db8:1::1"})],
        [("/admin/a", {}), ("/admin/a", {"X-Real-IP": "198.51.100.1"})],
    ),
    "match-vars.yaml": (
        "preview",
        [("/preview?preview=1", {}), ("/preview", {"X-Preview": "YES"})],
        [("/preview?preview=2", {}), ("/preview", {"X-Preview": "yes, please"})],
    ),
}


def test_each_sample_of_a_condition_is_shown() -> None:
    assert {path.name for path in (REPOSITORY / "manifests/samples").glob("match-*.yaml")} == set(_SAMPLES)


@pytest.mark.parametrize("sample", _SAMPLES)
def test_a_sample_takes_what_it_says(
    sample: str, kube: Kube, namespace: str, gateway: GatewayApi, consul: ConsulApi
) -> None:
    name, taken, refused = _SAMPLES[sample]
    kube.apply(REPOSITORY / "manifests/samples" / sample, namespace=namespace)
    with backends() as nodes:
        consul.register(name, port=int(nodes.addresses["inst1"].rpartition(":")[2]))
        until(lambda: condition(kube, namespace, name, "Ready").status == "True", f"{name} is ready")
        for path, headers in taken:
            answer = gateway.request(path, headers=headers)
            assert (answer.status_code, answer.json()["path"]) == (200, path)
        for path, headers in refused:
            assert gateway.request(path, headers=headers).status_code == 404
    kube.run("delete", "er", name, "-n", namespace)
