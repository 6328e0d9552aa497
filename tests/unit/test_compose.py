"""compose.yaml as a file: its schema, pinned images, nothing published beyond loopback, least rights."""

import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from consul_init.settings import Settings

_ROOT = Path(__file__).parents[2]
_SCHEMA = _ROOT / "tests/compose/compose-spec.json"
_SCHEMA_SHA256 = "f266dcbb043229405d7cedd5aec918f9102c2b3d5e3850808fdd8edd564a43ff"
_OURS = {"operator": "operator", "echo-v1": "echo", "echo-v2": "echo"}


def _load(path: str) -> Any:
    return yaml.safe_load((_ROOT / path).read_text(encoding="utf-8"))


COMPOSE: dict[str, Any] = _load("compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    content = _SCHEMA.read_bytes()
    assert hashlib.sha256(content).hexdigest() == _SCHEMA_SHA256, "tests/compose/README.md says where it is from"
    schema = json.loads(content)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("file", ["compose.yaml", "tests/compose/override.yaml"])
def test_the_files_are_what_the_specification_says(validator: jsonschema.Draft202012Validator, file: str) -> None:
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(_load(file))] == []


def test_the_schema_refuses_what_is_no_compose_file(validator: jsonschema.Draft202012Validator) -> None:
    broken = {**COMPOSE, "services": {"consul": {**SERVICES["consul"], "port": ["8500:8500"]}}}
    assert "'port' was unexpected" in next(validator.iter_errors(broken)).message


def test_it_is_the_articles_set_up() -> None:
    assert set(SERVICES) == {"secrets", "etcd-auth", "consul", "etcd", "apisix", "operator", "echo-v1", "echo-v2"}


def test_everything_is_published_on_loopback_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert [port for port in published if not re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)] == []
    assert "127.0.0.1:9180:9180" in published


def test_images_are_pinned_and_the_same_as_in_the_manifests() -> None:
    manifests = "\n".join(path.read_text(encoding="utf-8") for path in (_ROOT / "manifests").rglob("*.yaml"))
    for name, service in SERVICES.items():
        image = service["image"]
        if name in _OURS:
            version = tomllib.loads((_ROOT / _OURS[name] / "pyproject.toml").read_text())["project"]["version"]
            assert re.fullmatch(rf"localhost/[a-z-]+:{re.escape(version)}", image), name
        else:
            assert f"image: {image}\n" in manifests, name


def test_scripts_run_on_the_python_that_our_images_are_made_of() -> None:
    dockerfile = (_ROOT / "operator/Dockerfile").read_text(encoding="utf-8")
    assert f"ARG PYTHON_IMAGE={SERVICES['etcd-auth']['image']}\n" in dockerfile, "one download, one version to raise"
    assert SERVICES["secrets"]["image"] == SERVICES["etcd-auth"]["image"]


def test_what_is_ours_has_no_rights_and_a_read_only_root() -> None:
    for name, folder in _OURS.items():
        service = SERVICES[name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "USER 65532:65532" in (_ROOT / folder / "Dockerfile").read_text(), name
        assert not {"user", "privileged", "cap_add", "devices"} & service.keys(), name


def test_a_service_has_the_time_that_it_takes_to_stop() -> None:
    """A hanging Consul and a slow request: less would end in SIGKILL."""
    for name in ("echo-v1", "echo-v2"):
        settings = Settings.from_env({"SERVICE_PORT": "8000", **SERVICES[name]["environment"]})
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > settings.stop_timeout, name


def test_no_image_is_built_twice() -> None:
    """Compose builds at the same time, and the second of two builds that export one image fails."""
    built = [service["image"] for service in SERVICES.values() if "build" in service]
    assert sorted(built) == sorted({SERVICES[name]["image"] for name in _OURS})


def test_secrets_are_made_and_stand_nowhere() -> None:
    """A variable that is required would keep a running stack from being looked at and stopped, once `.env` is gone."""
    text = (_ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert re.findall(r"(?<!\$)\$\{?\w+.*?\}", text) == ["${APISIX_ADMIN_KEY:-}", "${ECHOROUTE_CONFIRM_DELETION:-}"]
    mounts = {
        name: [each for each in service.get("volumes", ()) if "secrets" in each] for name, service in SERVICES.items()
    }
    holders = {name: mount for name, mount in mounts.items() if mount}
    read_only = ["secrets:/secrets:ro"]
    assert holders.pop("secrets") == ["secrets:/secrets"]
    assert holders == dict.fromkeys(("etcd-auth", "etcd", "apisix", "operator"), read_only)


def test_only_the_gateway_reaches_etcd() -> None:
    assert {name for name, service in SERVICES.items() if "store" in service.get("networks", ())} == {
        "etcd-auth",
        "etcd",
        "apisix",
    }
    assert SERVICES["etcd"]["networks"] == ["store"]


def test_data_are_kept_and_health_is_checked() -> None:
    assert "consul-data:/consul/data" in SERVICES["consul"]["volumes"]
    unchecked = {name for name, service in SERVICES.items() if "healthcheck" not in service}
    assert unchecked == {"secrets", "etcd-auth", "etcd", "echo-v1", "echo-v2"}, (
        "two end, one tells nobody, and Consul checks the others"
    )


def test_mounted_files_are_there() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", ()) if mount.startswith("./")]
    assert len(mounts) == 3
    for mount in mounts:
        source, _, options = mount.split(":")
        assert (_ROOT / source).exists(), mount
        assert options == "ro,z", mount
