"""What the manifests tell our programs is what these understand, and the numbers in them fit together."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from consul_init.settings import Settings as ConsulInitSettings
from devstack.paths import REPOSITORY
from echoroute.run.settings import Settings, variable
from pydantic import ValidationError

from .rendered import (
    FOLDERS,
    MANIFESTS,
    OVERLAYS,
    Manifest,
    containers,
    environment,
    name_of,
    of_kind,
    render,
    render_with,
    workloads,
)

_OURS = ("localhost/", "registry.example.com/")
_VERSION = tomllib.loads((REPOSITORY / "operator/pyproject.toml").read_text())["project"]["version"]


def _operator(objects: list[Manifest]) -> dict[str, str]:
    template = dict(workloads(objects))["Deployment/echoroute-operator"]
    [container] = containers(template)
    return environment(container, objects)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=name_of)
def test_the_operator_starts_with_the_settings_of_each_overlay(
    kubectl: Path, monkeypatch: pytest.MonkeyPatch, overlay: Path
) -> None:
    environ = _operator(render(kubectl, overlay))
    known = {variable(field) for field in Settings.model_fields}
    assert set(environ) <= known, "a name that the operator does not know would be ignored silently"
    for name in known:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    if environ.get("ECHOROUTE_OWNER_ID") == "CHANGE-ME":
        with pytest.raises(ValidationError, match="owner_id"):
            Settings()  # two teams that copy an id that works would delete each other's routes
        monkeypatch.setenv("ECHOROUTE_OWNER_ID", "5eed0fff")
    settings = Settings()
    assert settings.apisix_admin_key is None, "the key comes from a file, which can change without a restart"
    assert (settings.pod_name, settings.pod_namespace) == ("x", "x")
    assert settings.consul_http_ssl_verify


@pytest.mark.parametrize("overlay", OVERLAYS, ids=name_of)
def test_each_file_that_a_setting_names_is_mounted(kubectl: Path, overlay: Path) -> None:
    objects = render(kubectl, overlay)
    template = dict(workloads(objects))["Deployment/echoroute-operator"]
    [container] = containers(template)
    mounts = [str(each["mountPath"]) for each in container["volumeMounts"]]
    volumes = {each["name"] for each in template["spec"]["volumes"]}
    assert {each["name"] for each in container["volumeMounts"]} == volumes
    for name, value in environment(container, objects).items():
        if name.endswith(("_FILE", "CACERT")):
            assert str(Path(value).parent) in mounts, name


@pytest.mark.parametrize("overlay", OVERLAYS, ids=name_of)
def test_of_two_replicas_one_leads_and_one_at_a_time_may_be_taken_away(kubectl: Path, overlay: Path) -> None:
    objects = render(kubectl, overlay)
    [deployment] = [each for each in of_kind(objects, "Deployment") if each["metadata"]["name"] == "echoroute-operator"]
    spec = deployment["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert _operator(objects)["ECHOROUTE_LEADER_ELECTION"] == "true"
    [spread] = spec["template"]["spec"]["topologySpreadConstraints"]
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway", "a cluster of one node"
    [budget] = of_kind(objects, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1, "with minAvailable 1 a single replica would hold up each drain"
    labels = spec["template"]["metadata"]["labels"].items()
    for selector in (budget["spec"]["selector"], spread["labelSelector"]):
        assert selector["matchLabels"].items() <= labels


@pytest.mark.parametrize("overlay", OVERLAYS, ids=name_of)
def test_the_lease_is_a_right_in_the_operators_namespace_alone(kubectl: Path, overlay: Path) -> None:
    objects = render(kubectl, overlay)
    roles = [
        each
        for kind in ("ClusterRole", "Role")
        for each in of_kind(objects, kind)
        if any("leases" in rule["resources"] for rule in each["rules"])
    ]
    assert [(each["kind"], each["metadata"]["namespace"]) for each in roles] == [("Role", "echoroute-system")]
    assert roles[0]["rules"] == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "patch", "watch"]}
    ]


def test_only_some_namespaces_need_an_owner_id_and_no_cluster_wide_list(kubectl: Path) -> None:
    objects = render(kubectl, MANIFESTS / "overlays/namespaced")
    [role] = of_kind(objects, "ClusterRole")
    assert role["rules"] == [
        {
            "apiGroups": ["apiextensions.k8s.io"],
            "resources": ["customresourcedefinitions"],
            "resourceNames": ["echoroutes.echoroute.dev"],
            "verbs": ["get"],
        }
    ]
    served = set(_operator(objects)["ECHOROUTE_WATCH_NAMESPACES"].split(","))
    roles = {each["metadata"]["namespace"] for each in of_kind(objects, "Role")}
    assert roles == {*served, "echoroute-system"}


@pytest.mark.parametrize("overlay", OVERLAYS, ids=name_of)
def test_no_ids_where_the_cluster_assigns_them(kubectl: Path, tmp_path: Path, overlay: Path) -> None:
    found = dict(workloads(render_with(kubectl, overlay, "assigned-user", tmp_path)))
    assert "Deployment/echoroute-operator" in found
    for name, template in found.items():
        for context in (template["spec"], *containers(template)):
            assert not {"runAsUser", "runAsGroup", "fsGroup"} & context.get("securityContext", {}).keys(), name
        assert template["spec"]["securityContext"]["runAsNonRoot"], f"{name}: restricted wants it all the same"


@pytest.mark.parametrize("overlay", OVERLAYS, ids=name_of)
def test_whatever_runs_has_the_labels_that_kubernetes_recommends(kubectl: Path, overlay: Path) -> None:
    """By name, component and the whole that it belongs to; what is ours to release by version, too."""
    objects = render(kubectl, overlay)
    for each in of_kind(objects, "Deployment", "StatefulSet"):
        name = each["metadata"]["name"]
        wanted = {"name", "part-of", "component"} if each["metadata"]["namespace"] == "echoroute-system" else {"name"}
        if name == "echoroute-operator":
            wanted |= {"instance", "version", "managed-by"}
        for labels in (each["metadata"]["labels"], each["spec"]["template"]["metadata"]["labels"]):
            assert {f"app.kubernetes.io/{label}" for label in wanted} <= labels.keys(), name
        changing = {"app.kubernetes.io/version", "app.kubernetes.io/managed-by"} & each["spec"]["selector"][
            "matchLabels"
        ].keys()
        assert not changing or name.startswith("echo-v"), f"{name}: a selector cannot be changed by an upgrade"


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_images_are_pinned_and_ours_are_of_this_version(kubectl: Path, folder: Path) -> None:
    for name, template in workloads(render(kubectl, folder)):
        for container in containers(template):
            image, _, tag = str(container["image"]).rpartition(":")
            assert image.partition("/")[0].count(".") or image.startswith("localhost/"), f"{name}: names its registry"
            assert tag == _VERSION if image.startswith(_OURS) else re.match(r"v?\d+\.\d+\.\d+", tag), f"{name}: {tag}"


def _registered(kubectl: Path) -> list[tuple[str, Manifest, Manifest, ConsulInitSettings]]:
    """Each workload of the samples: name, pod template, the container that registers, and its settings."""
    found = []
    for folder in ("samples/echo-service", "samples/native-sidecar"):
        objects = render(kubectl, MANIFESTS / folder)
        for name, template in workloads(objects):
            for container in containers(template):
                environ = environment(container, objects)
                if file := environ.get("CONSUL_HTTP_TOKEN_FILE"):
                    mounts = [str(each["mountPath"]) for each in container["volumeMounts"]]
                    assert str(Path(file).parent) in mounts, f"{name}: {file}"
                    environ["CONSUL_HTTP_TOKEN_FILE"] = __file__  # one that is here
                settings = ConsulInitSettings.from_env(environ)
                if settings.enabled:
                    found.append((name, template, container, settings))
    return found


def test_the_samples_register_their_own_address_and_fit_the_drain_into_the_grace_period(kubectl: Path) -> None:
    found = _registered(kubectl)
    assert [name for name, *_ in found] == ["Deployment/echo-v1", "Deployment/echo-v2", "Deployment/echo-sidecar"]
    for name, template, _, settings in found:
        assert (settings.address, settings.address_variable) == ("10.0.0.7", "POD_IP"), name
        assert set(settings.meta) == {"pod", "pod-uid", "namespace", "node"}, name
        grace = template["spec"]["terminationGracePeriodSeconds"]
        assert isinstance(grace, int)
        assert settings.stop_timeout < grace, name
        assert not template["spec"]["enableServiceLinks"], f"{name}: a Service could set SERVICE_PORT"
        [main] = template["spec"]["containers"]
        assert [port["containerPort"] for port in main["ports"]] == [settings.port], name
    assert [settings.tags for *_, settings in found[:2]] == [("version:1",), ("version:2",)]


def test_the_main_container_outlasts_the_drain_of_its_sidecar(kubectl: Path) -> None:
    _, template, sidecar, settings = _registered(kubectl)[-1]
    [main] = template["spec"]["containers"]
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["lifecycle"]["preStop"]["exec"]["command"] == ["consul-init", "leave", "--wait"]
    sleep = main["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert isinstance(sleep, int)
    assert sleep >= settings.drain + 2


def test_apisix_is_told_of_what_the_development_overlay_has(kubectl: Path) -> None:
    objects = render(kubectl, MANIFESTS / "overlays/dev")
    text = (MANIFESTS / "components/apisix/config.yaml").read_text()
    config = yaml.safe_load(text)
    template = dict(workloads(objects))["Deployment/apisix"]
    [container] = [each for each in containers(template) if each["name"] == "apisix"]
    defaults = dict(re.findall(r"\$\{\{(\w+)(:=[^}]*)?\}\}", text.partition("\napisix:")[2]))
    needed = {name for name, default in defaults.items() if not default}
    assert needed <= set(environment(container, objects)) <= defaults.keys()
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert ports == {
        "http": config["apisix"]["node_listen"],
        "status": config["apisix"]["status"]["port"],
        "admin": config["deployment"]["admin"]["admin_listen"]["port"],
        "metrics": config["plugin_attr"]["prometheus"]["export_addr"]["port"],
    }
    services = {each["metadata"]["name"] for each in of_kind(objects, "Service")}
    assert config["deployment"]["etcd"]["host"] == ["http://etcd:2379"]
    assert config["discovery"]["consul"]["servers"] == ["${{CONSUL_SERVER:=http://consul:8500}}"]
    assert {"etcd", "consul"} <= services
