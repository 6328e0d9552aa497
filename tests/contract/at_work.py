"""The open plugins at work: for each a config as an EchoRoute has it, requests, and what comes back of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import JsonValue

from .consumers import GUEST_KEY, SHOP_KEY, basic, csrf_token, signature, token

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, and what must come back. The route is for /shop/*."""

    why: str
    status: int = 200
    method: str = "GET"
    path: str = "/shop/a"
    headers: Headers | Callable[[], Headers] = field(default_factory=dict)
    body: str | None = None
    told: dict[str, str | None] = field(default_factory=dict)
    """Headers of the answer, each by a regular expression for all of it; None: there is none."""
    says: str = ""
    """What the answer's body has in it; a regular expression."""
    saw: dict[str, str | None] = field(default_factory=dict)
    """What the node saw: its path, method, host and body, or else a header; as `told`."""


@dataclass(frozen=True, slots=True)
class Case:
    plugins: dict[str, dict[str, JsonValue]]
    asks: tuple[Ask, ...]


def _key(key: str) -> Headers:
    return {"apikey": key}


_SHOP = _key(SHOP_KEY)
_GUEST = _key(GUEST_KEY)

ANSWERS: dict[str, Case] = {
    "cors": Case(
        {
            "cors": {
                "allow_origins": "https://a.example,https://b.example",
                "allow_methods": "GET,PUT",
                "allow_headers": "X-A, X-B",
                "expose_headers": "X-C",
                "max_age": 60,
                "allow_credential": True,
                "timing_allow_origins": "https://a.example",
            }
        },
        (
            Ask(
                "a preflight of a known origin",
                method="OPTIONS",
                headers={"Origin": "https://b.example"},
                told={
                    "access-control-allow-origin": "https://b.example",
                    "access-control-allow-methods": "GET,PUT",
                    "access-control-allow-headers": "X-A, X-B",
                    "access-control-expose-headers": "X-C",
                    "access-control-max-age": "60",
                    "access-control-allow-credentials": "true",
                    "timing-allow-origin": None,
                },
            ),
            Ask(
                "another origin",
                headers={"Origin": "https://c.example"},
                told={"access-control-allow-origin": None},
                saw={"path": "/shop/a"},
            ),
            Ask(
                "an origin that may read times",
                headers={"Origin": "https://a.example"},
                told={"timing-allow-origin": "https://a.example"},
            ),
        ),
    ),
    "echo": Case(
        {"echo": {"before_body": "<", "body": "said\n", "after_body": ">", "headers": {"X-Echo": "1"}}},
        (Ask("the backend's answer is replaced", told={"x-echo": "1"}, says="^<said\n>$"),),
    ),
    "fault-injection": Case(
        {
            "fault-injection": {
                "abort": {
                    "http_status": 418,
                    "body": "no $arg_a",
                    "headers": {"X-Why": "$uri"},
                    "percentage": 100,
                    "vars": [[["arg_a", "==", "1"]], [["http_x_a", "~~", "^[a-c]$"]]],
                },
                "delay": {"duration": 0.01, "percentage": 100, "vars": [[["arg_a", "has", "1"]]]},
            }
        },
        (
            Ask("one of the conditions holds", 418, path="/shop/a?a=1", told={"x-why": "/shop/a"}, says="^no 1$"),
            Ask("another one holds", 418, headers={"X-A": "b"}),
            Ask("none holds", headers={"X-A": "d"}, saw={"path": "/shop/a"}),
        ),
    ),
    "gzip": Case(
        {"gzip": {"types": ["text/html", "application/json"], "min_length": 1, "comp_level": 6, "vary": True}},
        (
            Ask(
                "a client that takes it",
                headers={"Accept-Encoding": "gzip"},
                told={"content-encoding": "gzip", "vary": "Accept-Encoding"},
            ),
            Ask("one that does not", told={"content-encoding": None}, saw={"path": "/shop/a"}),
        ),
    ),
    "mocking": Case(
        {
            "mocking": {
                "response_example": '{"path":"$uri"}',
                "response_status": 201,
                "response_headers": {"X-Mocked": "$arg_a"},
                "content_type": "application/json;charset=utf8",
                "delay": 0,
                "with_mock_header": False,
            }
        },
        (
            Ask(
                "an answer without the backend",
                201,
                path="/shop/a?a=1",
                told={"x-mocked": "1", "x-mock-by": None, "content-type": "application/json;charset=utf8"},
                says='^{"path":"/shop/a"}$',
            ),
        ),
    ),
    "response-rewrite": Case(
        {
            "response-rewrite": {
                "status_code": 203,
                "body": "other",
                "headers": {"set": {"X-Set": "$arg_a"}, "add": ["X-Added: yes"], "remove": ["X-Node"]},
                "vars": [["status", "==", 200], ["arg_a", "in", ["1", "2"]]],
            }
        },
        (
            Ask(
                "the condition holds",
                203,
                path="/shop/a?a=2",
                told={"x-set": "2", "x-added": "yes", "x-node": None},
                says="^other$",
            ),
            Ask(
                "it does not",
                path="/shop/a?a=3",
                told={"x-set": None, "x-node": "inst3"},
                saw={"path": "/shop/a\\?a=3"},
            ),
        ),
    ),
}

AUTHENTICATION: dict[str, Case] = {
    "acl": Case(
        {
            "key-auth": {},
            "acl": {"allow_labels": {"team": ["shop", "office"]}, "rejected_code": 404, "rejected_msg": "not for you"},
        },
        (
            Ask("a Consumer with the label", headers=_SHOP, saw={"x-consumer-username": "shop"}),
            Ask("one with another", 404, headers=_GUEST, says="not for you"),
        ),
    ),
    "basic-auth": Case(
        {"basic-auth": {"hide_credentials": True, "realm": "the shop"}},
        (
            Ask(
                "the right password",
                headers={"Authorization": basic("open")},
                saw={"x-consumer-username": "shop", "authorization": None},
            ),
            Ask(
                "a wrong one",
                401,
                headers={"Authorization": basic("shut")},
                told={"www-authenticate": 'Basic realm="the shop"'},
                says="Invalid user authorization",
            ),
            Ask("none", 401, says="Missing authorization in request"),
        ),
    ),
    "consumer-restriction": Case(
        {
            "key-auth": {},
            "consumer-restriction": {
                "type": "consumer_name",
                "blacklist": ["guest"],
                "allowed_by_methods": [{"user": "shop", "methods": ["GET", "HEAD"]}],
                "rejected_code": 404,
                "rejected_msg": "not for you",
            },
        },
        (
            Ask("a Consumer with this method", headers=_SHOP, saw={"x-consumer-username": "shop"}),
            Ask("the same with another", 404, method="POST", headers=_SHOP, says="not for you"),
            Ask("one who may not", 404, headers=_GUEST, says="not for you"),
        ),
    ),
    "hmac-auth": Case(
        {
            "hmac-auth": {
                "allowed_algorithms": ["hmac-sha256"],
                "clock_skew": 300,
                "signed_headers": ["date", "x-a"],
                "validate_request_body": True,
                "max_req_body_size": 16,
                "hide_credentials": True,
                "realm": "the shop",
            }
        },
        (
            Ask(
                "a signed request",
                method="POST",
                headers=lambda: signature("POST", "/shop/a", "a body"),
                body="a body",
                saw={"x-consumer-username": "shop", "authorization": None, "body": "a body"},
            ),
            Ask(
                "another body than the signed one",
                401,
                method="POST",
                headers=lambda: signature("POST", "/shop/a", "a body"),
                body="b body",
                told={"www-authenticate": 'hmac realm="the shop"'},
            ),
            Ask(
                "a body that is too large",
                413,
                method="POST",
                headers=lambda: signature("POST", "/shop/a", "x" * 17),
                body="x" * 17,
            ),
        ),
    ),
    "jwt-auth": Case(
        {
            "jwt-auth": {
                "header": "X-Token",
                "query": "token",
                "cookie": "token",
                "hide_credentials": True,
                "key_claim_name": "iss",
                "claims_to_verify": ["exp"],
                "realm": "the shop",
            }
        },
        (
            Ask(
                "a token in the header",
                headers=lambda: {"X-Token": token("iss", 60)},
                saw={"x-consumer-username": "shop", "x-token": None},
            ),
            Ask(
                "one in the cookie",
                headers=lambda: {"Cookie": f"a=1; token={token('iss', 60)}"},
                saw={"x-consumer-username": "shop", "cookie": "a=1"},
            ),
            Ask("an old one", 401, headers=lambda: {"X-Token": token("iss", -60)}, says="failed to verify jwt"),
            Ask("none", 401, told={"www-authenticate": 'Bearer realm="the shop"'}, says="Missing JWT token"),
        ),
    ),
    "key-auth": Case(
        {"key-auth": {"header": "X-Key", "query": "key", "hide_credentials": True, "realm": "the shop"}},
        (
            Ask(
                "the key in the header", headers={"X-Key": SHOP_KEY}, saw={"x-consumer-username": "shop", "x-key": None}
            ),
            Ask(
                "the key in the query",
                path=f"/shop/a?a=1&key={SHOP_KEY}",
                saw={"x-consumer-username": "shop", "path": "/shop/a\\?a=1"},
            ),
            Ask("a wrong key", 401, headers={"X-Key": "x"}, says="Invalid API key"),
            Ask("none", 401, told={"www-authenticate": 'apikey realm="the shop"'}, says="Missing API key"),
        ),
    ),
    "multi-auth": Case(
        {"multi-auth": {"auth_plugins": [{"basic-auth": {}}, {"key-auth": {"header": "X-Key"}}]}},
        (
            Ask("the first way", headers={"Authorization": basic("open")}, saw={"x-consumer-username": "shop"}),
            Ask("the second one", headers={"X-Key": GUEST_KEY}, saw={"x-consumer-username": "guest"}),
            Ask("none", 401, says="Authorization Failed"),
        ),
    ),
}

REQUESTS: dict[str, Case] = {
    "grpc-web": Case(
        {"grpc-web": {"cors_allow_headers": "content-type,x-grpc-web,x-a", "max_req_body_size": 16}},
        (
            Ask(
                "a browser asks first",
                204,
                method="OPTIONS",
                told={"access-control-allow-headers": "content-type,x-grpc-web,x-a"},
            ),
            Ask(
                "a call: the node answers no gRPC here, so the status that follows the answer is 2",
                method="POST",
                headers={"Content-Type": "application/grpc-web"},
                body="a",
                told={"content-type": "application/grpc-web.*", "access-control-expose-headers": ".*grpc-status.*"},
                says='"Content-Type": "application/grpc"[^\x00]*\x00\x00\x00.grpc-status:2',
            ),
            Ask("too large", 400, method="POST", headers={"Content-Type": "application/grpc-web"}, body="x" * 17),
        ),
    ),
    "proxy-rewrite": Case(
        {
            "proxy-rewrite": {
                "regex_uri": ["^/shop/(.*)$", "/store/$1"],
                "method": "PUT",
                "host": "store.example.com:8080",
                "headers": {"set": {"X-Set": "$arg_a"}, "add": {"X-Added": "2"}, "remove": ["X-Gone"]},
            }
        },
        (
            Ask(
                "all of it",
                path="/shop/a?a=1",
                headers={"X-Gone": "1", "X-Added": "1", "X-Set": "0"},
                saw={
                    "path": "/store/a\\?a=1",
                    "method": "PUT",
                    "host": "store.example.com:8080",
                    "x-set": "1",
                    "x-added": "2",  # the last of two
                    "x-gone": None,
                },
            ),
        ),
    ),
    "redirect": Case(
        {
            "redirect": {
                "regex_uri": ["^/shop/(.*)$", "https://www.example.com/$1"],
                "ret_code": 308,
                "encode_uri": False,
                "append_query_string": True,
            }
        },
        (Ask("elsewhere", 308, path="/shop/a?b=1", told={"location": "https://www\\.example\\.com/a\\?b=1"}),),
    ),
    "request-id": Case(
        {"request-id": {"header_name": "X-Trace", "include_in_response": True, "algorithm": "nanoid"}},
        (
            Ask("one is made", told={"x-trace": "[A-Za-z0-9_-]{21}"}, saw={"x-trace": "[A-Za-z0-9_-]{21}"}),
            Ask("the client's is kept", headers={"X-Trace": "mine"}, told={"x-trace": "mine"}, saw={"x-trace": "mine"}),
        ),
    ),
}

RESTRICTIONS: dict[str, Case] = {
    "client-control": Case(
        {"client-control": {"max_body_size": 5}},
        (
            Ask("small enough", method="POST", body="12345", saw={"body": "12345"}),
            Ask("too large", 413, method="POST", body="123456"),
        ),
    ),
    "csrf": Case(
        {"csrf": {"key": "k3y", "expires": 600, "name": "X-Csrf"}},
        (
            Ask("a safe method gets a token", told={"set-cookie": "X-Csrf=[A-Za-z0-9+/=]+;path=/;SameSite=Lax;.*"}),
            Ask("without one", 401, method="POST", says="no csrf token in headers"),
            Ask(
                "with one",
                method="POST",
                headers=lambda: {"X-Csrf": csrf_token("k3y"), "Cookie": f"X-Csrf={csrf_token('k3y')}"},
                saw={"method": "POST"},
            ),
            Ask(
                "with one that another key has signed",
                401,
                method="POST",
                headers=lambda: {"X-Csrf": csrf_token("x"), "Cookie": f"X-Csrf={csrf_token('x')}"},
            ),
        ),
    ),
    "ip-restriction": Case(
        {
            "ip-restriction": {
                "whitelist": ["192.0.2.0/24", "2001:db8::/32"],
                "message": "not from there",
                "response_code": 404,
            }
        },
        (
            Ask("from such an address", headers={"X-Real-IP": "192.0.2.7"}, saw={"path": "/shop/a"}),
            Ask("from another", 404, says="not from there"),
        ),
    ),
    "limit-count": Case(
        {
            "limit-count": {
                "count": 1,
                "time_window": 600,
                "window_type": "fixed",
                "key": "$remote_addr $route_id",
                "key_type": "var_combination",
                "policy": "local",
                "rejected_code": 429,
                "rejected_msg": "later",
                "allow_degradation": False,
                "show_limit_quota_header": True,
            }
        },
        (
            Ask("the first one", told={"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0"}),
            Ask("the second one", 429, told={"x-ratelimit-reset": "[0-9.]+"}, says="later"),
        ),
    ),
    "limit-req": Case(
        {
            "limit-req": {
                "rate": 0.1,
                "burst": 0,
                "key": "remote_addr",
                "key_type": "var",
                "policy": "local",
                "nodelay": True,
                "rejected_code": 429,
                "rejected_msg": "slower",
                "allow_degradation": False,
            }
        },
        (Ask("the first one"), Ask("another at once", 429, says="slower")),
    ),
    "referer-restriction": Case(
        {
            "referer-restriction": {
                "whitelist": ["www.example.com", "*.shop.example"],
                "bypass_missing": True,
                "message": "not from there",
            }
        },
        (
            Ask("from a page below", headers={"Referer": "https://a.shop.example/b"}, saw={"path": "/shop/a"}),
            Ask("from another", 403, headers={"Referer": "https://example.com/"}, says="not from there"),
            Ask("from nowhere", saw={"path": "/shop/a"}),
        ),
    ),
    "ua-restriction": Case(
        {"ua-restriction": {"denylist": ["^curl/", "(?i)spider"], "bypass_missing": True, "message": "no robots"}},
        (
            Ask("a robot", 403, headers={"User-Agent": "A-Spider/1"}, says="no robots"),
            Ask("another client", headers={"User-Agent": "Browser/1"}, saw={"path": "/shop/a"}),
            Ask("one without a name", saw={"path": "/shop/a"}),
        ),
    ),
    "uri-blocker": Case(
        {
            "uri-blocker": {
                "block_rules": ["^/shop/private", "\\.php$"],
                "case_insensitive": True,
                "rejected_code": 404,
                "rejected_msg": "nothing here",
            }
        },
        (
            Ask("a path that is refused", 404, path="/shop/Private/a", says="nothing here"),
            Ask("a query that is", 404, path="/shop/a?b.PHP", says="nothing here"),
            Ask("another", saw={"path": "/shop/a"}),
        ),
    ),
}

CASES = {**ANSWERS, **AUTHENTICATION, **REQUESTS, **RESTRICTIONS}
