"""Events: bounded in number and rate, tried again while the API server is away, and never in anybody's way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from echoroute.core.objects import JsonObject, Key
from echoroute.errors import KubernetesError, NotLeading
from echoroute.kube import events
from echoroute.kube.events import EventRecorder, echoroute
from prometheus_client import REGISTRY

WEB = echoroute(Key("shop", "web"), "uid-1")


class Api:
    """Takes Events, or raises what it is told to."""

    def __init__(self) -> None:
        self.created: list[tuple[str, JsonObject]] = []
        self.failures: list[KubernetesError | NotLeading] = []
        self.tries = 0
        self.news = asyncio.Event()

    async def create(self, path: str, body: JsonObject) -> JsonObject:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        self.created.append((path, body))
        self.news.set()
        return body


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_PER_SECOND", 10_000.0)
    monkeypatch.setattr(events, "_FIRST_RETRY", 0.001)


@asynccontextmanager
async def running(recorder: EventRecorder) -> AsyncIterator[None]:
    task = asyncio.create_task(recorder.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def created(api: Api, number: int) -> None:
    async with asyncio.timeout(10):
        while len(api.created) < number:
            api.news.clear()
            await api.news.wait()


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("echoroute_events_dropped_total", {"reason": reason}) or 0


async def test_an_event_is_what_kubectl_describe_shows() -> None:
    api = Api()
    recorder = EventRecorder(api)
    recorder.record(WEB, "Warning", "GatewayRejected", "x" * 5000)
    async with running(recorder):
        await created(api, 1)
    [(path, body)] = api.created
    assert path == "/api/v1/namespaces/shop/events"
    assert body["involvedObject"] == {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "namespace": "shop",
        "name": "web",
        "uid": "uid-1",
    }
    assert len(str(body["message"])) == 1024, "the API server refuses longer ones"


async def test_a_storm_is_cut() -> None:
    api, before = Api(), dropped("rate")
    recorder = EventRecorder(api)
    for number in range(80):
        recorder.record(WEB, "Normal", "Ready", str(number))
    assert dropped("rate") - before == 30
    async with running(recorder):
        await created(api, 50)
    assert [body["message"] for _, body in api.created] == [str(number) for number in range(50)]


@pytest.mark.parametrize("status", [0, 401, 403, 429, 500, 503])
async def test_an_api_server_that_is_away_or_refuses_the_right_is_tried_again(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    api = Api()
    api.failures = [KubernetesError("not now", status=status)] * 3
    recorder = EventRecorder(api)
    recorder.record(WEB, "Warning", "Conflicted", "first")
    recorder.record(WEB, "Normal", "Ready", "second")
    async with running(recorder):
        await created(api, 2)
    told = [body["message"] for _, body in api.created]
    assert (sorted(told) if status == 403 else told) == ["first", "second"], "one that is put off may come second"
    assert recorder.writing.message == ""
    said = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert len(said) == (0 if status == 0 else 1), "said once; that nobody answers is said by the list"


@pytest.mark.parametrize(
    ("why", "error"),
    [
        ("its namespace is gone", KubernetesError('namespaces "shop" not found', status=404)),
        ("its namespace is going", KubernetesError("unable to create: it is being terminated", status=403)),
        ("the API server does not take it as it is", KubernetesError("invalid", status=422)),
    ],
)
async def test_an_event_that_nobody_can_take_is_dropped(why: str, error: KubernetesError) -> None:
    api, before = Api(), dropped("refused")
    api.failures = [error]
    recorder = EventRecorder(api)
    recorder.record(WEB, "Warning", "Conflicted", "first")
    recorder.record(WEB, "Normal", "Ready", "second")
    async with running(recorder):
        await created(api, 1)
    assert api.tries == 2, why
    assert [body["message"] for _, body in api.created] == ["second"], why
    assert dropped("refused") - before == 1
    assert recorder.writing.message == "", "no trouble of the operator's"


async def test_a_namespace_without_the_right_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    class OneRefuses(Api):
        async def create(self, path: str, body: JsonObject) -> JsonObject:
            if "/lab/" in path:
                self.tries += 1
                raise KubernetesError("forbidden", status=403)
            return await super().create(path, body)

    api, before = OneRefuses(), dropped("refused")
    recorder = EventRecorder(api)
    for number in range(20):
        recorder.record(echoroute(Key("lab", "web"), "uid-2"), "Warning", "Conflicted", f"refused-{number}")
        recorder.record(WEB, "Warning", "Conflicted", str(number))
    async with running(recorder):
        await created(api, 20)
        assert "forbidden" in recorder.writing.message, "told as long as it is so"
        async with asyncio.timeout(10):
            while dropped("refused") - before < 20:  # noqa: ASYNC110 - a metric has no events
                await asyncio.sleep(0.01)
    assert [body["message"] for _, body in api.created] == [str(number) for number in range(20)]
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


async def test_what_a_standby_has_to_tell_is_not_told_later_when_it_leads() -> None:
    api, before = Api(), dropped("standby")
    api.failures = [NotLeading(), NotLeading()]
    recorder = EventRecorder(api)
    async with running(recorder):
        for reason in ("ConsulUnreachable", "ConsulReachable", "Leading"):
            recorder.record(WEB, "Normal", reason, "")
        await created(api, 1)
    assert [body["reason"] for _, body in api.created] == ["Leading"]
    assert dropped("standby") - before == 2
    assert recorder.writing.message == ""
