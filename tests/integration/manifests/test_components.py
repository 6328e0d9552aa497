"""Components for clusters that are unlike the usual one: what each changes, everywhere, and nothing beside."""

import re
from pathlib import Path
from typing import Any

import pytest

from .rendered import (
    MANIFESTS,
    OVERLAYS,
    SAMPLES,
    Manifest,
    containers,
    name_of,
    of_kind,
    render,
    render_with,
    workloads,
)

_ALL = [*OVERLAYS, *SAMPLES]
_IPV4 = re.compile(r"\b0\.0\.0\.0(?!/)")  # an address to listen on; with a prefix it is a network


def _said(container: Manifest) -> list[str]:
    """What a container is told: arguments and variables."""
    variables = [f"{each['name']}={each['value']}" for each in container.get("env", []) if "value" in each]
    return [*map(str, container.get("args", [])), *variables]


@pytest.mark.parametrize("folder", _ALL, ids=name_of)
def test_nothing_listens_on_ipv4_alone_where_pods_have_none(kubectl: Path, tmp_path: Path, folder: Path) -> None:
    for name, template in workloads(render_with(kubectl, folder, "ipv6", tmp_path)):
        for container in containers(template):
            assert [said for said in _said(container) if _IPV4.search(said)] == [], f"{name}: {container['name']}"


def test_apisix_listens_on_ipv6_for_requests_probes_admin_and_metrics(kubectl: Path, tmp_path: Path) -> None:
    objects = render_with(kubectl, MANIFESTS / "overlays/dev", "ipv6", tmp_path)
    [apisix] = [
        container
        for name, template in workloads(objects)
        for container in containers(template)
        if container["name"] == "apisix"
    ]
    assert {"APISIX_ENABLE_IPV6=true", "APISIX_LISTEN_ADDRESS=[::]"} <= set(_said(apisix))
    config = (MANIFESTS / "components/apisix/config.yaml").read_text()
    addresses = re.findall(r"^ *ip: (.*)$", config, re.MULTILINE)
    assert addresses == ['"${{APISIX_LISTEN_ADDRESS:=0.0.0.0}}"'] * 3, "quoted: [::] would be a list in YAML"


def test_ipv6_changes_addresses_and_nothing_else(kubectl: Path, tmp_path: Path) -> None:
    """Other arguments stay in their places, which the component's patches count."""
    folder = MANIFESTS / "overlays/dev"
    before, after = (
        dict(workloads(render(kubectl, folder))),
        dict(workloads(render_with(kubectl, folder, "ipv6", tmp_path))),
    )
    for name, template in before.items():
        pairs = zip(containers(template), containers(after[name]), strict=True)
        told = [
            [re.sub(r"0\.0\.0\.0|\[::\]|(?<==)::", "ANY", said) for said in _said(each)]
            for pair in pairs
            for each in pair
        ]
        for old, new in zip(told[::2], told[1::2], strict=True):
            assert [said for said in new if not said.startswith("APISIX_")] == old, name


@pytest.mark.parametrize("folder", OVERLAYS, ids=name_of)
def test_no_volume_has_to_be_found_where_there_is_no_storage_class(kubectl: Path, tmp_path: Path, folder: Path) -> None:
    objects = render_with(kubectl, folder, "ephemeral", tmp_path)
    assert [each for each in of_kind(objects, "StatefulSet") if each["spec"].get("volumeClaimTemplates")] == []
    for name, template in workloads(objects):
        volumes: dict[str, Any] = {each["name"]: each for each in template["spec"]["volumes"]}
        mounted = {mount["name"] for each in containers(template) for mount in each.get("volumeMounts", [])}
        assert mounted == volumes.keys(), name
        assert name not in ("StatefulSet/etcd", "StatefulSet/consul") or volumes["data"] == {
            "name": "data",
            "emptyDir": {},
        }
