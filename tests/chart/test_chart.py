"""The chart is the same as the overlays, object by object: two ways to install, one truth."""

import re
import tarfile
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import yaml

from .helm import CHART, MANIFESTS, NAMESPACE, Helm, Manifest, Objects

Kustomize = Callable[..., Objects]
_TEAMS = ["team-a", "team-b"]
_OWNER = "5eed0fff"


def _without_labels(manifest: Manifest) -> Manifest:
    found = deepcopy(manifest)
    found["metadata"].pop("labels", None)
    return found


def assert_same(chart: Objects, overlay: Objects) -> None:
    """All but labels is equal; the chart has the labels of the overlay, and perhaps more of the recommended ones."""
    assert chart.keys() == overlay.keys()
    for key, expected in overlay.items():
        assert _without_labels(chart[key]) == _without_labels(expected), key
        labels, wanted = (each["metadata"].get("labels", {}) for each in (chart[key], expected))
        if expected["kind"] == "CustomResourceDefinition":
            continue  # Helm takes what is in crds/ as it is
        assert wanted.items() <= labels.items(), key
        assert {name.partition("/")[0] for name in labels.keys() - wanted.keys()} <= {"app.kubernetes.io"}, key


def test_helm_finds_no_fault(helm: Helm) -> None:
    said = helm.run("lint", "--strict", "--kube-version", "1.31.0", CHART)
    assert "0 chart(s) failed" in said
    assert "[WARNING]" not in said


def test_the_defaults_are_the_production_overlay(helm: Helm, kustomize: Kustomize) -> None:
    assert_same(helm.render(), kustomize("production"))


def test_with_namespaces_it_is_the_namespaced_overlay(helm: Helm, kustomize: Kustomize) -> None:
    overlay = kustomize("namespaced")
    settings = overlay[f"ConfigMap {NAMESPACE}/echoroute-operator"]["data"]
    settings["ECHOROUTE_OWNER_ID"] = _OWNER  # which is to be chosen: the overlay has one that the operator refuses
    assert_same(helm.render({"watchNamespaces": _TEAMS, "ownerId": _OWNER}), overlay)


def test_without_ids_it_is_the_overlay_with_the_component_for_openshift(helm: Helm, kustomize: Kustomize) -> None:
    assert_same(helm.render({"fixedUser": False}), kustomize("production", "assigned-user"))


def test_monitoring_is_the_component(helm: Helm, kustomize: Kustomize) -> None:
    on = {name: {"enabled": True} for name in ("serviceMonitor", "rules", "dashboard")}
    assert_same(helm.render({"monitoring": on}), kustomize("production", "monitoring"))


def _pod(found: Objects) -> dict[str, Any]:
    spec: dict[str, Any] = found[f"Deployment {NAMESPACE}/echoroute-operator"]["spec"]["template"]["spec"]
    return spec


def test_what_a_cluster_has_not_got_is_not_asked_for(helm: Helm) -> None:
    """No Consul, no token, no authorities of one's own, no egress policy: nothing of them is left anywhere."""
    none = {"name": "", "key": "x"}
    found = helm.render(
        {
            "apisix": {"adminUrl": "http://apisix-admin:9180", "ca": none},
            "consul": {"address": "", "tokenSecret": none, "ca": none},
            "networkPolicy": {"egress": {"enabled": False}},
        }
    )
    spec = _pod(found)
    assert [volume["name"] for volume in spec["volumes"]] == ["apisix-admin-key"]
    assert len(spec["containers"][0]["volumeMounts"]) == 1
    settings = found[f"ConfigMap {NAMESPACE}/echoroute-operator"]["data"]
    assert not [name for name in settings if name.startswith("CONSUL_") or name.endswith("CA_FILE")]
    assert f"NetworkPolicy {NAMESPACE}/echoroute-operator-egress" not in found


def test_two_authorities_from_two_places(helm: Helm) -> None:
    found = helm.render({"consul": {"ca": {"name": "consul-ca", "key": "ca.pem"}}})
    [volume] = [each for each in _pod(found)["volumes"] if each["name"] == "ca"]
    names = [source["configMap"]["name"] for source in volume["projected"]["sources"]]
    assert names == ["consul-ca", "echoroute-ca"]
    settings = found[f"ConfigMap {NAMESPACE}/echoroute-operator"]["data"]
    assert (settings["CONSUL_CACERT"], settings["ECHOROUTE_APISIX_CA_FILE"]) == (
        "/etc/echoroute/ca/ca.pem",
        "/etc/echoroute/ca/apisix.crt",
    )


def test_settings_add_and_change(helm: Helm) -> None:
    more = {"ECHOROUTE_DRIFT_INTERVAL": "1m", "ECHOROUTE_LOG_FORMAT": "human", "ECHOROUTE_APISIX_CONCURRENCY": 4}
    settings = helm.render({"settings": more})[f"ConfigMap {NAMESPACE}/echoroute-operator"]["data"]
    assert {name: settings[name] for name in more} == {name: str(value) for name, value in more.items()}


def test_another_setting_is_another_pod(helm: Helm) -> None:
    """The operator reads its settings once; Secrets and certificates it reads again by itself."""

    def annotation(values: dict[str, Any]) -> str:
        text = helm.template(values).stdout
        [found] = re.findall(r"checksum/settings: (\w{64})$", text, re.MULTILINE)
        return str(found)

    assert annotation({}) == annotation({"resources": {}})
    assert annotation({}) != annotation({"settings": {"ECHOROUTE_LOG_LEVEL": "debug"}})


@pytest.mark.parametrize(
    ("values", "said", "why"),
    [
        ({"apisix": {"adminURL": "http://x"}}, "adminURL", "a misspelt name would be ignored"),
        ({"apisix": {"adminUrl": "apisix-admin:9180"}}, "adminUrl", "an address without a scheme"),
        ({"ownerId": "team-a"}, "ownerId", "no 8 hex digits"),
        ({"ownerId": 12345678}, "ownerId", "a number in YAML, where it was not quoted"),
        ({"watchNamespaces": ["team-*"]}, "watchNamespaces", "a pattern, which nobody expands"),
        ({"watchNamespaces": "team-a"}, "watchNamespaces", "no list"),
        ({"watchNamespaces": ["team-a"]}, "ownerId must be set beside watchNamespaces", "its default is cluster-wide"),
        ({"settings": {"DRIFT_INTERVAL": "1m"}}, "DRIFT_INTERVAL", "no setting's name"),
        ({"settings": {"ECHOROUTE_APISIX_ADMIN_KEY": "k"}}, "settings", "a key in a ConfigMap, for all to read"),
        ({"networkPolicy": {"egress": {"apisix": [0]}}}, "apisix", "no port"),
        ({"image": {"repository": ""}}, "repository", "no image"),
        ({"replicas": 0}, "replicas", "nobody would write: to stop it is no release"),
    ],
)
def test_values_that_are_refused(helm: Helm, values: dict[str, Any], said: str, why: str) -> None:
    done = helm.template(values)
    assert done.returncode != 0, why
    assert said in done.stderr, why


def test_every_default_is_in_the_schema_and_told(helm: Helm) -> None:
    """`additionalProperties: false` refuses the defaults themselves where one is not."""
    assert helm.template(yaml.safe_load((CHART / "values.yaml").read_text())).returncode == 0


@pytest.mark.parametrize(("values", "warns"), [({}, True), ({"apisix": {"adminUrl": "https://a.test"}}, True)])
def test_notes_name_what_has_to_be_there(helm: Helm, values: dict[str, Any], warns: bool) -> None:
    notes = _notes(helm, values)
    for name in ("apisix-admin-key", "echoroute-consul-token", "echoroute-ca", "helm show crds"):
        assert name in notes
    assert ("WARNING" in notes) is warns, "the image and Consul are examples, too"


def test_notes_do_not_warn_of_addresses_that_are_ones_own(helm: Helm) -> None:
    ours = {
        "image": {"repository": "ghcr.io/us/operator"},
        "apisix": {"adminUrl": "http://a:9180"},
        "consul": {"address": "http://c:8500"},
    }
    assert "WARNING" not in _notes(helm, ours)


def _notes(helm: Helm, values: dict[str, Any]) -> str:
    """Helm shows them where it would install; `template` leaves them out."""
    file = helm.home / "notes.yaml"
    file.write_text(yaml.safe_dump(values))
    common = ("--namespace", NAMESPACE, "--dry-run=client", "--values", file, "--kubeconfig", "/dev/null")
    said = helm.run("install", "echoroute", CHART, *common)
    return said.partition("NOTES:")[2]


def test_a_package_has_files_and_no_links(helm: Helm) -> None:
    """CRD, rules and dashboard are links here, to the one place where each stands."""
    helm.run("package", CHART, "--destination", helm.home)
    [package] = helm.home.glob("*.tgz")
    with tarfile.open(package) as archive:
        members = {member.name.partition("/")[2]: member for member in archive}
        assert all(member.isreg() for member in members.values())
        for name, source in {
            "crds/echoroutes.echoroute.dev.yaml": MANIFESTS.parent / "crds/echoroutes.echoroute.dev.yaml",
            "files/rules.yaml": MANIFESTS / "components/monitoring/rules.yaml",
            "files/dashboard.json": MANIFESTS / "components/monitoring/dashboard.json",
        }.items():
            content = archive.extractfile(members[name])
            assert content is not None
            assert content.read() == source.read_bytes(), name
