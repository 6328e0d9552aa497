"""Two Consumers, and the credentials with which a client says that it is one of them."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

from .target import Target

SHOP_KEY = "shop-0123456789"
GUEST_KEY = "guest-0123456789"
_SECRET = "a-secret-of-32-characters-or-more"
_CONSUMERS = [
    {
        "username": "shop",
        "labels": {"team": "shop"},
        "plugins": {
            "key-auth": {"key": SHOP_KEY},
            "basic-auth": {"username": "shop", "password": "open"},
            "jwt-auth": {"key": "shop-jwt", "secret": _SECRET},
            "hmac-auth": {"key_id": "shop-hmac", "secret_key": _SECRET},
        },
    },
    {"username": "guest", "labels": {"team": "guests"}, "plugins": {"key-auth": {"key": GUEST_KEY}}},
]


@contextmanager
def known(target: Target) -> Iterator[None]:
    """The gateway knows them as long as this lasts."""
    for consumer in _CONSUMERS:
        target.admin("PUT", "/consumers", json.dumps(consumer)).raise_for_status()
    try:
        yield
    finally:
        for consumer in _CONSUMERS:
            target.admin("DELETE", f"/consumers/{consumer['username']}").raise_for_status()


def basic(password: str) -> str:
    """The header Authorization of basic-auth."""
    return "Basic " + base64.b64encode(f"shop:{password}".encode()).decode()


def token(claim: str, expires_in: float) -> str:
    """A JSON Web Token whose `claim` names the Consumer's key."""
    claims = {claim: "shop-jwt", "exp": int(time.time() + expires_in)}
    signed = b".".join(_url64(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "HS256"}, claims))
    return (signed + b"." + _url64(hmac.digest(_SECRET.encode(), signed, "sha256"))).decode()


def _url64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def signature(method: str, path: str, body: str) -> dict[str, str]:
    """The headers of a request that hmac-auth takes, with its body signed."""
    date = formatdate(usegmt=True)
    lines = f"shop-hmac\n{method} {path}\ndate: {date}\nx-a: 1\n"
    signed = base64.b64encode(hmac.digest(_SECRET.encode(), lines.encode(), "sha256")).decode()
    return {
        "Date": date,
        "X-A": "1",
        "Digest": "SHA-256=" + base64.b64encode(hashlib.sha256(body.encode()).digest()).decode(),
        "Authorization": 'Signature keyId="shop-hmac",algorithm="hmac-sha256",headers="@request-target date x-a",'
        f'signature="{signed}"',
    }


def csrf_token(key: str, expires_in: float = 0) -> str:
    """What csrf's cookie says, made as the gateway makes it."""
    issued = int(time.time() + expires_in)
    sign = hashlib.sha256(f"{{expires:{issued},random:0.5,key:{key}}}".encode()).hexdigest()
    return base64.b64encode(json.dumps({"random": 0.5, "expires": issued, "sign": sign}).encode()).decode()
