"""Plugins that ask who calls, at work: the clients are the Consumers `shop` and `guest`, or nobody."""

from ..consumers import GUEST_KEY, SHOP_KEY, basic, signature, token
from .case import Ask, Case

_SHOP = {"apikey": SHOP_KEY}
_GUEST = {"apikey": GUEST_KEY}

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
