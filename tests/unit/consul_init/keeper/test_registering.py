"""The registration: made once, made again where it is lost or has another token, and told where it cannot be."""

import itertools
import logging

import pytest
from consul_init.keeper import Keeper
from consul_init.registration import Registration
from consul_init.settings import Settings
from consul_init.state import State

from ..fake_consul import NOT_FOUND, Consul, wait_for
from .logged import lines


def test_nothing_is_written_while_it_is_true(scripted, keep):
    consul = Consul()
    server = scripted(consul)
    keep(server.port)
    wait_for(lambda: len(server.seen) > 10)
    assert consul.registrations == 1


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
