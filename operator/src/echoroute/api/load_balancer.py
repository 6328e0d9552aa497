"""How the gateway picks an instance of a backend: fields, bounds, and what must hold between them."""

import re
from typing import Annotated, Literal

from pydantic import Field

from echoroute.api.rules import Rule, SpecModel

BalancerPolicy = Literal["RoundRobin", "LeastConnections", "EWMA", "ConsistentHash"]
HashOn = Literal["Header", "Cookie", "Variable"]

_VARIABLES = (
    "uri", "server_name", "server_addr", "request_uri", "remote_port", "remote_addr", "query_string", "host",
    "hostname",
)  # fmt: skip
_VARIABLE = rf"({'|'.join(_VARIABLES)}|arg_[0-9A-Za-z_-]+)"
_NAME = "[0-9A-Za-z_-]+"
_is_variable = re.compile(_VARIABLE).fullmatch
_is_name = re.compile(_NAME).fullmatch


def _hashes(balancer: "LoadBalancer") -> bool:
    return balancer.policy == "ConsistentHash"


def _key_fits(balancer: "LoadBalancer") -> bool:
    fits = _is_variable if balancer.hash_on == "Variable" else _is_name
    return balancer.key is None or balancer.hash_on is None or fits(balancer.key) is not None


class LoadBalancer(SpecModel):
    """How the gateway picks an instance of a backend."""

    rules = (
        Rule["LoadBalancer"](
            "has(self.hashOn) == (self.policy == 'ConsistentHash')",
            "must be there with the policy ConsistentHash, and with no other",
            "hashOn",
            holds=lambda balancer: (balancer.hash_on is not None) == _hashes(balancer),
        ),
        Rule["LoadBalancer"](
            "has(self.key) == (self.policy == 'ConsistentHash')",
            "must be there with the policy ConsistentHash, and with no other",
            "key",
            holds=lambda balancer: (balancer.key is not None) == _hashes(balancer),
        ),
        Rule["LoadBalancer"](
            "!has(self.key) || !has(self.hashOn)"
            f" || self.key.matches(self.hashOn == 'Variable' ? r'^{_VARIABLE}$' : r'^{_NAME}$')",
            "must be a header's or a cookie's name of letters, digits, '-' and '_', or, with hashOn: Variable, one of "
            f"{', '.join(_VARIABLES)} and arg_…, which is a query argument",
            "key",
            holds=_key_fits,
        ),
    )

    policy: BalancerPolicy = Field(
        description="RoundRobin: in turn. LeastConnections: the one with the fewest open requests. EWMA: the one that "
        "answered fastest lately. ConsistentHash: the same instance for the same `key`, as long as it is there."
    )
    hash_on: HashOn | None = Field(
        default=None, description="With ConsistentHash: where the key is. Requests without it share one instance."
    )
    key: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None,
        description="With ConsistentHash: name of the header, of the cookie, or of the variable: "
        f"{', '.join(f'`{name}`' for name in _VARIABLES)}, or `arg_…` for a query argument.",
    )
