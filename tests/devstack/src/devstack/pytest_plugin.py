"""Fixtures on a running stack; `pytest_plugins = ["devstack.pytest_plugin"]` in the topmost conftest.py loads them.

Under pytest-xdist each worker has a stack of its own: faults, restarts and cluster-wide objects of one test then
never meet another test, and a stack is up in a few seconds. Programs are not built here, where nobody would see
it: `devstack build --all` comes first.
"""

import os
import secrets
import shutil
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from devstack.builder import build
from devstack.errors import BuildFailed, NotBuilt
from devstack.find import Binaries, require
from devstack.handles.answers import accepted
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.instances import prune_test_stacks, test_stack_directory
from devstack.parts.consul import Consul
from devstack.paths import shown
from devstack.product import Operator, install, start_operator
from devstack.programs import DEMO, STACK
from devstack.stack import Stack

_DIRECTORIES = pytest.StashKey[list[Path]]()


class FreshStack(Protocol):
    """Starts a stack for one test alone, which may kill and wipe what it likes."""

    def __call__(self, *, controller_manager: bool = False) -> Stack: ...


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_DIRECTORIES] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test says where the logs of its parts are."""
    report = yield
    directories = item.config.stash[_DIRECTORIES]
    if report.failed and directories:
        logs = "\n".join(shown(directory / "logs") for directory in directories)
        report.sections.append(("logs of the devstack", logs))
    return report


@contextmanager
def _running(binaries: Binaries, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack with a folder of its own, which is thrown away when no test has failed meanwhile."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    directory = test_stack_directory(worker)
    failed_before = request.session.testsfailed
    request.config.stash[_DIRECTORIES].append(directory)
    try:
        with Stack(directory, binaries) as running:
            yield running
    finally:
        request.config.stash[_DIRECTORIES].remove(directory)
        if request.session.testsfailed == failed_before and sys.exc_info()[0] is None:
            shutil.rmtree(directory, ignore_errors=True)


def _binaries(names: set[str]) -> Binaries:
    """Programs, found or built before; the gateway (a second) is built where its sources changed."""
    try:
        return require(names - {"gateway"}) | build(["gateway"])
    except (NotBuilt, BuildFailed) as error:
        reason = str(error)
    pytest.fail(reason, pytrace=False)


@pytest.fixture(scope="session")
def devstack_binaries() -> Binaries:
    """A stack's programs."""
    return _binaries(set(STACK))


@pytest.fixture(scope="session")
def stack(devstack_binaries: Binaries, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The worker's stack, with kube-controller-manager. Its parts stay up: kill those of a `fresh_stack`."""
    prune_test_stacks()
    with _running(devstack_binaries, request) as running:
        yield running
        running.check()


@pytest.fixture(scope="session")
def operator(stack: Stack) -> Operator:
    """The operator on the worker's stack, under its own account's rights: drift rounds each 2 s, for all tests."""
    install(stack)
    return start_operator(stack, {"ECHOROUTE_DRIFT_INTERVAL": "2s"})


@pytest.fixture(scope="session")
def breakable_stack(devstack_binaries: Binaries, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack with the CRD for tests that kill and wipe its parts, and put them right again: one for all of these."""
    with _running({name: devstack_binaries[name] for name in DEMO}, request) as running:
        install(running)
        yield running


@pytest.fixture(scope="session")
def stack_without_kubernetes(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Consul and gateway alone, for what needs no cluster."""
    with _running(_binaries({"consul", "gateway"}), request) as running:
        yield running
        running.check()


@pytest.fixture
def fresh_stack(devstack_binaries: Binaries, request: pytest.FixtureRequest) -> Iterator[FreshStack]:
    """A factory; what it has started ends with the test."""
    without = {name: devstack_binaries[name] for name in DEMO}
    with ExitStack() as running:

        def start(*, controller_manager: bool = False) -> Stack:
            binaries = devstack_binaries if controller_manager else without
            return running.enter_context(_running(binaries, request))

        yield start


@pytest.fixture
def kube(stack: Stack) -> Kube:
    """The Kubernetes API, as cluster-admin."""
    return stack.kube


@pytest.fixture
def namespace(kube: Kube) -> Iterator[str]:
    """A namespace of the test's own; it goes away in the background afterwards."""
    name = f"test-{secrets.token_hex(4)}"
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    accepted(kube.http.post("/api/v1/namespaces", json=manifest))
    yield name
    accepted(kube.http.delete(f"/api/v1/namespaces/{name}"))


@pytest.fixture
def consul(stack: Stack) -> Iterator[ConsulApi]:
    """Consul; what the test registers is deregistered afterwards."""
    api = stack.consul.api
    before = api.registered()
    yield api
    for instance in api.registered() - before:
        api.deregister(instance)


@pytest.fixture(scope="session")
def second_datacenter(stack: Stack) -> Consul:
    """A Consul that is `dc2`, joined with the stack's own. A test that stops it starts it again."""
    return stack.start_datacenter("dc2")


@pytest.fixture
def gateway(stack: Stack) -> Iterator[GatewayApi]:
    """The gateway; faults end with the test, objects stay."""
    yield stack.gateway.api
    stack.gateway.api.clear_faults()
