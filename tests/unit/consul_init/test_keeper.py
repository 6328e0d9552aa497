"""The keeper where Consul misbehaves in ways a real one cannot be asked to. With a real one: tests/integration."""

import itertools
import logging
import random
import time

import pytest
from consul_init import keeper as module
from consul_init import state
from consul_init.keeper import Keeper
from consul_init.leaving import Leaving
from consul_init.registration import Registration
from consul_init.settings import Settings
from consul_init.state import State

from .fake_consul import NOT_FOUND, Consul, wait_for


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(module, "_POLL", (0.02, 0.03))
    monkeypatch.setattr(module, "_BACKOFF_FIRST", 0.02)
    monkeypatch.setattr(module, "_BACKOFF_MOST", 0.05)
    monkeypatch.setattr(module, "_BACKOFF_DENIED", 0.05)
    monkeypatch.setattr(module, "_READY_POLL", 0.02)
    monkeypatch.setattr(module, "_FIRST_POLL", 0.02)


@pytest.fixture
def keep(caplog):
    """A factory of started keepers, which leave after the test."""
    caplog.set_level(logging.INFO, "consul_init")
    keepers: list[Keeper] = []

    def start(port: int, **variables: str) -> Keeper:
        base = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", "SERVICE_ADDRESS": "10.0.0.7"}
        settings = Settings.from_env({**base, "CONSUL_HTTP_ADDR": f"127.0.0.1:{port}", **variables})
        keeper = Keeper(Registration.from_settings(settings), settings.consul)
        keepers.append(keeper)
        keeper.start()
        return keeper

    yield start
    for each in keepers:
        each.leave()


def lines(caplog, text: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if text in record.getMessage()]


def test_nothing_is_written_while_it_is_true(scripted, keep):
    consul = Consul()
    server = scripted(consul)
    keep(server.port)
    wait_for(lambda: len(server.seen) > 10)
    assert consul.registrations == 1


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


@pytest.mark.parametrize("lost", ["/register", "/health/"])
def test_what_an_answer_was_lost_for_is_not_written_again(scripted, keep, caplog, lost):
    """A Consul that cannot keep up would get ever more to write from all who wait for it."""
    consul, failures = Consul(), iter([True])

    def reply(seen):
        answer = consul(seen)
        if lost in seen.path and next(failures, False):
            return (429, "too many concurrent connections")
        return answer

    keep(scripted(reply).port)
    wait_for(lambda: lines(caplog, "registered with the agent"))
    assert consul.registrations == 1
    assert len(lines(caplog, "serving and trying on")) == 1


def test_a_token_that_is_replaced_twice_and_may_not_write_at_first(scripted, keep, tmp_path, caplog):
    """The former registration stays, and what its check says is still noticed; the last token is the one it has."""
    consul, tokens, file = Consul(), [], tmp_path / "token"

    def reply(seen):
        token = seen.headers["X-Consul-Token"]
        if "/register" in seen.path:
            if token == "second":
                return (403, "Permission denied")
            tokens.append(token)
            if token == "third":
                file.write_text("fourth")  # while the registration with the third is under way
        return consul(seen)

    file.write_text("first")
    server = scripted(reply)
    keeper = keep(server.port, CONSUL_HTTP_TOKEN_FILE=str(file))
    wait_for(lambda: keeper.observed.state is State.PASSING)
    file.write_text("second")
    wait_for(lambda: lines(caplog, "Permission denied"))
    consul.status = "critical"
    wait_for(lambda: keeper.observed.state is State.CRITICAL)
    assert tokens == ["first"]
    file.write_text("third")
    wait_for(lambda: tokens == ["first", "third", "fourth"])
    asked = len(server.seen)
    wait_for(lambda: len(server.seen) > asked + 5)
    assert tokens == ["first", "third", "fourth"]
    assert len(lines(caplog, "Permission denied")) == 1


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        ([False, False], "the ordinary case"),
        ([True, False], "the answer to the first registration was lost: it may have been made, with the first token"),
        ([False, True], "the answer to the second was lost: it may not have been made"),
    ],
)
def test_a_new_token_is_given_to_the_registration(scripted, keep, tmp_path, lost, why):
    """Consul's agent keeps the token of the register call; what it does with a revoked one: tests/integration."""
    consul, tokens, losses = Consul(), [], iter(lost)

    def reply(seen):
        if "/register" in seen.path and next(losses, False):
            if len(tokens) == 1:
                return (500, "not carried out")
            consul(seen)
            tokens.append(seen.headers["X-Consul-Token"])
            return (500, "carried out, and the answer lost")
        if "/register" in seen.path:
            tokens.append(seen.headers["X-Consul-Token"])
        return consul(seen)

    file = tmp_path / "token"
    file.write_text("first")
    server = scripted(reply)
    keep(server.port, CONSUL_HTTP_TOKEN_FILE=str(file))
    wait_for(lambda: tokens == ["first"] and len(server.seen) > 5)
    (tmp_path / "new").write_text("second")
    (tmp_path / "new").replace(file)
    wait_for(lambda: tokens == ["first", "second"])
    asked = len(server.seen)
    wait_for(lambda: len(server.seen) > asked + 5)
    assert tokens == ["first", "second"], why


def test_denied_is_an_error_that_names_the_permission_and_is_tried_again(scripted, keep, caplog):
    """The token may be given the permission, or its file replaced."""
    consul, denied = Consul(), [True]
    server = scripted(lambda seen: (403, "Permission denied") if denied[0] else consul(seen))
    keep(server.port)
    wait_for(lambda: len(server.seen) > 3)
    told = [record for record in caplog.records if "service:write on 'echo'" in record.getMessage()]
    assert [record.levelno for record in told] == [logging.ERROR]
    denied[0] = False
    wait_for(lambda: consul.registrations == 1)


def test_accepted_and_not_kept_is_an_error(scripted, keep, caplog):
    """A 200 for a write that is not allowed, or another agent behind the same address."""
    scripted_port = scripted(lambda seen: (200, "") if seen.method == "PUT" else NOT_FOUND).port
    keep(scripted_port)
    wait_for(lambda: lines(caplog, "accepted the registration and does not have it"))
    told = lines(caplog, "accepted the registration")[0]
    assert "service:write" in told
    assert "status.hostIP" in told


def test_several_agents_behind_one_address_are_told_with_what_to_do(scripted, keep, caplog):
    """As a load balancer with random choice: requests go to one or the other of two agents."""
    agents = [Consul(), Consul()]
    agents[1].node = "node2"
    turn = itertools.cycle([0, 0, 1, 1, 1, 0, 1])

    def balance(seen):
        return agents[next(turn)](seen)

    keep(scripted(balance).port)
    wait_for(lambda: lines(caplog, "leads to several agents: node "))
    told = lines(caplog, "leads to several agents: node ")[0]
    assert "node1" in told
    assert "node2" in told
    assert "status.hostIP" in told


def test_what_is_in_front_of_consul_does_not_confirm_the_leaving(scripted, keep, caplog):
    """An ingress that has lost its backend says 404, too."""
    consul, lost = Consul(), [False]
    keeper = keep(scripted(lambda seen: (404, "default backend - 404") if lost[0] else consul(seen)).port)
    wait_for(lambda: lines(caplog, "registered with the agent"))
    lost[0] = True
    assert keeper.leave() is False
    assert lines(caplog, "not deregistered")


def test_an_agent_that_does_not_have_it_does_not_confirm_the_leaving(scripted, keep, caplog, monkeypatch):
    """It had it: this one is another, or has lost it and will be given it back by nobody."""
    monkeypatch.setattr(module, "_POLL", (60.0, 60.0))
    had, other, restarted = Consul(), Consul(), [False]

    def reply(seen):
        return (other if restarted[0] else had)(seen)

    keeper = keep(scripted(reply).port)
    wait_for(lambda: lines(caplog, "passing"))
    restarted[0] = True
    assert keeper.leave() is False
    assert lines(caplog, "not deregistered: this agent does not have it")


def test_what_several_agents_behind_one_address_have_is_removed_from_all(scripted, keep, caplog):
    consuls = [Consul(), Consul()]
    consuls[1].node = "node2"
    choice = random.Random(7)  # noqa: S311 - a balancer's

    def balance(seen):
        return choice.choice(consuls)(seen)

    keeper = keep(scripted(balance).port)
    wait_for(lambda: all(each.held for each in consuls) and lines(caplog, "leads to several agents"))
    assert keeper.leave() is True
    assert [each.held for each in consuls] == [{}, {}]


def test_where_consul_never_was_the_stop_waits_for_nothing(closed_port, keep, caplog):
    """A laptop without Consul: no retry, no drain, no error."""
    keeper = keep(closed_port)
    wait_for(lambda: lines(caplog, "serving and trying on"))
    leaving = Leaving(keeper, drain=20.0)
    began = time.monotonic()
    assert leaving.leave() is True
    assert time.monotonic() - began < 5 * 0.5
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_that_it_is_registered_again_is_told_once(scripted, keep, caplog):
    """Not at each attempt while Consul refuses."""
    consul, refusing = Consul(), [False]
    server = scripted(lambda seen: (500, "no leader") if refusing[0] and seen.method == "PUT" else consul(seen))
    keep(server.port)
    wait_for(lambda: lines(caplog, "registered with the agent"))
    refusing[0] = True
    consul.held.clear()
    asked = len(server.seen)
    wait_for(lambda: len(server.seen) > asked + 8)
    assert len(lines(caplog, "registering again: Consul has lost it")) == 1
    refusing[0] = False
    wait_for(lambda: len(lines(caplog, "registered with the agent")) == 2)
    consul.held.clear()
    wait_for(lambda: len(lines(caplog, "registering again: Consul has lost it")) == 2)


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


def test_a_mistake_of_ours_while_leaving_hangs_nothing(scripted, keep, caplog, monkeypatch):
    keeper = keep(scripted(Consul()).port)
    wait_for(lambda: lines(caplog, "registered with the agent"))
    monkeypatch.setattr(keeper._agent, "deregister", lambda *_a, **_k: 1 // 0)
    began = time.monotonic()
    assert keeper.leave() is False
    assert time.monotonic() - began < 5 * 0.5


def test_leaving_is_tried_again_where_nobody_listens(closed_port, scripted, keep):
    """The agent restarts at the same moment, as on a node that is drained."""
    consul = Consul()
    keeper = keep(closed_port)
    server = scripted(lambda seen: (500, "") if len(server.seen) < 2 else consul(seen), port=closed_port)
    assert keeper.leave() is True
    assert "deregister" in server.seen[-1].path


def test_a_condition_that_fails_does_not_end_the_keeper(scripted):
    consul, answers = Consul(), iter([ValueError("a mistake of ours"), False, True])
    base = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", "SERVICE_ADDRESS": "10.0.0.7"}
    settings = Settings.from_env({**base, "CONSUL_HTTP_ADDR": f"127.0.0.1:{scripted(consul).port}"})

    def ready() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    keeper = Keeper(Registration.from_settings(settings), settings.consul, ready)
    keeper.start()
    wait_for(lambda: consul.registrations == 1)
    assert keeper.leave() is True


def test_nothing_is_registered_after_leaving(scripted, keep):
    consul = Consul()
    server = scripted(consul)
    keeper = keep(server.port)
    wait_for(lambda: consul.registrations == 1)
    assert keeper.leave() is True
    asked = len(server.seen)
    time.sleep(0.2)
    assert (consul.held, len(server.seen)) == ({}, asked)
    assert keeper.leave() is True
    assert len(server.seen) == asked


def test_what_another_pod_has_registered_under_our_id_is_left_alone(scripted, keep, monkeypatch, caplog):
    """The same address was given to a new pod of the same service between our last look and our leaving."""
    monkeypatch.setattr(module, "_POLL", (60.0, 60.0))
    consul = Consul()
    keeper = keep(scripted(consul).port, POD_UID="old")
    wait_for(lambda: lines(caplog, "registered with the agent"))
    consul.held["echo-10.0.0.7-8000"]["Meta"] = {"pod-uid": "new"}
    assert keeper.leave() is True
    assert list(consul.held) == ["echo-10.0.0.7-8000"]
    assert lines(caplog, "not deregistered: pod new has this address now")
