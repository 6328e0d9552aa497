"""What the echo service answers."""

from collections.abc import AsyncIterator

import httpx
import pytest
from consul_init import Registration, Settings, SettingsError
from echo_service.app import create_app
from echo_service.settings import EchoSettings

VARIABLES = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", "SERVICE_ADDRESS": "127.0.0.1", "POD_NAME": "echo-1"}


def client(**variables: str) -> httpx.AsyncClient:
    environ = {**VARIABLES, **variables}
    app = create_app(EchoSettings.from_env(environ), Registration.from_settings(Settings.from_env(environ)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://echo.example")


@pytest.fixture
async def echo() -> AsyncIterator[httpx.AsyncClient]:
    async with client(SERVICE_VERSION="2") as each:
        yield each


async def test_what_does_not_register_itself_answers_the_checks_of_whoever_did() -> None:
    settings = Settings.from_env(VARIABLES)
    app = create_app(EchoSettings.from_env(VARIABLES), Registration.from_settings(settings), registers=False)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://echo.example") as each:
        answer = await each.get("/health", headers={"X-Consul-Instance": "echo-10.0.0.7-8000"})
    assert answer.status_code == 200


async def test_hello(echo: httpx.AsyncClient) -> None:
    assert (await echo.get("/hello")).json() == {"message": "hello world", "version": 2}


@pytest.mark.parametrize(
    ("variables", "version", "why"),
    [
        ({}, 1, "the first"),
        ({"SERVICE_VERSION": "3"}, 3, "a number stays a number"),
        ({"SERVICE_TAGS": "a,version:4"}, 4, "the tag in Consul says it too"),
        ({"SERVICE_TAGS": '["a,b", "version:5"]'}, 5, "the same as JSON"),
        ({"SERVICE_VERSION": "v1.2"}, "v1.2", "a name is a version too"),
    ],
)
async def test_version(variables: dict[str, str], version: int | str, why: str) -> None:
    async with client(**variables) as echo:
        assert (await echo.get("/hello")).json()["version"] == version, why


@pytest.mark.parametrize("path", ["/info", "/info/a/b"])
async def test_info_shows_what_arrived(echo: httpx.AsyncClient, path: str) -> None:
    answer = (await echo.put(f"{path}?q=1", headers={"X-Test": "yes"})).json()
    assert (answer["method"], answer["path"], answer["query"]) == ("PUT", path, "q=1")
    assert (answer["host"], answer["headers"]["x-test"]) == ("echo.example", "yes")
    assert (answer["pod"], answer["instance"], answer["version"]) == ("echo-1", "echo-127.0.0.1-8000", 2)


async def test_health_can_be_made_to_fail_when_that_is_allowed() -> None:
    async with client(ECHO_ALLOW_FAIL="true") as echo:
        assert (await echo.get("/health")).status_code == 200
        assert (await echo.post("/health/fail")).status_code == 200
        assert (await echo.get("/health")).status_code == 503
        assert (await echo.get("/hello")).status_code == 200
        await echo.post("/health/recover")
        assert (await echo.get("/health")).status_code == 200


async def test_health_cannot_be_made_to_fail_otherwise(echo: httpx.AsyncClient) -> None:
    assert (await echo.post("/health/fail")).status_code == 404
    assert (await echo.get("/health")).status_code == 200


async def test_a_dead_pods_health_check_is_refused(echo: httpx.AsyncClient) -> None:
    """Another pod's registration at this address must not pass because we answer."""
    assert (await echo.get("/health", headers={"X-Consul-Instance": "other-127.0.0.1-8000"})).status_code == 421
    assert (await echo.get("/health", headers={"X-Consul-Instance": "echo-127.0.0.1-8000"})).status_code == 200


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"SERVICE_PORT": "http"}, "SERVICE_PORT is 'http'"),
        ({"SERVICE_PORT": "65536"}, "SERVICE_PORT is '65536'"),
        ({"ECHO_ALLOW_FAIL": "perhaps"}, "ECHO_ALLOW_FAIL is 'perhaps'"),
    ],
)
def test_wrong_variable(variables: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        EchoSettings.from_env(variables)


def test_loopback_by_default() -> None:
    assert EchoSettings.from_env({}).bind == "127.0.0.1"
