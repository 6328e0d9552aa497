"""The stand-in gateway's control API: it counts what it is asked, and misbehaves as it is told."""

import json
import re
import time
from pathlib import Path

import httpx
import pytest
from pydantic import JsonValue

from .standin import StandIn, running_standin

_ROUTE = '{"uri": "/t", "upstream": {"type": "roundrobin", "nodes": {"127.0.0.1:1": 1}}}'
_NO_CONSUL = "http://127.0.0.1:1"


def _put(gateway: StandIn, route: str = "r1") -> int:
    return gateway.target.admin("PUT", f"/routes/{route}", _ROUTE).status_code


def _fault(gateway: StandIn, **fault: JsonValue) -> None:
    gateway.control("POST", "/faults", fault)


def _stats(gateway: StandIn) -> dict[str, JsonValue]:
    stats = gateway.control("GET", "/stats")
    assert isinstance(stats, dict)
    return stats


def _ids(gateway: StandIn) -> list[str]:
    return [item["value"]["id"] for item in gateway.target.admin("GET", "/routes").json()["list"]]


def test_requests_are_counted(calm: StandIn) -> None:
    _put(calm)
    _put(calm)
    calm.target.admin("GET", "/routes/r1")
    calm.target.admin("GET", "/upstreams")
    calm.target.admin("DELETE", "/routes/nosuch")
    stats = _stats(calm)
    assert stats["requests"] == {
        "routes": {"PUT": {"201": 1, "200": 1}, "GET": {"200": 1}, "DELETE": {"404": 1}},
        "upstreams": {"GET": {"200": 1}},
    }
    assert (stats["reads"], stats["writes"]) == (2, 3)
    assert stats["objects"] == {"routes": 1, "upstreams": 0}


def test_writes_are_logged_from_a_point_on(calm: StandIn) -> None:
    before = _stats(calm)["seq"]
    started = time.time()
    _put(calm, "a")
    calm.target.admin("PUT", "/routes/b", "{}")
    writes = calm.control("GET", f"/writes?since={before}")
    assert isinstance(writes, list)
    told = [
        {key: write[key] for key in ("method", "kind", "id", "status")} for write in writes if isinstance(write, dict)
    ]
    assert told == [
        {"method": "PUT", "kind": "routes", "id": "a", "status": 201},
        {"method": "PUT", "kind": "routes", "id": "b", "status": 400},
    ]
    times = [write["time"] for write in writes if isinstance(write, dict)]
    assert all(isinstance(at, float) and abs(at - started) < 30 for at in times)


def test_all_objects_can_be_lost(calm: StandIn) -> None:
    _put(calm)
    calm.control("POST", "/wipe")
    assert _ids(calm) == []
    assert calm.target.request("/t").status_code == 404


def test_the_directories_can_be_lost_with_them(calm: StandIn) -> None:
    _put(calm)
    calm.control("POST", "/wipe?directories=true")
    answers = [calm.target.admin("GET", f"/{kind}") for kind in ("routes", "upstreams")]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(404, {"message": "Key not found"})] * 2
    _put(calm)
    assert _ids(calm) == ["r1"]
    calm.control("POST", "/wipe")
    assert _ids(calm) == []


def test_a_status_for_the_next_requests(calm: StandIn) -> None:
    _fault(calm, action="status", status=503, count=2)
    assert [_put(calm) for _ in range(3)] == [503, 503, 201]


def test_a_fault_of_writes_leaves_reads_alone(calm: StandIn) -> None:
    _fault(calm, action="status", status=429, message="slow down", writes=True)
    answer = calm.target.admin("PUT", "/routes/r1", _ROUTE)
    assert (answer.status_code, answer.json()) == (429, {"error_msg": "slow down"})
    assert _ids(calm) == []
    calm.control("DELETE", "/faults")
    assert _put(calm) == 201


def test_a_fault_of_some_ids(calm: StandIn) -> None:
    _fault(calm, action="status", status=400, id_contains="bad", kind="routes")
    assert [_put(calm, route) for route in ("good", "a-bad-one")] == [201, 400]


def test_a_delay(calm: StandIn) -> None:
    _fault(calm, action="delay", delay_ms=300, methods=["PUT"], count=1)
    started = time.monotonic()
    assert _put(calm) == 201
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize(
    ("action", "stored"),
    [
        pytest.param("drop_before", [], id="nothing was done"),
        pytest.param("drop_after", ["r1"], id="it was done, and nobody said so"),
    ],
)
def test_a_connection_is_cut(calm: StandIn, action: str, stored: list[str]) -> None:
    _fault(calm, action=action, count=1)
    with pytest.raises(httpx.TransportError):
        _put(calm)
    assert _ids(calm) == stored
    assert _stats(calm)["requests"] == {"routes": {"PUT": {"0": 1}, "GET": {"200": 1}}}


def test_it_stops_listening_and_listens_again(calm: StandIn) -> None:
    _put(calm)
    _fault(calm, action="refuse")
    with pytest.raises(httpx.ConnectError):
        _put(calm)
    calm.control("DELETE", "/faults")
    assert _put(calm) == 200


def test_another_admin_key(calm: StandIn) -> None:
    for key in ("second", "third"):
        _fault(calm, action="admin_key", key=key)
        assert _put(calm) == 401
    calm.control("DELETE", "/faults")
    assert _put(calm) == 201


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        pytest.param({"action": "explode"}, "action", id="an action that there is not"),
        pytest.param({"action": "status"}, "status", id="no status"),
        pytest.param({"action": "delay"}, "delay_ms", id="no delay"),
        pytest.param({"action": "admin_key"}, "key", id="no key"),
        pytest.param({"action": "refuse", "status_code": 500}, "status_code", id="a field that there is not"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(calm: StandIn, fault: dict[str, JsonValue], names: str) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        calm.control("POST", "/faults", fault)
    assert refused.value.response.status_code == 400
    assert names in refused.value.response.json()["error"]
    assert calm.control("GET", "/faults") == []


def test_no_acknowledged_write_is_lost_by_a_kill(tmp_path: Path) -> None:
    data = f"--data={tmp_path / 'objects'}"
    with running_standin(tmp_path, _NO_CONSUL, data) as gateway:
        for number in range(100):
            assert _put(gateway, f"r{number:03}") == 201
        gateway.target.admin("DELETE", "/routes/r000").raise_for_status()
        before = gateway.target.admin("GET", "/routes").json()
        gateway.kill()
    with running_standin(tmp_path, _NO_CONSUL, data) as gateway:
        assert gateway.target.admin("GET", "/routes").json() == before
        assert before["total"] == 99


def test_it_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    with running_standin(tmp_path, _NO_CONSUL) as gateway:
        gateway.process.terminate()
        assert gateway.process.wait(timeout=10) == 0


def test_it_says_that_it_only_stands_in(calm: StandIn) -> None:
    assert calm.target.request("/t").headers["server"] == "APISIX/3.18.0-standin"
    assert calm.target.admin("GET", "/routes").headers["server"] == "APISIX/3.18.0-standin"


def _split(gateway: StandIn, upstream: str) -> int:
    rules: JsonValue = [{"weighted_upstreams": [{"upstream_id": upstream}]}]
    route = json.loads(_ROUTE) | {"plugins": {"traffic-split": {"rules": rules}}}
    return gateway.target.admin("PUT", "/routes/r1", json.dumps(route)).status_code


def _upstream(gateway: StandIn, name: str) -> int:
    return gateway.target.admin("PUT", f"/upstreams/{name}", '{"type": "roundrobin", "nodes": []}').status_code


def _delete_upstream(gateway: StandIn, name: str) -> httpx.Response:
    return gateway.target.admin("DELETE", f"/upstreams/{name}")


def test_a_data_plane_that_lags_sees_a_write_later(calm: StandIn) -> None:
    _fault(calm, action="lag", delay_ms=600_000)
    assert _put(calm) == 201
    assert _ids(calm) == ["r1"]
    assert calm.target.request("/t").status_code == 404
    calm.control("DELETE", "/faults")
    assert calm.target.request("/t").status_code == 502  # nobody listens at its node


def test_one_kind_alone_may_lag(calm: StandIn) -> None:
    _fault(calm, action="lag", kind="upstreams", delay_ms=600_000)
    _upstream(calm, "u1")
    _split(calm, "u1")
    assert calm.target.request("/t").status_code == 500  # the Route is there, and what it names is not
    calm.control("DELETE", "/faults")
    assert calm.target.request("/t").status_code == 503  # no nodes


def test_a_check_that_lags_refuses_what_is_free_and_lets_go_what_is_used(calm: StandIn) -> None:
    for name in ("old", "new"):
        _upstream(calm, name)
    _split(calm, "old")
    _fault(calm, action="lag_check", delay_ms=600_000)
    _split(calm, "new")
    refused = _delete_upstream(calm, "old")
    assert refused.status_code == 400
    assert "plugin in route [r1] is still using it now" in refused.text
    assert _delete_upstream(calm, "new").status_code == 200
    calm.control("DELETE", "/faults")
    assert _delete_upstream(calm, "old").status_code == 200


def test_request_ids_follow_from_their_seed(calm: StandIn) -> None:
    told = json.dumps({"uri": "/t", "plugins": {"mocking": {"response_example": "$request_id"}}})
    assert calm.target.admin("PUT", "/routes/r1", told).status_code == 201
    runs = []
    for seed in (7, 7, 8):
        calm.control("POST", "/request-ids", {"seed": seed})
        runs.append([calm.target.request("/t").text for _ in range(3)])
    assert runs[0] == runs[1] != runs[2]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for run in runs for one in run)
    assert len({one for run in runs for one in run}) == 6


@pytest.mark.parametrize(
    "fault", [{"action": "lag"}, {"action": "lag", "delay_ms": 1, "kind": "nosuch"}, {"action": "lag_check"}]
)
def test_a_lag_that_says_too_little_is_refused(calm: StandIn, fault: dict[str, JsonValue]) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        calm.control("POST", "/faults", fault)
