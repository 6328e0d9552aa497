"""CONSUL_HTTP_ADDR, in the forms that Consul's own clients take."""

import pytest
from echoroute.consul.config import base_url
from echoroute.errors import SettingsError


@pytest.mark.parametrize(
    ("address", "ssl", "url"),
    [
        ("127.0.0.1:8500", False, "http://127.0.0.1:8500"),
        ("consul.service:8500", True, "https://consul.service:8500"),
        ("http://consul:8500", False, "http://consul:8500"),
        ("http://consul:8500", True, "https://consul:8500"),
        ("https://consul:8501/", False, "https://consul:8501"),
        ("https://proxy/consul/", False, "https://proxy/consul"),
        ("consul", False, "http://consul"),
        ("[::1]:8500", False, "http://[::1]:8500"),
        (" 127.0.0.1:8500\n", False, "http://127.0.0.1:8500"),
    ],
)
def test_forms_that_are_taken(address, ssl, url):
    assert base_url(address, ssl=ssl) == url


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("unix:///var/run/consul.sock", "unix sockets are not supported; give host:port"),
        ("tcp://consul:8500", "tcp:// is not known; write host:port"),
        ("", "must look like"),
        ("http://", "must look like"),
        (":8500", "must look like"),
        ("consul:port", "must look like"),
        ("http://consul:8500?token=hunter2", "must look like"),
        ("http://me:hunter2@consul:8500", "must not hold a user or password"),
    ],
)
def test_forms_that_are_refused_say_what_to_write(address, problem):
    with pytest.raises(SettingsError, match="CONSUL_HTTP_ADDR") as caught:
        base_url(address, ssl=False)
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)
