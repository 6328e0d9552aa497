"""A health check that is meant for a dead pod is refused."""

import pytest
from consul_init import InstanceGuard, Registration, Settings
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


async def test_guard_reads_the_environment_like_the_lifespan(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", "POD_IP": "10.0.0.7", "POD_UID": "new"}
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    instance = Registration.from_settings(Settings.from_env(variables)).instance
    guard = InstanceGuard(_application)
    assert await status(guard, [(b"x-consul-instance", instance.encode())]) == 200
    assert await status(guard, [(b"x-consul-instance", b"else")]) == 421


async def test_other_scopes_pass() -> None:
    """A lifespan scope has no headers."""
    seen = []

    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def unused(*_arguments: object) -> Message:
        raise AssertionError

    await InstanceGuard(application, instance="a")({"type": "lifespan"}, unused, unused)
    assert seen == ["lifespan"]
