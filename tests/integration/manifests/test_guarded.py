"""Whatever we ship of APISIX, etcd and Consul guards itself: a route leads wherever the gateway can go.

Each test looks for all things of its kind: a new overlay, component or configuration is judged without a change here.
"""

import ipaddress
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from devstack.paths import REPOSITORY

from .rendered import FOLDERS, MANIFESTS, OVERLAYS, Manifest, containers, environment, of_kind, render, workloads

_TEST_OVERLAYS = [REPOSITORY / "tests/cluster/overlay", REPOSITORY / "tests/tilt/overlay"]
_ALL = [*FOLDERS, *_TEST_OVERLAYS]
# Loopback, link-local, unspecified and multicast.
_FORBIDDEN = ["127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10", "0.0.0.0/8", "::/128", "224.0.0.0/4", "ff00::/8"]
# In a command line; a path names a file, and `jwt` is a kind of token.
_VALUE = re.compile(r"(password|token|secret|key)=(?!/|jwt,)\S", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\{\{\w+\}\}")


def _id(folder: Path) -> str:
    return str(folder.relative_to(REPOSITORY))


def _tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    # Templates are no YAML yet; what they become is compared with the overlays by tests/chart.
    names = [name for name in listed.stdout.splitlines() if "/chart/templates/" not in name]
    return [REPOSITORY / name for name in names if (REPOSITORY / name).exists()]


def _configs_in(value: Any) -> Iterator[dict[str, Any]]:
    """APISIX's configurations in a YAML document, those in a string (of a ConfigMap) too."""
    if isinstance(value, dict):
        if isinstance(value.get("deployment"), dict) and {"role", "admin", "etcd"} & value["deployment"].keys():
            yield value
        for each in value.values():
            yield from _configs_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _configs_in(each)
    elif isinstance(value, str) and re.search(r"^deployment:", value, re.MULTILINE):
        yield from _configs_in(yaml.safe_load(value))


def _apisix_configs() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path in _tracked("*.yaml", "*.yml", "*.md"):
        text = path.read_text(encoding="utf-8")
        if "deployment:" not in text:
            continue
        documents = (
            re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE) if path.suffix == ".md" else [text]
        )
        for document in documents:
            for part in yaml.safe_load_all(document):
                found += [(_id(path), config) for config in _configs_in(part)]
    return found


_CONFIGS = _apisix_configs()


def test_the_search_finds_what_we_ship() -> None:
    assert "manifests/components/apisix/config.yaml" in {where for where, _ in _CONFIGS}
    inside = {"data": {"config.yaml": "apisix: {}\ndeployment:\n  role: traditional\n"}}
    assert len(list(_configs_in([inside]))) == 1


@pytest.mark.parametrize(("where", "config"), _CONFIGS, ids=[where for where, _ in _CONFIGS])
def test_apisix_has_no_control_api_and_shows_etcd_a_password(where: str, config: dict[str, Any]) -> None:
    assert config["apisix"]["enable_control"] is False, where
    etcd = config["deployment"]["etcd"]
    assert etcd["user"], where
    secrets = [etcd["password"], *(each["key"] for each in config["deployment"]["admin"]["admin_key"])]
    assert all(_REFERENCE.fullmatch(secret) for secret in secrets), f"{where}: by reference, never a value"
    assert config["deployment"]["admin"].get("admin_key_required", True), where
    assert not config["deployment"]["admin"]["enable_admin_cors"], where


def _programs(kubectl: Path, name: str, folders: list[Path]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Each container whose image is called `name`, with its pod."""
    for folder in folders:
        for workload, template in workloads(render(kubectl, folder)):
            for container in containers(template):
                if str(container["image"]).rpartition(":")[0].rpartition("/")[2] == name:
                    yield f"{_id(folder)} {workload}", template, container


def test_each_apisix_runs_with_such_a_configuration(kubectl: Path) -> None:
    found = list(_programs(kubectl, "apisix", FOLDERS))
    assert found
    for where, template, container in found:
        mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
        volumes = {each["name"]: each for each in template["spec"]["volumes"]}
        assert "configMap" in volumes[mounts["/usr/local/apisix/conf/config.yaml"]], where


def test_each_etcd_has_authentication_switched_on_beside_it(kubectl: Path) -> None:
    found = list(_programs(kubectl, "etcd", _ALL))
    assert {where.partition(" ")[0] for where, *_ in found} >= {"manifests/overlays/dev", "tests/cluster/overlay"}
    for where, template, etcd in found:
        [beside] = [each for each in template["spec"]["containers"] if each is not etcd]
        assert [word.rpartition("/")[2] for word in beside["command"]] == ["python3", "etcd_auth.py", "keep"], where
        assert beside["startupProbe"]["exec"]["command"][-1] == "wait", f"{where}: ready means that it is on"
        [port] = [each["containerPort"] for each in etcd["ports"] if each["name"] == "client"]
        assert environment(beside, [])["ETCD_URL"] == f"http://127.0.0.1:{port}", where


def test_each_consul_denies_by_default_and_gets_its_tokens(kubectl: Path) -> None:
    found = list(_programs(kubectl, "consul", _ALL))
    assert {where.partition(" ")[0] for where, *_ in found} >= {"manifests/overlays/dev", "tests/cluster/overlay"}
    for where, template, consul in found:
        settings = "\n".join(consul["args"])
        assert re.search(r'acl \{[^}]*enabled = true[^}]*default_policy = "deny"', settings), where
        assert "-dev" not in consul["args"], where
        assert "ports { dns = -1, grpc_tls = -1 }" in settings, f"{where}: HTTP alone"
        [beside] = [each for each in template["spec"]["containers"] if each is not consul]
        assert [word.rpartition("/")[2] for word in beside["command"]] == ["python3", "consul_acl.py", "keep"], where
        assert beside["startupProbe"]["exec"]["command"][-1] == "wait", where


@pytest.mark.parametrize("folder", [*OVERLAYS, *_TEST_OVERLAYS], ids=_id)
def test_whoever_talks_to_consul_shows_a_token(kubectl: Path, folder: Path) -> None:
    objects = render(kubectl, folder)
    talking = 0
    for name, template in workloads(objects):
        for container in containers(template):
            environ = environment(container, objects)
            if "CONSUL_HTTP_ADDR" in environ:
                assert "CONSUL_HTTP_TOKEN_FILE" in environ, f"{name}: {container['name']}"
                talking += 1
    assert talking


@pytest.mark.parametrize("folder", [*OVERLAYS, *_TEST_OVERLAYS], ids=_id)
def test_each_operator_forbids_addresses_of_the_gateways_own(kubectl: Path, folder: Path) -> None:
    objects = render(kubectl, folder)
    [operator] = containers(dict(workloads(objects))["Deployment/echoroute-operator"])
    _require_forbidden(environment(operator, objects)["ECHOROUTE_FORBIDDEN_ADDRESSES"])


def test_compose_forbids_them_too() -> None:
    compose = yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))
    _require_forbidden(compose["services"]["operator"]["environment"]["ECHOROUTE_FORBIDDEN_ADDRESSES"])


def _require_forbidden(setting: str) -> None:
    networks = {ipaddress.ip_network(each) for each in setting.split(",")}
    assert networks >= {ipaddress.ip_network(each) for each in _FORBIDDEN}


def test_compose_guards_them_as_well() -> None:
    text = (REPOSITORY / "compose.yaml").read_text(encoding="utf-8")
    services = yaml.safe_load(text)["services"]
    assert (
        "./manifests/components/apisix/config.yaml:/usr/local/apisix/conf/config.yaml:ro,z"
        in services["apisix"]["volumes"]
    )
    assert services["etcd-auth"]["command"] == ["python3", "/etcd_auth.py", "enable"]
    head = re.sub(r"\n# ?", " ", text.partition("\nname:")[0])
    assert "For one person's machine: Consul has no ACLs here" in head, "simpler than production, and says so"


@pytest.mark.parametrize("folder", _ALL, ids=_id)
def test_no_secret_is_a_value(kubectl: Path, folder: Path) -> None:
    """Neither in an environment nor on a command line, where `kubectl describe` shows it."""
    for name, template in workloads(render(kubectl, folder)):
        for container in containers(template):
            for variable in container.get("env", []):
                if re.search(r"(TOKEN|PASSWORD|KEY|SECRET)$", variable["name"]):
                    assert "secretKeyRef" in variable["valueFrom"], f"{name}: {variable['name']}"
            words = [*container.get("command", []), *container.get("args", [])]
            assert not [word for word in words if _VALUE.search(word)], name


def test_secrets_are_generated_from_files_that_git_ignores() -> None:
    generators = 0
    for path in _tracked("*.yaml", "*.yml"):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if not isinstance(document, dict):
                continue
            assert document.get("kind") != "Secret", f"{path}: no Secret stands in the tree"
            for generator in document.get("secretGenerator", ()):
                generators += 1
                assert generator.keys() <= {"name", "namespace", "files", "options"}, f"{path}: files alone"
                files = [str(path.parent / each.partition("=")[2]) for each in generator["files"]]
                ignored = subprocess.run(
                    ["git", "check-ignore", *files], cwd=REPOSITORY, capture_output=True, text=True, check=False
                )
                assert ignored.stdout.splitlines() == files, path
    assert generators


def _selected(policy: Manifest, template: Manifest) -> bool:
    wanted = policy["spec"]["podSelector"].get("matchLabels", {})
    return bool(wanted.items() <= template["metadata"]["labels"].items())


@pytest.mark.parametrize("folder", [*OVERLAYS, *_TEST_OVERLAYS], ids=_id)
def test_only_requests_come_in_from_everywhere(kubectl: Path, folder: Path) -> None:
    objects = render(kubectl, folder)
    assert {each["spec"].get("type", "ClusterIP") for each in of_kind(objects, "Service")} == {"ClusterIP"}
    for each in of_kind(objects, "Deployment", "StatefulSet"):
        if each["metadata"]["namespace"] != "echoroute-system":
            continue
        policies = [
            policy for policy in of_kind(objects, "NetworkPolicy") if _selected(policy, each["spec"]["template"])
        ]
        assert any("Ingress" in policy["spec"]["policyTypes"] for policy in policies), each["metadata"]["name"]
        for rule in (rule for policy in policies for rule in policy["spec"].get("ingress", [])):
            public = [port["port"] for port in rule["ports"]] if "from" not in rule else []
            assert public in ([], ["http"]), each["metadata"]["name"]
            assert not public or each["metadata"]["name"] == "apisix"


def test_the_secrets_script_makes_each_once_and_readable_for_its_owner_alone(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets"
    script.write_bytes((MANIFESTS / "overlays/dev/make-secrets").read_bytes())
    running = [subprocess.Popen(["sh", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(4)]
    assert [(each.communicate()[0], each.returncode) for each in running] == [(b"", 0)] * 4
    files = sorted((tmp_path / "secrets").iterdir())
    made = {path.name: path.read_text() for path in files}
    assert len(set(made.values())) == len(made) == 7
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    for name, value in made.items():
        pattern = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}" if name.startswith("consul-") else r"k[0-9a-f]{32}"
        assert re.fullmatch(pattern, value), name
    (tmp_path / "secrets/admin-key").unlink()
    subprocess.run(["sh", script], check=True)
    again = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert {name for name in made if made[name] != again[name]} == {"admin-key"}
