"""Expressions that an EchoRoute may have, made up: the gateway takes each, and fails no request for it.

APISIX's code fails where a value has another type than it expects; the request is answered 500 then.
"""

import json
import time

from echoroute.api import parse_spec
from echoroute.errors import InvalidSpec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from ..unit.core.plugins.strategies import expressions
from .asking import Headers, ask
from .target import Target

_ASKED: list[tuple[str, Headers]] = [
    ("", ()),
    ("?a", ()),
    ("?a=", ()),
    ("?a=1&b=2", (("X-A", "1"), ("X-A", "b"))),
    ("?a=10.0.0.1", (("X-A", ""), ("Cookie", "c; d"))),
    ("?a=1.5", (("X-A", "10.1.2.3"), ("Cookie", 'c="1"'), ("X-Real-IP", "2001:db8::1"))),
]

_names = st.sampled_from([
    "arg_a", "arg_b", "http_x_a", "cookie_c", "remote_addr", "realip_remote_addr", "request_length", "request_time",
    "request_method", "uri", "args", "is_args", "msec", "status", "connection", "content_length", "http_", "arg_",
    "no.such",
])  # fmt: skip
_values = st.sampled_from(["", "1", "a", "10.0.0.1", 1, 1.5, True, None, ["1", 2], ["10.0.0.0/8", "::/0"], "^[0-9]"])
_operators = st.sampled_from(["==", "~=", ">", "<=", "~~", "~*", "in", "has", "ipmatch", "IPMATCH"])
_comparisons = st.tuples(_names, st.sampled_from([[], ["!"]]), _operators, _values).map(
    lambda parts: [parts[0], *parts[1], parts[2], parts[3]]
)
_MOST = 100


def _accepted() -> list[list[JsonValue]]:
    """Some expressions that the operator accepts."""
    found: list[list[JsonValue]] = []

    @settings(max_examples=_MOST, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(expressions | st.lists(_comparisons, min_size=1, max_size=2))
    def collect(expression: list[JsonValue]) -> None:
        try:
            parse_spec({"match": {"paths": ["/a"], "vars": expression}, "backends": [{"service": "echo"}]})
        except InvalidSpec:
            return
        found.append(expression)

    collect()
    return found


def test_no_request_fails_for_an_expression_that_an_echoroute_may_have(empty: Target) -> None:
    accepted = _accepted()
    assert len(accepted) > _MOST / 5
    for number, expression in enumerate(accepted):
        abort = {"fault-injection": {"abort": {"http_status": 200, "body": "here"}}}
        route = json.dumps({"uri": f"/{number}", "vars": expression, "plugins": abort})
        assert empty.admin("PUT", f"/routes/{number}", route).status_code == 201, expression
    time.sleep(empty.settle)
    for number, expression in enumerate(accepted):
        for query, headers in _ASKED:
            assert ask(empty, "GET", f"/{number}{query}", headers).status in {200, 404}, (expression, query, headers)
