"""Whatever the models accept can be written: APISIX's schema takes it."""

import json
import re

import pytest
from echoroute.api import parse_spec
from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.core.translate import translate
from hypothesis import given
from hypothesis import strategies as st

from ..api.fields.table import WELL_FORMED
from ..api.made_up.specs import specs
from .translated import OWNER, body_of


@pytest.mark.parametrize("spec", WELL_FORMED.values(), ids=WELL_FORMED)
def test_well_formed_specs_translate(spec):
    _valid_for_apisix(body_of(spec))


_names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
_keys = st.builds(
    Key, _names, st.lists(_names, min_size=1, max_size=4).map(".".join).map(lambda name: name[:250] + "a")
)


@given(specs(), _keys)
def test_whatever_the_models_accept_can_be_written(spec, key):
    parsed = parse_spec(spec)
    bundle = translate(key, parsed, owner=OWNER)
    assert bundle == translate(key, parsed, owner=OWNER)
    for ref, body in bundle.objects.items():
        assert re.fullmatch(r"[a-zA-Z0-9\-_.]{1,64}", ref.id)
        if ref.kind is Kind.ROUTE:
            _valid_for_apisix(body)
        else:
            _valid_upstream(body, resolved=ref in bundle.resolved)
        assert json.loads(json.dumps(body)) == body
    _refers_to_all_of(bundle)


def _refers_to_all_of(bundle):
    """Each Upstream is named by the Route, which names no others."""
    route = bundle.objects[ObjectRef(Kind.ROUTE, bundle.route_id)]
    rules = route.get("plugins", {}).get("traffic-split", {}).get("rules", [])
    named = {upstream["upstream_id"] for rule in rules for upstream in rule["weighted_upstreams"] if len(upstream) == 2}
    named |= {route["upstream_id"]} if "upstream_id" in route else set()
    assert {ref.id for ref in bundle.objects if ref.kind is Kind.UPSTREAM} == named
    assert bundle.resolved.keys() <= bundle.objects.keys()


def _valid_upstream(body, *, resolved):
    """What APISIX's schema of an upstream asks for; where the operator resolves it, it gets its nodes later."""
    assert ("service_name" in body) == ("discovery_type" in body) != resolved
    assert "nodes" not in body
    assert all(value > 0 for value in body["timeout"].values())
    assert (body["pass_host"] == "rewrite") == ("upstream_host" in body)
    assert (body["type"] == "chash") == ("key" in body)


def _valid_for_apisix(body):
    """What APISIX's schema of a route asks of what an EchoRoute can say."""
    assert not body.keys() & {"id", "create_time", "update_time"}
    assert ("uri" in body) != ("uris" in body)
    assert 1 <= len(body["name"]) <= 256
    assert body["status"] in {0, 1}
    assert all(re.fullmatch(r"\S{1,256}", value) for value in body["labels"].values())
    hosts = body.get("hosts", ["a"])
    assert hosts
    assert len(set(hosts)) == len(hosts)
    assert all(re.fullmatch(r"\*?[0-9a-zA-Z\-._\[\]:]+", host) for host in hosts)
    assert ("upstream" in body) != ("upstream_id" in body)
    if "upstream" in body:
        _valid_upstream(body["upstream"], resolved=False)
    rewrite = body.get("plugins", {}).get("proxy-rewrite")
    assert rewrite is None or rewrite
