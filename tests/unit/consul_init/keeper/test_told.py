"""What is told while it is kept: each trouble once, and what Consul's own check says."""

import time

from consul_init import keeper as module
from consul_init import state
from consul_init.state import State

from ..fake_consul import Consul, wait_for
from .logged import lines


def test_every_line_has_the_service_id(scripted, keep, caplog):
    keeper = keep(scripted(Consul()).port)
    wait_for(lambda: lines(caplog, "registered with the agent"))
    keeper.leave()
    ours = [record for record in caplog.records if record.name == "consul_init"]
    assert len(ours) >= 3
    assert {record.service_id for record in ours} == {"echo-10.0.0.7-8000"}
    assert all(record.getMessage().startswith("echo-10.0.0.7-8000: ") for record in ours)


def test_each_trouble_is_told_once_and_its_end_too(closed_port, scripted, keep, caplog):
    keep(closed_port)
    time.sleep(0.5)  # some ten attempts
    assert len(lines(caplog, "serving and trying on")) == 1
    scripted(Consul(), port=closed_port)
    wait_for(lambda: lines(caplog, "Consul answers again"))
    assert len(lines(caplog, "serving and trying on")) == 1


REFUSED = 'Get "http://10.0.0.7:8000/health": dial tcp 10.0.0.7:8000: connect: connection refused'


def test_what_consuls_check_says_is_told(scripted, keep, caplog, monkeypatch):
    """Bound to loopback, a wrong port, a NetworkPolicy: nothing else tells the person who runs it."""
    monkeypatch.setattr(state, "_TOLD_AFTER", 0.1)
    consul = Consul()
    consul.status, consul.output = "critical", REFUSED
    keeper = keep(scripted(consul).port)
    wait_for(lambda: lines(caplog, "gets no traffic"))
    assert keeper.observed.state is State.CRITICAL
    asked = consul.asked
    wait_for(lambda: consul.asked > asked + 5)
    (told,) = lines(caplog, "gets no traffic: Consul's check is critical")
    assert REFUSED in told
    assert "0.0.0.0" in told  # noqa: S104 - the hint
    consul.status, consul.output = "passing", "HTTP GET: 200 OK"
    wait_for(lambda: lines(caplog, "passing: Consul's check finds it good"))
    consul.status, consul.output = "critical", "HTTP GET: 503"
    wait_for(lambda: len(lines(caplog, "gets no traffic")) == 2)
    assert "503" in lines(caplog, "gets no traffic")[1]


def test_a_single_bad_answer_is_not_told(scripted, keep, caplog):
    consul = Consul()
    keeper = keep(scripted(consul).port)
    wait_for(lambda: keeper.observed.state is State.PASSING)
    consul.status = "critical"
    wait_for(lambda: keeper.observed.state is State.CRITICAL)
    consul.status = "passing"
    wait_for(lambda: keeper.observed.state is State.PASSING)
    assert lines(caplog, "gets no traffic") == []


def test_what_consul_has_removed_because_it_failed_is_not_called_lost(scripted, keep, caplog, monkeypatch):
    """Else a live instance that fails looks like a Consul that forgets, every 90 s."""
    consul = Consul()
    consul.status, consul.output = "critical", REFUSED
    keeper = keep(scripted(consul).port)
    wait_for(lambda: keeper.observed.state is State.CRITICAL)
    monkeypatch.setattr(keeper.observed, "failing_for", lambda: 61.0)
    consul.held.clear()
    wait_for(lambda: lines(caplog, "registering again"))
    (told,) = lines(caplog, "registering again")
    assert "its check has failed for 61 s" in told
    assert REFUSED in told


def test_what_was_not_seen_for_long_is_not_called_lost(scripted, keep, caplog, monkeypatch):
    """This process was frozen, or starved of CPU, for longer than Consul keeps an instance that fails."""
    consul = Consul()
    keeper = keep(scripted(consul).port)
    wait_for(lambda: keeper.observed.state is State.PASSING)
    now = time.monotonic
    monkeypatch.setattr(module.time, "monotonic", lambda: now() + 61.0)
    consul.held.clear()
    wait_for(lambda: lines(caplog, "registering again"))
    assert "last seen 61 s ago" in lines(caplog, "registering again")[0]
