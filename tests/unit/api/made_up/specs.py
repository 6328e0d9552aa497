"""Specs that were made up: `specs()` are well formed, `near_specs()` may have something small wrong with them,
`mangled_specs()` something big.

What the API server says of `near_specs()` is what the models must say.
"""

import json

from hypothesis import strategies as st

from .backends import backends, canaries
from .matches import matches
from .rewrites import rewrites
from .texts import json_object, odd_texts
from .upstreams import upstreams

_line = st.text("abc/$ -", max_size=6)
_plugins = st.fixed_dictionaries(
    {},
    optional={
        "key-auth": st.fixed_dictionaries({}, optional={"hide_credentials": st.booleans()}),
        "limit-count": st.fixed_dictionaries({"count": st.integers(1, 1000), "time_window": st.integers(1, 60)}),
        "response-rewrite": st.fixed_dictionaries({"body": _line, "status_code": st.integers(200, 598)}),
        "redirect": st.fixed_dictionaries({"uri": st.just("/b$request_uri")}),
        "limit-req": st.fixed_dictionaries(
            {"rate": st.sampled_from([0.5, 1, 2.0]), "burst": st.integers(0, 9), "key": st.just("remote_addr")}
        ),
    },
)


def _specs(odd):
    return json_object(
        {
            "match": matches(odd),
            "backends": backends(odd),
        },
        canary=canaries(odd),
        name=st.text("abc .ä", min_size=1, max_size=20) | odd,
        rewrite=rewrites(odd),
        upstream=upstreams(odd),
        websocket=st.booleans(),
        enabled=st.booleans(),
        plugins=_plugins,
        gatewayClass=st.just("apisix") | odd,
    )


def _changed(rewrite):
    headers = rewrite.get("headers", {})
    names = (name for field in ("set", "add", "remove") for name in headers.get(field, ()))
    return {name.lower().replace("_", "-") for name in names}


def _holds_together(spec):
    """What the rules between fields ask for."""
    rewrite, upstream = spec.get("rewrite"), spec.get("upstream", {})
    if rewrite and "method" in rewrite and "HEAD" in spec["match"].get("methods", ()):
        return False
    if rewrite is not None and (not rewrite or rewrite.get("headers") == {}):
        return False
    changed = _changed(rewrite or {})
    balancer = upstream.get("loadBalancer", {})
    hashed = {"Header": balancer.get("key", "").lower(), "Cookie": "cookie"}.get(balancer.get("hashOn"))
    looked_at = {"x-canary", "cookie"} if "canary" in spec else set()
    if changed & {*looked_at, hashed}:
        return False
    if rewrite and "host" in rewrite and ("host" in upstream or upstream.get("passHost") == "Node"):
        return False
    return ("host" in upstream) == (upstream.get("passHost") == "Rewrite")


def specs():
    """Well-formed specs."""
    return _specs(st.nothing()).filter(_holds_together)


def near_specs():
    """Specs with the right shape, of which many have some string or some combination that must be refused."""
    return _specs(odd_texts)


_junk = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**40) | st.sampled_from([5.0, 0.5, 1e300, -0.0]) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
FIELDS = [
    "name",
    "match",
    "rewrite",
    "backends",
    "canary",
    "upstream",
    "websocket",
    "enabled",
    "plugins",
    "gatewayClass",
]


@st.composite
def mangled_specs(draw):
    """Well-formed specs in which one value, at any depth, is any JSON."""
    spec = json.loads(json.dumps(draw(specs())))
    place, key = spec, draw(st.sampled_from(FIELDS) | st.text("ab", max_size=2))
    while isinstance(place.get(key), dict) and place[key] and draw(st.booleans()):
        place = place[key]
        key = draw(st.sampled_from(sorted(place)))
    place[key] = draw(_junk)
    return spec
