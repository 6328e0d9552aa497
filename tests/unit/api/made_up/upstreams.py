"""Upstreams that were made up, with load balancing and health checks."""

from hypothesis import strategies as st

from .texts import durations, json_object, plain_hosts

_balancers = (
    json_object({"policy": st.sampled_from(["RoundRobin", "LeastConnections", "EWMA"])})
    | json_object(
        {
            "policy": st.just("ConsistentHash"),
            "hashOn": st.sampled_from(["Header", "Cookie"]),
            "key": st.sampled_from(["X-User", "user"]),
        }
    )
    | json_object(
        {
            "policy": st.just("ConsistentHash"),
            "hashOn": st.just("Variable"),
            "key": st.sampled_from(["remote_addr", "uri", "arg_u"]),
        }
    )
)
_statuses = st.lists(st.integers(200, 599), min_size=1, max_size=3, unique=True)


def _checks(odd):
    # Long enough for as many backends as there may be.
    seconds = {"interval": st.sampled_from(["8s", "1m30s"]) | odd}
    active = json_object(
        {
            "healthy": json_object(seconds, statuses=_statuses, successes=st.integers(1, 254)),
            "unhealthy": json_object(
                seconds,
                statuses=_statuses,
                httpFailures=st.integers(1, 254),
                tcpFailures=st.integers(1, 254),
                timeouts=st.integers(1, 254),
            ),
        },
        type=st.sampled_from(["HTTP", "HTTPS"]),
        path=st.sampled_from(["/", "/health?a=b"]) | odd,
        host=plain_hosts | odd,
        timeout=st.sampled_from(["1s", "500ms"]) | odd,
    )
    passive = json_object(
        {},
        healthy=json_object({}, statuses=_statuses, successes=st.integers(0, 254)),
        unhealthy=json_object({}, statuses=_statuses, httpFailures=st.integers(0, 254), timeouts=st.integers(0, 254)),
    )
    return json_object({"active": active}, passive=passive)


def upstreams(odd):
    return json_object(
        {},
        scheme=st.sampled_from(["http", "https", "grpc", "grpcs"]),
        passHost=st.sampled_from(["Pass", "Node", "Rewrite"]),
        host=plain_hosts | odd,
        timeout=json_object({}, connect=durations | odd, send=durations, read=durations),
        retries=st.integers(0, 100),
        retryTimeout=durations | st.just("0s") | odd,
        keepalive=json_object({}, size=st.integers(1, 1000), idleTimeout=durations, requests=st.integers(1, 10**6)),
        loadBalancer=_balancers,
        healthCheck=_checks(odd),
    )
