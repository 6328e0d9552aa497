"""What a health check may ask for, and how often."""

from .canaries import HEADER
from .malformed import beside_match, spec


def _check(**active):
    return {"upstream": {"healthCheck": {"active": active}}}


_CHECK = "upstream.healthCheck.active"

MALFORMED = beside_match(
    [
        (
            "passive checks let nobody in again",
            {"upstream": {"healthCheck": {"passive": {}}}},
            _CHECK,
            "must be set",
            "cel",
        ),
        ("no check is none", {"upstream": {"healthCheck": {}}}, _CHECK, "must be set", "cel"),
        ("TCP has no path", _check(type="TCP", path="/a"), _CHECK, "must not have path or host", "cel"),
        ("a path begins with a slash", _check(path="health"), f"{_CHECK}.path", "must start with '/'", "cel"),
        (
            "the request is put together as text",
            _check(path="/a\r\nX-A: b"),
            f"{_CHECK}.path",
            "only characters that a path",
            "cel",
        ),
        ("nor a blank", _check(path="/a b"), f"{_CHECK}.path", "only characters that a path", "cel"),
        ("a host is one", _check(host="a b"), f"{_CHECK}.host", "must be a host name", "cel"),
        (
            "whole seconds",
            _check(healthy={"interval": "1500ms"}),
            f"{_CHECK}.healthy.interval",
            "must be whole seconds",
            "cel",
        ),
        (
            "not more often",
            _check(unhealthy={"interval": "500ms"}),
            f"{_CHECK}.unhealthy.interval",
            "between 1s and 1h",
            "cel",
        ),
        ("a check ends", _check(timeout="2m"), f"{_CHECK}.timeout", "between 10ms and 1m", "cel"),
        (
            "before the next",
            _check(timeout="1001ms"),
            f"{_CHECK}.timeout",
            "not be longer than healthy.interval",
            "cel",
        ),
        (
            "of an unhealthy one, too",
            _check(timeout="5s", healthy={"interval": "5s"}, unhealthy={"interval": "4s"}),
            f"{_CHECK}.timeout",
            "must not be longer than healthy.interval and unhealthy.interval (1s where not written)",
            "cel",
        ),
        (
            "a port that answers is nobody's business",
            _check(port=22),
            f"{_CHECK}.port",
            "is not a field",
            "schema",
        ),
        (
            "each backend is checked by itself",
            {"backends": [{"service": f"s{n}"} for n in range(5)], **_check()},
            _CHECK,
            "4 times a second, each backend by itself: with 5 backends, write a healthy.interval and an",
            "operator",
        ),
        (
            "the canaries' as well, healthy or not",
            {
                "canary": [{"match": HEADER, "backends": [{"service": f"s{n}"} for n in range(8)]}],
                **_check(healthy={"interval": "3s"}, unhealthy={"interval": "2s"}),
            },
            _CHECK,
            "of at least 3s",
            "operator",
        ),
        (
            "a status is one",
            _check(healthy={"statuses": [99]}),
            f"{_CHECK}.healthy.statuses[0]",
            "at least 200",
            "schema",
        ),
        ("once", _check(healthy={"statuses": [200, 200]}), f"{_CHECK}.healthy.statuses", "more than once", "schema"),
        (
            "APISIX counts to 254",
            _check(unhealthy={"timeouts": 255}),
            f"{_CHECK}.unhealthy.timeouts",
            "at most 254",
            "schema",
        ),
        (
            "no headers: a line break would be one",
            _check(headers={"X-A": "b"}),
            f"{_CHECK}.headers",
            "is not a field",
            "schema",
        ),
    ]
)

WELL_FORMED = {
    why: spec(**fields)
    for why, fields in {
        "checks by default": _check(),
        "checks of four backends": {"backends": [{"service": name} for name in "abcd"], **_check()},
        "checks of five, not as often": {
            "backends": [{"service": name} for name in "abcde"],
            **_check(timeout="2s", healthy={"interval": "2s"}, unhealthy={"interval": "2s"}),
        },
        "everything about checks": {
            "upstream": {
                "healthCheck": {
                    "active": {
                        "type": "HTTPS",
                        "path": "/health?deep=1",
                        "host": "a.internal",
                        "timeout": "500ms",
                        "healthy": {"interval": "5s", "statuses": [200, 204], "successes": 1},
                        "unhealthy": {
                            "interval": "1m",
                            "statuses": [500],
                            "httpFailures": 3,
                            "tcpFailures": 1,
                            "timeouts": 254,
                        },
                    },
                    "passive": {
                        "healthy": {"statuses": [200], "successes": 0},
                        "unhealthy": {"statuses": [500], "httpFailures": 0, "tcpFailures": 0, "timeouts": 0},
                    },
                }
            }
        },
    }.items()
}
