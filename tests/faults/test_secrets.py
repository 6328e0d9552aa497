"""Known secrets in plugin configs, headers and keys are looked for in all that the operator says: none is there."""

import json
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from devstack.echoroutes import condition, create, route
from devstack.handles.answers import JsonObject, at
from devstack.handles.gateway import Fault
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

Start = Callable[..., Operator]


class Secrets:
    """Hands out values that are found by chance nowhere."""

    def __init__(self) -> None:
        self.values: list[str] = []

    def new(self, form: str = "{}") -> str:
        self.values.append(secrets.token_hex(8))
        return form.format(self.values[-1])

    def found_in(self, text: str) -> list[str]:
        return [value for value in self.values if value in text]


def _manifests(secret: Secrets) -> dict[str, tuple[JsonObject, str, str]]:
    """EchoRoutes with secrets, by name; the condition that tells of each, and its reason."""

    def one(name: str, plugins: JsonObject, **spec: object) -> JsonObject:
        return route(name, "default", f"/{name}", plugins=plugins, **spec)

    authorization = {"headers": {"set": {"Authorization": secret.new("Bearer {}")}}}
    limit = {"count": 1, "time_window": 1}
    served, rejected, refused = "Programmed Programmed", "Programmed GatewayRejected", "Accepted NotAllowed"
    made: list[tuple[JsonObject, str]] = [
        (one("served", {"csrf": {"key": secret.new()}}, rewrite=authorization), served),
        (one("changed", {"mocking": {"response_example": secret.new()}}), served),
        (one("rule", {"uri-blocker": {"block_rules": [secret.new("{}(")]}}), rejected),
        (one("pattern", {"cors": {"allow_origins_by_regex": [secret.new("({}")]}}), rejected),
        (one("number", {"limit-count": {**limit, "rejected_code": secret.new()}}), refused),
        (one("enum", {"limit-count": {**limit, "policy": secret.new()}}), refused),
        (one("address", {"ip-restriction": {"whitelist": [secret.new()]}}), refused),
        (one("closed-field", {"limit-count": {**limit, "redis_password": secret.new()}}), refused),
        (one("code", {"serverless-pre-function": {"functions": [secret.new("return '{}'")]}}), refused),
        (one("unknown", {"nobody-knows-it": {"password": secret.new()}}), refused),
        (one("reference", {"mocking": {"response_example": secret.new("$env://{}")}}), refused),
        (one("lua", {"cors": {"_meta": {"pre_function": secret.new("return '{}'")}}}), refused),
    ]
    return {str(at(manifest, "metadata", "name")): (manifest, *told.split()) for manifest, told in made}


def _served(manifests: dict[str, tuple[JsonObject, str, str]]) -> set[str]:
    return {name for name, (_, _, reason) in manifests.items() if reason == "Programmed"}


def _told_of(stack: Stack) -> set[str]:
    """The names of the EchoRoutes that some Event is about."""
    return {str(at(event, "involvedObject", "name")) for event in stack.kube.list_all("events", "default")}


def _all_output(stack: Stack, operator: Operator) -> dict[str, str]:
    """What anybody may read who may not read the specs."""
    routes = stack.kube.list_all("echoroutes")
    return {
        "statuses": json.dumps([one["status"] for one in routes]),
        "Events": json.dumps(stack.kube.list_all("events")),
        "log": operator.process.output(),
        "metrics": httpx.get(f"{operator.url}/metrics").text,
        "readyz": operator.readyz(),
    }


def test_no_output_of_a_run_with_trouble_has_a_secret(breakable_stack: Stack, start: Start, tmp_path: Path) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    secret = Secrets()
    key = tmp_path / "key"
    key.write_text(breakable_stack.gateway.admin_key_file.read_text())
    secret.values.append(key.read_text().split()[0])
    operator = start(
        ECHOROUTE_LOG_LEVEL="debug",
        ECHOROUTE_APISIX_ADMIN_KEY_FILE=str(key),
        CONSUL_HTTP_TOKEN=secret.new(),
    )
    manifests = _manifests(secret)
    create(kube, [manifest for manifest, _, _ in manifests.values()])
    for name, (_, type_, reason) in manifests.items():
        until(lambda n=name, t=type_: condition(kube, "default", n, t).reason not in {"", "Pending"})
        assert condition(kube, "default", name, type_).reason == reason, name

    # Drift, an answer that has nothing of APISIX, a key that is refused, both neighbours gone.
    for one in gateway.list_all("routes"):
        if str(one["id"]).endswith("changed"):
            gateway.delete("routes", str(one["id"]))
    until(lambda: operator.metric("echoroute_drift_repaired_total") >= 1)
    gateway.add_fault(Fault(action="status", status=500, message="on purpose", kind="routes"))
    until(lambda: operator.metric("echoroute_gateway_up") == 0)
    gateway.clear_faults()
    until(lambda: operator.metric("echoroute_gateway_up") == 1)
    key.write_text(secret.new("{}-the-wrong-key"))
    until(lambda: operator.check("gateway").startswith("[-]gateway: GatewayUnauthorized"))
    create(kube, [route("late", "default", "/late", plugins={"basic-auth": {"realm": secret.new()}})])
    until(lambda: condition(kube, "default", "late", "Programmed").reason == "GatewayUnauthorized")
    breakable_stack.gateway.kill()
    breakable_stack.consul.kill()
    until(lambda: operator.check("gateway").startswith("[-]gateway: GatewayUnreachable"))
    until(lambda: operator.check("consul").startswith("[-]consul"))
    until(lambda: manifests.keys() - _served(manifests) <= _told_of(breakable_stack))

    output = _all_output(breakable_stack, operator)
    assert len(output["log"].splitlines()) > 20
    for where, text in output.items():
        assert secret.found_in(text) == [], where


def test_errors_of_the_command_line_have_no_secret(tmp_path: Path) -> None:
    """What render refuses, and settings that cannot work; what it prints on standard output is the user's own spec."""
    secret = Secrets()
    manifests = [manifest for manifest, _, reason in _manifests(secret).values() if reason == "NotAllowed"]
    malformed = {"plugins": {"jwt-auth": secret.new()}, "rewrite": {"headers": {"set": {"X": secret.new("{}\n")}}}}
    manifests.append(route("malformed", "default", "no-slash", **malformed))
    file = tmp_path / "routes.json"
    file.write_text("\n---\n".join(map(json.dumps, manifests)))
    rendered = _echoroute("render", "-f", str(file))
    assert rendered.returncode == 1
    assert all(str(at(manifest, "metadata", "name")) in rendered.stderr for manifest in manifests)
    assert secret.found_in(rendered.stderr + rendered.stdout) == []

    url = "http://apisix:9180"
    for settings in (
        {"ECHOROUTE_APISIX_ADMIN_URL": url, "ECHOROUTE_APISIX_ADMIN_KEY": secret.new("{}\nX-Other: 1")},
        {
            "ECHOROUTE_APISIX_ADMIN_URL": f"http://admin:{secret.new()}@apisix",
            "ECHOROUTE_APISIX_ADMIN_KEY": secret.new(),
        },
        {
            "ECHOROUTE_APISIX_ADMIN_URL": url,
            "ECHOROUTE_APISIX_ADMIN_KEY": secret.new(),
            "ECHOROUTE_APISIX_ADMIN_KEY_FILE": "/nowhere",
            "CONSUL_HTTP_TOKEN": secret.new(),
            "ECHOROUTE_DRIFT_INTERVAL": "never",
        },
    ):
        ended = _echoroute("run", **settings)
        assert ended.returncode == 2, ended.stderr
        assert "ECHOROUTE_" in ended.stderr
        assert secret.found_in(ended.stderr + ended.stdout) == []


def _echoroute(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "echoroute"), *arguments]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60, check=False)
