"""Leaving: confirmed by an agent that has it, from all agents, and nothing that fails hangs it."""

import logging
import random
import time

from consul_init import keeper as module
from consul_init.leaving import Leaving

from ..fake_consul import Consul, wait_for
from .logged import lines


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
