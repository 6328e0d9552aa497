"""Malformed EchoRoutes at a real API server and a running operator: refused by name, or accepted and told by name.

The table is that of the unit tests, which run it against the models (tests/unit/api/fields).
"""

import httpx
import pytest
import yaml
from devstack.echoroutes import condition, create, path_of, programmed, route
from devstack.handles.answers import at
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.product import Operator
from devstack.waiting import until

from ..unit.api.fields.table import MALFORMED, WELL_FORMED

_BY_API_SERVER = [case for case in MALFORMED if case.ring != "operator"]
_BY_OPERATOR = [case for case in MALFORMED if case.ring == "operator"]

pytestmark = pytest.mark.usefixtures("operator")


def _id(case) -> str:
    return f"{case.field}: {case.why}"


def _manifest(name: str, spec: object) -> dict[str, object]:
    return {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "metadata": {"name": name},
        "spec": spec,
    }


def _post(kube: Kube, manifest: object, *, validation: str = "Strict", dry_run: bool = True) -> httpx.Response:
    """As `kubectl apply` and `kubectl create` do: field validation is strict unless somebody asks for less."""
    query = {"fieldValidation": validation} | ({"dryRun": "All"} if dry_run else {})
    return kube.http.post(path_of("default"), params=query, json=manifest)


@pytest.mark.parametrize("case", _BY_API_SERVER, ids=_id)
def test_refused_with_a_message_that_names_the_field(kube: Kube, case) -> None:
    answer = _post(kube, _manifest("malformed", case.spec))
    assert answer.status_code in {400, 422}, (case.why, answer.text)
    said = answer.json()["message"]
    assert case.field in said, (case.why, said)
    if case.ring == "cel":
        assert case.says in said, (case.why, said)


_ENVELOPES = [
    ("no spec at all: there would be nothing to do", {"spec": None}, "spec"),
    ("a spec that is a text", {"spec": "/a"}, "spec"),
    ("a spec that is a list", {"spec": [WELL_FORMED["the smallest one"]]}, "spec"),
    ("a name that Kubernetes does not take", {"metadata": {"name": "Big_Name"}}, "metadata.name"),
    ("a name that is too long", {"metadata": {"name": "a" * 254}}, "metadata.name"),
    ("a typo beside the spec", {"specs": {}}, "specs"),
    ("a version that there is not", {"apiVersion": "echoroute.dev/v1"}, 'version "v1"'),
]


@pytest.mark.parametrize(("why", "change", "field"), _ENVELOPES, ids=[why for why, _, _ in _ENVELOPES])
def test_a_malformed_envelope_is_refused(kube: Kube, why: str, change: dict[str, object], field: str) -> None:
    manifest = _manifest("malformed", WELL_FORMED["the smallest one"]) | change
    answer = _post(kube, {name: value for name, value in manifest.items() if value is not None})
    assert answer.status_code in {400, 422}, (why, answer.text)
    assert field in answer.json()["message"], why


@pytest.mark.parametrize("why", WELL_FORMED)
def test_what_is_well_formed_is_accepted_and_reads_back_as_written(kube: Kube, why: str) -> None:
    spec = WELL_FORMED[why]
    answer = _post(kube, _manifest("well-formed", spec))
    assert answer.status_code == 201, (why, answer.text)
    assert answer.json()["spec"] == spec


# Names that the CRD knows, to refuse them without strict validation too, are refused by CEL.
_UNKNOWN = [
    case
    for case in _BY_API_SERVER
    if case.ring == "schema" and ("did you mean" in case.says or "is not a field" in case.says)
]


@pytest.mark.parametrize("case", _UNKNOWN, ids=_id)
def test_an_unknown_field_is_refused_by_strict_validation_and_pruned_without(kube: Kube, case) -> None:
    strict = _post(kube, _manifest("malformed", case.spec))
    assert strict.status_code == 400
    assert f'unknown field "{case.field}"' in strict.json()["message"]
    lax = _post(kube, _manifest("malformed", _with_paths(case.spec)), validation="Ignore")
    assert lax.status_code == 201, lax.text
    *place, name = case.field.replace("[", ".").replace("]", "").split(".")
    parent = at(lax.json(), *(int(step) if step.isdigit() else step for step in place))
    assert isinstance(parent, dict)
    assert name not in parent


def _with_paths(spec: dict) -> dict:
    """The spec with a path, which the one whose 'paths' is misspelt lacks once that is pruned."""
    return {**spec, "match": {"paths": ["/a"], **spec["match"]}}


_RESERVED = [
    ("match", "host", "api.example.com", "write hosts"),
    ("match", "path", "/a", "write paths"),
    ("match", "uri", "/a", "write paths"),
    ("match", "uris", ["/a"], "write paths"),
    ("match", "method", "GET", "write methods"),
    ("match", "header", [{"name": "X-A"}], "write headers"),
    ("match", "query", [{"name": "a"}], "write queries"),
    ("match", "cookie", [{"name": "a"}], "write cookies"),
    ("match", "remoteAddr", "10.0.0.1", "write remoteAddrs"),
    ("match", "var", [["arg_a", "==", "1"]], "must be of type object"),
    ("match", "host", ["api.example.com"], "must be of type string"),
    ("", "hosts", ["api.example.com"], "below match"),
    ("", "paths", ["/a"], "below match"),
    ("", "methods", ["GET"], "below match"),
    ("", "remoteAddrs", ["10.0.0.1"], "below match"),
    ("", "headers", [{"name": "X-A"}], "below match"),
    ("", "queries", [{"name": "a"}], "below match"),
    ("", "cookies", [{"name": "a"}], "below match"),
    ("", "vars", [["arg_a", "==", "1"]], "must be of type object"),
]


@pytest.mark.parametrize(("below", "name", "value", "says"), _RESERVED)
def test_a_wrong_name_that_would_widen_the_route_is_refused_without_strict_validation(
    kube: Kube, below: str, name: str, value: object, says: str
) -> None:
    """Pruned, it would leave a route that takes every host."""
    spec: dict = {"match": {"paths": ["/a"]}, "backends": [{"service": "echo"}]}
    (spec[below] if below else spec)[name] = value
    answer = _post(kube, _manifest("wrong-name", spec), validation="Ignore")
    assert answer.status_code == 422, answer.text
    assert says in answer.json()["message"]
    assert f"spec.{f'{below}.' if below else ''}{name}" in answer.json()["message"]


_NULLS = [
    ({"match": {"hosts": None}}, "spec.match.hosts"),
    *(
        ({"match": {name: None}}, f"spec.match.{name}")
        for name in ("methods", "headers", "queries", "cookies", "remoteAddrs", "vars")
    ),
    ({"rewrite": None}, "spec.rewrite"),
    ({"rewrite": {"host": "a", "headers": None}}, "spec.rewrite.headers"),
    ({"rewrite": {"headers": {"set": {"X-A": "1"}, "remove": None}}}, "spec.rewrite.headers.remove"),
    ({"rewrite": {"headers": {"set": None, "add": {"X-A": "1"}}}}, "spec.rewrite.headers.set"),
    ({"enabled": None}, "spec.enabled"),
    ({"gatewayClass": None}, "spec.gatewayClass"),
    ({"plugins": None}, "spec.plugins"),
]


def test_a_null_that_would_open_the_route_is_refused_by_name(
    kube: Kube, namespace: str, gateway: GatewayApi, operator: Operator
) -> None:
    """What a template with an empty value renders passes strict validation; pruned, it would be an open route."""
    for number, (fields, _) in enumerate(_NULLS):
        match = {"paths": [f"/{namespace}/null/{number}"], **fields.get("match", {})}
        spec = {"backends": [{"service": "echo"}], **fields, "match": match}
        answer = kube.http.post(
            path_of(namespace), params={"fieldValidation": "Strict"}, json=_manifest(f"null-{number}", spec)
        )
        assert answer.status_code == 201, answer.text
    for number, (_, field) in enumerate(_NULLS):
        until(lambda n=number: condition(kube, namespace, f"null-{n}", "Accepted").reason == "Invalid")
        assert f"{field}: must not be null" in condition(kube, namespace, f"null-{number}", "Accepted").message
    assert programmed(gateway, namespace) == []


def test_a_null_that_kubectl_drops_is_refused_by_the_manifest_that_it_keeps(
    kube: Kube, namespace: str, gateway: GatewayApi, operator: Operator
) -> None:
    """Client-side apply sends no null, neither at first nor later; then the last good generation goes on serving."""
    plugins = {"plugins": {"key-auth": {}}}
    kube.apply(route("guarded", namespace, f"/{namespace}/guarded", **plugins))
    until(lambda: condition(kube, namespace, "guarded", "Programmed").status == "True")
    nulls = [*_NULLS, ({"plugins": {"key-auth": None}}, "spec.plugins.key-auth")]
    manifests = [
        _manifest(
            f"null-{number}", {**fields, "match": {"paths": [f"/{namespace}/{number}"], **fields.get("match", {})}}
        )
        for number, (fields, _) in enumerate(nulls)
    ]
    manifests.append(
        _manifest("guarded", {"match": {"paths": [f"/{namespace}/guarded"]}, "plugins": {"key-auth": None}})
    )
    for manifest in manifests:
        manifest["metadata"]["namespace"] = namespace
        manifest["spec"]["backends"] = [{"service": "echo"}]
    kube.run("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))
    for number, (_, field) in [*enumerate(nulls), ("guarded", ({}, "spec.plugins.key-auth"))]:
        name = number if number == "guarded" else f"null-{number}"
        until(lambda n=name: condition(kube, namespace, n, "Accepted").reason == "Invalid", name)
        assert condition(kube, namespace, name, "Accepted").message.startswith(f"{field}: must not be null")
    [serving] = programmed(gateway, namespace)
    assert at(serving, "plugins") == {"key-auth": {}}, "who needed a key still needs it"


def test_a_plugin_without_a_config_is_refused_at_apply(kube: Kube) -> None:
    spec = {"match": {"paths": ["/a"]}, "backends": [{"service": "echo"}], "plugins": {"key-auth": None}}
    answer = _post(kube, _manifest("null-plugin", spec))
    assert answer.status_code == 422, answer.text
    assert "spec.plugins" in answer.json()["message"]
    assert "not null" in answer.json()["message"]


def test_a_gateway_class_cannot_be_changed(kube: Kube, namespace: str) -> None:
    """Two operators would hand over a route without a moment at which one of them has it."""
    create(kube, [route("mine", namespace, f"/{namespace}")])
    answer = kube.http.patch(
        path_of(namespace, "mine"),
        headers={"Content-Type": "application/merge-patch+json"},
        json={"spec": {"gatewayClass": "other"}},
    )
    assert answer.status_code == 422
    assert "spec.gatewayClass" in answer.json()["message"]


def test_what_only_the_operator_can_see_is_told_in_a_condition(
    kube: Kube, namespace: str, gateway: GatewayApi, operator: Operator
) -> None:
    """All of the table at once, for real; none of them reaches the gateway, and none is an error of the operator."""
    assert len(_BY_OPERATOR) >= 5
    said_before = len(operator.process.output())
    for number, case in enumerate(_BY_OPERATOR):
        manifest = _manifest(f"malformed-{number}", case.spec)
        manifest["spec"] = {**case.spec, "match": {**case.spec["match"], "paths": [f"/{namespace}/{number}"]}}
        answer = kube.http.post(path_of(namespace), params={"fieldValidation": "Strict"}, json=manifest)
        assert answer.status_code == 201, (case.why, answer.text)
    for number, case in enumerate(_BY_OPERATOR):
        until(lambda n=number: condition(kube, namespace, f"malformed-{n}", "Accepted").status == "False")
        told = condition(kube, namespace, f"malformed-{number}", "Accepted")
        assert told.reason in {"Invalid", "NotAllowed"}, case.why
        assert case.field in told.message, (case.why, told)
        assert case.says in told.message, (case.why, told)
        assert condition(kube, namespace, f"malformed-{number}", "Stalled").status == "True"
    assert programmed(gateway, namespace) == []
    assert "Traceback" not in operator.process.output()[said_before:]


_BY_GATEWAY = [
    ("a rule that PCRE does not take", {"plugins": {"uri-blocker": {"block_rules": ["("]}}}, "uri-blocker"),
    ("an origin that PCRE does not take", {"plugins": {"cors": {"allow_origins_by_regex": ["("]}}}, "cors"),
    ("a pattern that PCRE does not take", {"plugins": {"redirect": {"regex_uri": ["(", "/"]}}}, "redirect"),
    (
        "a regular expression that PCRE does not take",
        {"rewrite": {"regex": {"pattern": "^/a(", "replacement": "/"}}},
        "regex",
    ),
]


def test_what_only_the_gateway_can_judge_is_told_in_its_words(kube: Kube, namespace: str, operator: Operator) -> None:
    said_before = len(operator.process.output())
    for number, (why, fields, _) in enumerate(_BY_GATEWAY):
        spec = {"match": {"paths": [f"/{namespace}/{number}"]}, "backends": [{"service": "echo"}], **fields}
        answer = kube.http.post(
            path_of(namespace), params={"fieldValidation": "Strict"}, json=_manifest(f"rejected-{number}", spec)
        )
        assert answer.status_code == 201, (why, answer.text)
    for number, (why, _, field) in enumerate(_BY_GATEWAY):
        until(lambda n=number: condition(kube, namespace, f"rejected-{n}", "Programmed").reason == "GatewayRejected")
        told = condition(kube, namespace, f"rejected-{number}", "Programmed")
        assert field in told.message, (why, told)
        assert condition(kube, namespace, f"rejected-{number}", "Stalled").status == "True"
    assert "Traceback" not in operator.process.output()[said_before:]
