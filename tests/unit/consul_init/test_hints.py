"""What is said beside Consul's own words. Real ones of Consul 1.19; more of them: test_check_types.py."""

import pytest
from consul_init.hints import hint_for


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ('Get "http://a:1/health": dial tcp: lookup a: no such host', "SERVICE_ADDRESS"),
        ("HTTP GET http://a:1/health: 401 Unauthorized Output: ", "SERVICE_CHECK_HEADERS"),
        ("HTTP GET http://a:1/health: 403 Forbidden Output: ", "SERVICE_CHECK_HEADERS"),
        ("rpc error: code = Unimplemented desc = unknown service grpc.health.v1.Health", "grpc.health.v1"),
        ("HTTP GET http://a:1/health: 503 Service Unavailable Output: database away", ""),
        ('Get "http://127.0.0.1:1/health": EOF', "SERVICE_CHECK_TYPE"),
        ("rpc error: code = Unavailable desc = read tcp 127.0.0.1:2: connection reset by peer", "SERVICE_CHECK_TYPE"),
        ("rpc error: code = Unavailable desc = write tcp 127.0.0.1:2: write: broken pipe", "SERVICE_CHECK_TYPE"),
        ("rpc error: code = Unavailable desc = use of closed network connection", "SERVICE_CHECK_TYPE"),
        ("", ""),
    ],
)
def test_a_hint_names_the_setting(output: str, hint: str) -> None:
    assert hint in hint_for(output)
    assert bool(hint) == bool(hint_for(output)), "none where nothing is known"
