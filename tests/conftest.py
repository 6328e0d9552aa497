"""For all tests: the devstack's fixtures (a running etcd, Kubernetes API, Consul and gateway), figures, and properties.

Property tests: the same examples in each run, on a busy machine too; `--hypothesis-profile=wide` looks further.
"""

import signal
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("gate", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("wide", parent=settings.get_profile("gate"), derandomize=False, max_examples=2000)
settings.load_profile("gate")

pytest_plugins = ["devstack.pytest_plugin"]


def pytest_configure() -> None:
    # A shell starts what runs in its background with the first two ignored, nohup with the third; programs that tests
    # start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


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
