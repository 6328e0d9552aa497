"""For all tests: the devstack's fixtures (a running etcd, Kubernetes API, Consul and gateway), and figures."""

import signal
from collections.abc import Callable

import pytest

pytest_plugins = ["devstack.pytest_plugin"]


def pytest_configure() -> None:
    # A shell starts what runs in its background with these ignored, and programs that tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes a line with what was measured, for the end of the run."""
    return lambda line: record_property("figure", line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [each for each in terminalreporter.getreports("passed") if each.when == "call"]
    lines = [value for each in reports for name, value in each.user_properties if name == "figure"]
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(str(line))
