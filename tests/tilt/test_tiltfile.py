"""The Tiltfile as Tilt itself evaluates it: no cluster and no Docker are needed for that."""

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

_ROOT = Path(__file__).parents[2]
_LOADING_FAILED = 5  # `tilt alpha tiltfile-result --help`

JsonDict = dict[str, object]
Answer = subprocess.CompletedProcess[str]
Evaluate = Callable[..., Answer]


@pytest.fixture(scope="session")
def evaluate(tilt: Path, environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """Evaluates the Tiltfile for a context of this name, with arguments as they would stand after `tilt up --`."""

    def run(*arguments: str, context: str = "kind-dev") -> Answer:
        kubeconfig = tmp_path_factory.mktemp("kubeconfig") / "config"
        server = {"server": "https://127.0.0.1:1"}  # nobody: evaluating asks no cluster
        kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": context, "cluster": server}],
                    "users": [{"name": "nobody", "user": {"token": "none"}}],
                    "contexts": [{"name": context, "context": {"cluster": context, "user": "nobody"}}],
                    "current-context": context,
                }
            )
        )
        command = [tilt, "alpha", "tiltfile-result", "--", *arguments]
        settings = {**environment, "KUBECONFIG": str(kubeconfig)}
        return subprocess.run(command, cwd=_ROOT, env=settings, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture(scope="session")
def resources(evaluate: Evaluate) -> dict[str, JsonDict]:
    answer = evaluate()
    assert answer.returncode == 0, answer.stderr
    return {manifest["Name"]: manifest for manifest in json.loads(answer.stdout)["Manifests"]}


_TARGET = "DeployTarget"

ORDER = {
    "namespaces": [],
    "secrets": ["namespaces"],
    "crd": [],
    "consul": ["secrets"],
    "etcd": ["secrets"],
    "apisix": ["etcd", "consul"],
    "echoroute-operator": ["crd", "apisix", "consul"],
    "echo-v1": ["secrets", "consul"],
    "echo-v2": ["secrets", "consul"],
    "route": ["crd", "echoroute-operator"],
    "route-ready": ["route", "echo-v1", "echo-v2"],
    "send-requests": [],
    "drift-a-route": [],
    "run-tests": [],
}
"""What each resource waits for."""


def test_resources_and_their_order(resources: dict[str, JsonDict]) -> None:
    found = {name: resource["ResourceDependencies"] or [] for name, resource in resources.items()}
    assert found == ORDER, "and nothing is left over in a resource `uncategorized`, which would wait for nobody"


def test_labels_group_them(resources: dict[str, JsonDict]) -> None:
    groups: dict[str, set[str]] = {}
    for name, resource in resources.items():
        [label] = resource["Labels"]  # type: ignore[misc]
        groups.setdefault(str(label), set()).add(name)
    assert groups == {
        "cluster": {"namespaces", "secrets", "crd"},
        "gateway": {"consul", "etcd", "apisix"},
        "echoroute": {"echoroute-operator", "route", "route-ready"},
        "echo": {"echo-v1", "echo-v2"},
        "try": {"send-requests", "drift-a-route", "run-tests"},
    }


def _deployed(resource: JsonDict) -> list[str]:
    documents = yaml.safe_load_all(resource[_TARGET]["yaml"])  # type: ignore[index]
    return [f"{document['kind']}/{document['metadata']['name']}" for document in documents]


def test_the_crd_and_the_namespaces_are_applied_before_what_needs_them(resources: dict[str, JsonDict]) -> None:
    assert _deployed(resources["crd"]) == ["CustomResourceDefinition/echoroutes.echoroute.dev"]
    assert sorted(_deployed(resources["namespaces"])) == ["Namespace/echo", "Namespace/echoroute-system"]
    assert {each.partition("/")[0] for each in _deployed(resources["secrets"])} == {"Secret"}
    assert _deployed(resources["route"]) == ["EchoRoute/echo"]
    operator = _deployed(resources["echoroute-operator"])
    assert {"ServiceAccount/echoroute-operator", "ClusterRole/echoroute-operator"} <= set(operator)


def test_an_echoroute_has_no_pods_to_wait_for(resources: dict[str, JsonDict]) -> None:
    assert resources["route"][_TARGET]["PodReadinessMode"] == "ignore"  # type: ignore[index]
    assert resources["apisix"][_TARGET]["PodReadinessMode"] == "wait"  # type: ignore[index]


def test_ports_that_are_forwarded(resources: dict[str, JsonDict]) -> None:
    """Both ports are said: Tilt takes the container's first port where only the local one is."""
    found = {}
    for name, resource in resources.items():
        template = resource[_TARGET].get("portForwardTemplateSpec")  # type: ignore[attr-defined]
        for forward in template["forwards"] if template else ():
            key = (name, forward["name"])
            found[key] = (forward["localPort"], forward["containerPort"], forward["path"])
            assert forward["host"] == "localhost"
    assert found == {
        ("apisix", "gateway"): (9080, 9080, "testecho/hello"),
        ("apisix", "dashboard"): (9180, 9180, "ui"),
        ("consul", "Consul"): (8500, 8500, "ui/dc1/services"),
        ("echoroute-operator", "metrics"): (8080, 8080, "metrics"),
    }


def _links(resource: JsonDict) -> list[str]:
    links = resource[_TARGET]["Links"] or []  # type: ignore[index]
    return [f"{link['Name']}: {link['URL']['Host']}{link['URL']['Path']}" for link in links]


def test_links(resources: dict[str, JsonDict]) -> None:
    assert _links(resources["echoroute-operator"]) == ["checks: localhost:8080/readyz"]
    assert _links(resources["route-ready"]) == ["hello: localhost:9080/testecho/hello"]


@pytest.mark.parametrize("name", ["send-requests", "drift-a-route", "run-tests"])
def test_buttons_wait_for_a_click(resources: dict[str, JsonDict], name: str) -> None:
    manual_without_start = 2  # model.TriggerModeManual of Tilt: not when the environment comes up either
    assert resources[name]["TriggerMode"] == manual_without_start
    script = resources[name][_TARGET]["UpdateCmdSpec"]["args"][-1]  # type: ignore[index]
    checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("name", "synced"),
    [
        ("echoroute-operator", {"operator/src": "/src"}),
        ("echo-v1", {"echo/src": "/src", "echo/consul-init/src": "/src"}),
        ("echo-v2", {"echo/src": "/src", "echo/consul-init/src": "/src"}),
    ],
)
@pytest.mark.parametrize("builder", ["docker", "podman"])
def test_live_update(evaluate: Evaluate, name: str, synced: dict[str, str], builder: str) -> None:
    answer = evaluate(f"--builder={builder}")
    assert answer.returncode == 0, answer.stderr
    [resource] = [one for one in json.loads(answer.stdout)["Manifests"] if one["Name"] == name]
    [image] = resource["ImageTargets"]
    assert {sync["localPath"]: sync["containerPath"] for sync in image["LiveUpdateSpec"]["syncs"]} == synced
    for folder in synced:
        assert any((_ROOT / folder).iterdir()), folder
    dockerfile = f"{'operator' if name == 'echoroute-operator' else 'echo'}/Dockerfile"
    if builder == "docker":
        assert image["BuildDetails"]["target"] == "dev"
        assert image["BuildDetails"]["dockerfileContents"] == (_ROOT / dockerfile).read_text()
    else:
        script = image["BuildDetails"]["args"][-1]
        assert f'.ci/build-image {dockerfile} "$EXPECTED_REF" --target dev' in script
        assert 'kind load image-archive --name dev "$archive"' in script


def test_a_build_sees_no_more_and_no_less_than_what_images_are_made_of(evaluate: Evaluate) -> None:
    contexts: dict[str, set[str]] = {}
    for resource in json.loads(evaluate().stdout)["Manifests"]:
        for image in resource.get("ImageTargets") or ():
            only, dockerignore = (
                {pattern[1:] for pattern in ignore["patterns"] if pattern.startswith("!")}
                for ignore in image["BuildDetails"]["contextIgnores"]
                if "patterns" in ignore
            )
            contexts[image["selector"]] = only
            assert only < dockerignore, "an edit of the other's sources is no reason to build it"
    assert set.union(*contexts.values()) == dockerignore


def test_every_file_of_the_deployment_is_watched(evaluate: Evaluate) -> None:
    watched = {Path(file) for file in json.loads(evaluate().stdout)["ConfigFiles"]}
    for folder in (
        "base",
        "overlays/dev",
        "overlays/tilt",
        "components/apisix",
        "components/consul",
        "components/live-update",
    ):
        for path in (_ROOT / "manifests" / folder).iterdir():
            if path.name == "secrets":
                continue  # what the script makes, once
            assert watched & {path, *path.parents}, path


@pytest.mark.parametrize(
    ("arguments", "context", "says", "why"),
    [
        ((), "production", "allow_k8s_contexts('production')", "Tilt's own guard is in force"),
        (("--builder=buildah",), "kind-dev", 'builder is "buildah": write docker or podman', "a misspelt setting"),
        (
            ("--builder=podman", "--allow-context=elsewhere"),
            "elsewhere",
            "Say it with --load=COMMAND",
            "where images go is not to be guessed",
        ),
    ],
)
def test_refusals(evaluate: Evaluate, arguments: tuple[str, ...], context: str, says: str, why: str) -> None:
    answer = evaluate(*arguments, context=context)
    assert answer.returncode == _LOADING_FAILED, why
    assert says in answer.stderr, why


def test_another_context_only_by_name(evaluate: Evaluate) -> None:
    assert evaluate("--allow-context=production", context="production").returncode == 0
    assert evaluate("--allow-context=elsewhere", context="production").returncode == _LOADING_FAILED


@pytest.mark.parametrize(
    ("arguments", "context", "loads", "why"),
    [
        (("--builder=podman",), "minikube", "minikube image load -", "its own command"),
        (("--builder=podman",), "k3d-dev", "k3d image import --cluster dev", "its own command"),
        ((), "k3d-dev", "k3d image import --cluster dev", "Tilt would push to a registry called localhost"),
        (("--load=minikube image load -",), "minikube", "minikube image load -", "its container runtime is not Docker"),
        ((), "minikube", None, "Tilt builds in minikube's own Docker"),
        ((), "docker-desktop", None, "the cluster has Docker's images"),
        ((), "kind-dev", None, "Tilt loads them by itself"),
    ],
)
def test_how_images_come_into_the_cluster(
    evaluate: Evaluate, arguments: tuple[str, ...], context: str, loads: str | None, why: str
) -> None:
    answer = evaluate(*arguments, context=context)
    assert answer.returncode == 0, answer.stderr
    images = [image for one in json.loads(answer.stdout)["Manifests"] for image in one.get("ImageTargets") or ()]
    scripts = {image["BuildDetails"]["args"][-1] for image in images if "args" in image["BuildDetails"]}
    assert images
    if loads is None:
        assert not scripts, why
        return
    assert len(scripts) == 2, why
    builder = "podman" if "--builder=podman" in arguments else "docker"
    for script in scripts:
        assert loads in script, why
        assert f"BUILDER={builder} .ci/build-image" in script
        assert f"{builder} save" in script
        checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_nothing_is_fetched_to_evaluate_it() -> None:
    """Extensions are cloned from the internet when the Tiltfile is loaded, and hang where there is none."""
    text = (_ROOT / "Tiltfile").read_text()
    assert not re.search(r"ext://|extension_repo|git_checkout|\bload\(", text)
