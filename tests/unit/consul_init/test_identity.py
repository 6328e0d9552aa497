"""A health check that is meant for a dead pod is refused."""

import secrets
from dataclasses import replace

import pytest
from consul_init import InstanceGuard, Registered, Settings
from consul_init.identity import Message, Receive, Scope, Send


async def _application(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def status(guard: InstanceGuard, headers: list[tuple[bytes, bytes]]) -> int:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await guard({"type": "http", "headers": headers}, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("headers", "expected", "why"),
    [
        ([(b"x-consul-instance", b"echo-10.0.0.7-8000/new")], 200, "meant for us"),
        ([(b"x-consul-instance", b"echo-10.0.0.7-8000/old")], 421, "the pod that had our address before"),
        ([(b"x-consul-instance", b"other-10.0.0.7-8000/old")], 421, "a pod of another service that had it"),
        ([(b"accept", b"*/*")], 200, "the kubelet, a person: no statement whom it means"),
    ],
)
async def test_guard(headers: list[tuple[bytes, bytes]], expected: int, why: str) -> None:
    guard = InstanceGuard(_application, instance="echo-10.0.0.7-8000/new")
    assert await status(guard, headers) == expected, why


REGISTERED = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", "POD_IP": "10.0.0.7", "POD_UID": "new"}


@pytest.fixture
def settings(closed_port: int) -> Settings:
    """Of an instance; Consul is away, which changes nothing here."""
    variables = {
        **REGISTERED,
        "CONSUL_HTTP_ADDR": f"127.0.0.1:{closed_port}",
        "CONSUL_INIT_SOCKET": f"@{secrets.token_hex(8)}",
    }
    return Settings.from_env(variables)


async def test_the_guard_compares_with_what_was_registered(settings: Settings) -> None:
    """Not with what the environment says now: settings may come from code, and an address may be found differently."""
    guard = InstanceGuard(_application)
    ours, other = [(b"x-consul-instance", b"echo-10.0.0.7-8000/new")], [(b"x-consul-instance", b"else")]
    async with Registered(settings, handle_signals=False):
        assert await status(guard, ours) == 200
        assert await status(guard, other) == 421
        second = replace(settings, name="metrics", port=9000, control_socket=f"@{secrets.token_hex(8)}")
        async with Registered(second, handle_signals=False):
            assert await status(guard, [(b"x-consul-instance", b"metrics-10.0.0.7-9000/new")]) == 200
            assert await status(guard, ours) == 200
    assert await status(guard, other) == 200, "not registered any more: nobody knows as what"


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"SERVICE_REGISTER": "false"}, "a sidecar or wrapper registers it"),
        ({"SERVICE_REGISTER": "false", **REGISTERED}, "the same, and what it is registered as is that one's to say"),
    ],
)
async def test_where_nothing_was_registered_here_all_checks_pass(
    variables: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SERVICE_NAME", "SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    async with Registered(Settings.from_env(variables)):
        assert await status(InstanceGuard(_application), [(b"x-consul-instance", b"any")]) == 200, why


async def test_the_first_refusal_is_told(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    guard = InstanceGuard(_application, instance="a")
    for _ in range(3):
        assert await status(guard, [(b"x-consul-instance", b"b")]) == 421
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "refused a health check that is meant for 'b', and not for a"


async def test_other_scopes_pass() -> None:
    """A lifespan scope has no headers."""
    seen = []

    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def unused(*_arguments: object) -> Message:
        raise AssertionError

    await InstanceGuard(application, instance="a")({"type": "lifespan"}, unused, unused)
    assert seen == ["lifespan"]
