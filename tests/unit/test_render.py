"""`echoroute render` and `--version`: what a reviewer or a CI job sees."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from echoroute.cli.main import main

_ROOT = Path(__file__).parents[2]
_SAMPLES = sorted((_ROOT / "manifests/samples").glob("*.yaml"))

ROUTE = """
apiVersion: echoroute.dev/v1alpha1
kind: EchoRoute
metadata: {name: %s}
spec: {match: {paths: [%s]}, backends: [{service: echo}], plugins: {%s}}
"""


def _run(*arguments, text=None, env=None):
    return CliRunner().invoke(main, arguments, input=text, env=env, catch_exceptions=False)


@pytest.mark.parametrize("sample", _SAMPLES, ids=lambda path: path.name)
def test_renders_each_sample(sample):
    done = _run("render", "-f", str(sample))
    assert (done.exit_code, done.stderr) == (0, "")
    *upstreams, route = _bodies(done.stdout)
    for body in (*upstreams, route):
        assert body["id"].startswith("00000000.default.")
        assert body["labels"]["manager"] == "echoroute"
        assert body["id"] == route["id"] or body["id"] in json.dumps(route)


def _bodies(text):
    decoder, found = json.JSONDecoder(), []
    while text.strip():
        body, end = decoder.raw_decode(text.lstrip())
        found.append(body)
        text = text.lstrip()[end:]
    return found


def test_renders_an_upstream_for_each_further_backend():
    *upstreams, route = _bodies(_run("render", "-f", str(_ROOT / "manifests/samples/canary-version.yaml")).stdout)
    assert [upstream["nodes"] for upstream in upstreams] == [[], []], "they are in Consul"
    assert route["upstream_id"] == upstreams[0]["id"]
    (rule,) = route["plugins"]["traffic-split"]["rules"]
    assert rule == {
        "match": [{"vars": [["request_id", "~~", "^(?:0|1[0-8]|19[0-9])"]]}],
        "weighted_upstreams": [{"upstream_id": upstreams[1]["id"], "weight": 1}],
    }


def test_the_samples_are_there():
    assert "echo.yaml" in {path.name for path in _SAMPLES}


def test_renders_several_from_standard_input():
    done = _run(
        "render", "-f", "-", "-n", "team-a", "--owner", "0a1b2c3d",
        text=f"{ROUTE % ('a', '/a', '')}---{ROUTE % ('b', '/b', '')}",
    )  # fmt: skip
    assert done.exit_code == 0
    assert [body["id"] for body in _bodies(done.stdout)] == ["0a1b2c3d.team-a.a", "0a1b2c3d.team-a.b"]


@pytest.mark.parametrize(
    ("why", "text", "says"),
    [
        ("a bad spec", ROUTE % ("a", "x", ""), "default/a: spec.match.paths[0]: must start with '/'"),
        ("a closed plugin", ROUTE % ("a", "/a", "inspect: {}"), "default/a: spec.plugins.inspect: is a closed plugin"),
        ("no EchoRoute", "{kind: Service}", "<stdin>: has no EchoRoute"),
        ("a name that Kubernetes does not have", ROUTE % ("A", "/a", ""), "default/A: metadata: name and namespace"),
        ("no YAML", "a: [", "<stdin>: is not YAML"),
        ("no spec", ROUTE.partition("spec")[0] % "a", "spec.match: is required"),
    ],
)  # fmt: skip
def test_says_what_is_wrong_and_exits_1(why, text, says):
    done = _run("render", "-f", "-", text=text)
    assert done.exit_code == 1, why
    assert says in done.stderr
    assert done.stdout == ""


def test_one_bad_object_does_not_hide_the_others():
    done = _run("render", "-f", "-", text=f"{ROUTE % ('a', 'x', '')}---{ROUTE % ('b', '/b', '')}")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["name"] == "default/b"
    assert "default/a" in done.stderr


def test_plugins_can_be_allowed_as_for_the_operator():
    text = ROUTE % ("a", "/a", "inspect: {}, my-plugin: {}")
    assert _run("render", "-f", "-", "--allow-plugins", "inspect, my-plugin", text=text).exit_code == 0
    assert _run("render", "-f", "-", text=text, env={"ECHOROUTE_ALLOW_PLUGINS": "inspect,my-plugin"}).exit_code == 0


@pytest.mark.parametrize(
    ("why", "arguments"),
    [
        ("no file", ["render"]),
        ("a file that is not there", ["render", "-f", "/nowhere.yaml"]),
        ("an owner id that is none", ["render", "-f", "-", "--owner", "me"]),
    ],
)
def test_wrong_usage_is_code_2(why, arguments):
    assert _run(*arguments, text="").exit_code == 2, why


def test_says_its_version():
    done = _run("--version")
    assert done.exit_code == 0
    assert done.stdout.startswith("echoroute, version ")


def test_needs_nothing_of_kubernetes():
    """So that it works, and quickly, where only a reviewer's Python is."""
    code = (
        "import sys; from echoroute.cli.main import main; main(['render', '-f', sys.argv[1]], standalone_mode=False);"
        "print([name for name in ('kopf', 'kubernetes', 'aiohttp', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(_SAMPLES[0])], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_examples_of_the_reference_render():
    blocks = (_ROOT / "docs/echoroute.md").read_text(encoding="utf-8").split("```yaml\n")[1:]
    head = "apiVersion: echoroute.dev/v1alpha1\nkind: EchoRoute\nmetadata: {name: example}\n"
    assert len(blocks) >= 5
    for block in blocks:
        text = block.split("```")[0]
        done = _run("render", "-f", "-", text=text if "kind:" in text else head + text)
        assert (done.exit_code, done.stderr) == (0, "")
