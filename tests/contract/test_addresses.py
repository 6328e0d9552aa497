"""`remote_addrs`: which addresses the gateway takes, and whom they match, as 127.0.0.1 says in X-Real-IP (realip)."""

import json
import time

import pytest

from .asking import ask
from .target import Target

_CLIENTS = ("", "10.9.9.9", "192.0.2.7", "2001:db8::7", "nonsense")
_NOBODY = ""


@pytest.mark.parametrize(
    ("address", "status", "matches", "why"),
    [
        ("127.0.0.1", 201, " nonsense", "the peer itself, and what is no address changes nothing"),
        ("10.0.0.0/8", 201, "10.9.9.9", "a network"),
        ("10.0.0.1/8", 201, "10.9.9.9", "an address of the network stands for the network"),
        ("0.0.0.0/0", 201, " 10.9.9.9 192.0.2.7 nonsense", "all of IPv4"),
        ("::/0", 201, "2001:db8::7", "all of IPv6"),
        ("2001:DB8:0:0::7", 201, "2001:db8::7", "another spelling of an address"),
        ("2001:db8::1/64", 201, "2001:db8::7", "a network of IPv6"),
        ("::ffff:10.9.9.9", 201, _NOBODY, "an IPv4-mapped one never matches"),
        ("::ffff:0:0/96", 201, _NOBODY, "nor does a network of them"),
        ("fe80::1%eth0", 400, _NOBODY, "a zone id"),
        ("[2001:db8::7]", 400, _NOBODY, "brackets"),
        ("10.0.0.0/08", 400, _NOBODY, "a length with a zero in front"),
        ("10.0.0.0/33", 400, _NOBODY, "a length beyond 32"),
        ("10.9.9", 400, _NOBODY, "half an address"),
    ],
)
def test_an_address(empty: Target, address: str, status: int, matches: str, why: str) -> None:
    abort = {"http_status": 200, "body": "here"}
    route = {"uri": "/t", "remote_addrs": [address], "plugins": {"fault-injection": {"abort": abort}}}
    answer = empty.admin("PUT", "/routes/1", json.dumps(route))
    assert answer.status_code == status, why
    time.sleep(empty.settle)
    taken = {client for client in _CLIENTS if ask(empty, "GET", "/t", _headers(client)).status == 200}
    assert taken == set(matches.split(" ") if matches else ()), why


def _headers(client: str) -> dict[str, str]:
    return {"X-Real-IP": client} if client else {}
