"""Plugins that turn requests away, at work."""

from ..consumers import csrf_token
from .case import Ask, Case

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
    # A short window: a real gateway keeps the counter of a route that comes back.
    "limit-count": Case(
        {
            "limit-count": {
                "count": 1,
                "time_window": 5,
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
