"""EchoRoutes with several backends, canaries and subsets, and requests that show who answers.

The tables of test_balancing.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

SHOP = "balancing"
OTHER_DATACENTER = "dc2"


@dataclass(frozen=True, slots=True)
class Registered:
    """An instance in Consul, whose node answers with its name."""

    name: str
    service: str
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1
    elsewhere: bool = False
    """In the other datacenter."""


INSTANCES = [
    Registered("pay-1", "pay", ("version:1", "blue")),
    Registered("pay-2", "pay", ("version:1", "green"), {"stage": "stable"}),
    Registered("pay-3", "pay", ("version:2", "blue"), {"stage": "canary", "team": "money"}),
    Registered("cart-1", "cart"),
    Registered("cart-2", "cart"),
    Registered("wish-1", "wish"),
    Registered("deal-1", "deal"),
    Registered("find-here", "find"),
    Registered("find-there", "find", elsewhere=True),
    Registered("heavy-3", "heavy", weight=3),
    Registered("heavy-1", "heavy", weight=1),
]

PAY, PAY_1, PAY_2 = {"pay-1", "pay-2", "pay-3"}, {"pay-1", "pay-2"}, {"pay-3"}
CART, WISH, DEAL, HERE, THERE = {"cart-1", "cart-2"}, {"wish-1"}, {"deal-1"}, {"find-here"}, {"find-there"}


@dataclass(frozen=True, slots=True)
class Balanced:
    """An EchoRoute on the path `/NAME`."""

    name: str
    backends: tuple[Mapping[str, JsonValue], ...]
    canary: tuple[tuple[Mapping[str, JsonValue], tuple[Mapping[str, JsonValue], ...]], ...] = ()
    spec: Mapping[str, JsonValue] = field(default_factory=dict)
    served: bool = True
    """Each of its backends has an instance: it is Ready."""

    def manifest(self) -> dict[str, JsonValue]:
        """As it is applied."""
        rules: list[JsonValue] = [
            {"match": dict(match), "backends": [dict(backend) for backend in backends]}
            for match, backends in self.canary
        ]
        return {
            "apiVersion": "echoroute.dev/v1alpha1",
            "kind": "EchoRoute",
            "metadata": {"name": self.name, "namespace": SHOP},
            "spec": {
                "match": {"paths": [f"/{self.name}"]},
                "backends": [dict(backend) for backend in self.backends],
                **({"canary": rules} if rules else {}),
                **self.spec,
            },
        }


def _to(service: str, weight: int | None = None, **more: JsonValue) -> dict[str, JsonValue]:
    return {"service": service, **({} if weight is None else {"weight": weight}), **more}


def _tagged(*tags: JsonValue, weight: int | None = None, service: str = "pay") -> dict[str, JsonValue]:
    return _to(service, weight, subset={"tags": list(tags)})


def _meta(**meta: JsonValue) -> dict[str, JsonValue]:
    return _to("pay", subset={"meta": meta})


def _in(datacenter: str, weight: int | None = None) -> dict[str, JsonValue]:
    return _to("find", weight, subset={"datacenter": datacenter})


def _is(where: str, name: str, op: str = "Exact", **operand: JsonValue) -> dict[str, JsonValue]:
    return {where: [{"name": name, "op": op, **operand}]}


def _hashed(on: str, key: str) -> dict[str, JsonValue]:
    return {"upstream": {"loadBalancer": {"policy": "ConsistentHash", "hashOn": on, "key": key}}}


_BETA = _is("headers", "X-Beta", value="yes")
_STAFF = _is("cookies", "staff", "Exists")
_OPERATOR: dict[str, JsonValue] = {"resolve": "Operator"}
_CHECKED: dict[str, JsonValue] = {"upstream": {"healthCheck": {"active": {"path": "/health"}}}}

ROUTES = [
    # One backend: found by the gateway, by the operator, some of its instances.
    Balanced("one", (_to("cart"),)),
    Balanced("operator", (_to("cart", **_OPERATOR),)),
    Balanced("v1", (_tagged("version:1"),)),
    Balanced("v2", (_tagged("version:2"),)),
    Balanced("all-tags", (_tagged("version:1", "blue"),)),
    Balanced("meta", (_meta(stage="canary"),)),
    Balanced("all-meta", (_meta(stage="canary", team="money"),)),
    Balanced("tag-and-meta", (_to("pay", subset={"tags": ["version:1"], "meta": {"stage": "stable"}}),)),
    Balanced("here", (_in("dc1"),)),
    Balanced("there", (_in(OTHER_DATACENTER),)),
    Balanced("consul-weights", (_to("heavy", **_OPERATOR),)),
    Balanced("no-such-tag", (_tagged("version:9"),), served=False),
    # Several backends, by weight.
    Balanced("ninety", (_to("cart", 90), _to("wish", 10))),
    Balanced("four", (_to("cart", 40), _to("wish", 30), _to("deal", 20), _to("pay", 10))),
    Balanced("equal", (_to("wish"), _to("deal"))),
    Balanced("none", (_to("cart", 0), _to("wish", 5), _to("deal", 0))),
    Balanced("versions", (_tagged("version:1", weight=90), _tagged("version:2", weight=10))),
    Balanced("both-ways", (_to("wish", 50), _to("deal", 50, **_OPERATOR))),
    Balanced("datacenters", (_in("dc1", 75), _in(OTHER_DATACENTER, 25))),
    # Canaries: by header, query and cookie; the first rule that holds.
    Balanced("header", (_to("cart"),), ((_BETA, (_to("wish"),)),)),
    Balanced("header-regex", (_to("cart"),), ((_is("headers", "X-Version", "Regex", value="^2\\."), (_to("wish"),)),)),
    Balanced("query", (_to("cart"),), ((_is("queries", "v", value="2"), (_to("wish"),)),)),
    Balanced("query-in", (_to("cart"),), ((_is("queries", "v", "In", values=["2", "3"]), (_tagged("version:2"),)),)),
    Balanced("cookie", (_tagged("version:1"),), ((_STAFF, (_tagged("version:2"),)),)),
    Balanced("rules", (_to("cart"),), ((_BETA, (_to("wish"),)), (_STAFF, (_to("deal"),)))),
    Balanced("all-of", (_to("cart"),), (({**_BETA, **_STAFF}, (_to("wish"),)),)),
    Balanced("not", (_to("cart"),), ((_is("headers", "X-Old", "Absent"), (_to("wish"),)),)),
    Balanced(
        "split-canary",
        (_to("cart", 70), _to("pay", 30)),
        ((_is("queries", "beta", "Exists"), (_to("wish", 50), _to("deal", 50))),),
    ),
    Balanced("empty-canary", (_to("cart"),), ((_BETA, (_tagged("version:9"),)),), served=False),
    Balanced(
        "rewritten",
        (_to("cart"),),
        ((_BETA, (_to("wish"),)),),
        {"rewrite": {"path": "/elsewhere", "headers": {"set": {"X-Other": "yes"}}}},
    ),
    # Which of the instances.
    Balanced("hash-header", (_to("pay"),), spec=_hashed("Header", "X-User")),
    Balanced("hash-cookie", (_to("pay", **_OPERATOR),), spec=_hashed("Cookie", "user")),
    Balanced("hash-query", (_tagged("version:1"),), spec=_hashed("Variable", "arg_user")),
    Balanced("least", (_to("cart"),), spec={"upstream": {"loadBalancer": {"policy": "LeastConnections"}}}),
    Balanced("fastest", (_to("cart"),), spec={"upstream": {"loadBalancer": {"policy": "EWMA"}}}),
    Balanced("checked", (_to("cart", **_OPERATOR),), spec=_CHECKED),
    Balanced("disabled", (_to("cart", 90), _to("wish", 10)), spec={"enabled": False}),
]


@dataclass(frozen=True, slots=True)
class Ask:
    """Requests of one kind. All of `by` answer, and nobody else; where it has shares, in these shares."""

    path: str
    by: set[str] | Mapping[str, float]
    why: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


def _many(*nodes: tuple[set[str], float]) -> dict[str, float]:
    """The share of each node where services have these shares."""
    return {name: share / len(names) for names, share in nodes for name in sorted(names)}


_YES, _STAFF_COOKIE = {"X-Beta": "yes"}, {"Cookie": "a=b; staff=1"}

ASKS = [
    Ask("/one", CART, "the gateway's own discovery takes turns"),
    Ask("/one", CART, "a condition of another route means nothing here", _YES),
    Ask("/operator", CART, "the same nodes, written by the operator"),
    Ask("/v1", PAY_1, "the instances with the tag"),
    Ask("/v2", PAY_2, "those with another one"),
    Ask("/all-tags", {"pay-1"}, "all tags count"),
    Ask("/meta", PAY_2, "by meta"),
    Ask("/all-meta", PAY_2, "all pairs count"),
    Ask("/tag-and-meta", {"pay-2"}, "tags and meta count together"),
    Ask("/here", HERE, "the datacenter of the operator's Consul"),
    Ask("/there", THERE, "another datacenter"),
    Ask("/consul-weights", {"heavy-3": 0.75, "heavy-1": 0.25}, "Consul's weights within a service"),
    Ask("/no-such-tag", set(), "no instance with the tag", status=503),
    Ask("/ninety", _many((CART, 0.9), (WISH, 0.1)), "90/10"),
    Ask("/ninety", _many((CART, 0.9), (WISH, 0.1)), "conditions of others change no share", _YES),
    Ask("/ninety?v=2&beta", _many((CART, 0.9), (WISH, 0.1)), "nor do query arguments"),
    Ask("/four", _many((CART, 0.4), (WISH, 0.3), (DEAL, 0.2), (PAY, 0.1)), "40/30/20/10"),
    Ask("/equal", _many((WISH, 0.5), (DEAL, 0.5)), "no weight is 1"),
    Ask("/none", WISH, "a weight of 0 gets nothing"),
    Ask("/versions", _many((PAY_1, 0.9), (PAY_2, 0.1)), "two subsets of one service"),
    Ask("/both-ways", _many((WISH, 0.5), (DEAL, 0.5)), "one found by the gateway, one by the operator"),
    Ask("/datacenters", _many((HERE, 0.75), (THERE, 0.25)), "two datacenters"),
    Ask("/header", WISH, "the header", _YES),
    Ask("/header", WISH, "letter case of a header's name does not count", {"x-beta": "yes"}),
    Ask("/header", CART, "without it"),
    Ask("/header", CART, "another value", {"X-Beta": "no"}),
    Ask("/header", CART, "letter case of the value counts", {"X-Beta": "Yes"}),
    Ask("/header?X-Beta=yes", CART, "an argument is no header"),
    Ask("/header-regex", WISH, "a pattern", {"X-Version": "2.1"}),
    Ask("/header-regex", CART, "that the value does not match", {"X-Version": "12.1"}),
    Ask("/header-regex", CART, "or that is not there"),
    Ask("/query?v=2", WISH, "the argument"),
    Ask("/query?a=1&v=2", WISH, "beside another one"),
    Ask("/query?v=2&v=1", WISH, "of two the first counts"),
    Ask("/query?v=1&v=2", CART, "and not the second"),
    Ask("/query", CART, "without it"),
    Ask("/query?v=", CART, "empty"),
    Ask("/query-in?v=3", PAY_2, "one of several values, to a subset"),
    Ask("/query-in?v=4", CART, "none of them"),
    Ask("/cookie", PAY_2, "the cookie", _STAFF_COOKIE),
    Ask("/cookie", PAY_1, "without it"),
    Ask("/cookie", PAY_1, "another cookie", {"Cookie": "staffing=1"}),
    Ask("/cookie", PAY_1, "a header is no cookie", {"staff": "1"}),
    Ask("/rules", WISH, "the first rule", _YES),
    Ask("/rules", DEAL, "the second rule", _STAFF_COOKIE),
    Ask("/rules", WISH, "both hold: the first", {**_YES, **_STAFF_COOKIE}),
    Ask("/rules", CART, "none holds"),
    Ask("/all-of", WISH, "all conditions of a rule hold", {**_YES, **_STAFF_COOKIE}),
    Ask("/all-of", CART, "one of them holds", _YES),
    Ask("/all-of", CART, "the other one holds", _STAFF_COOKIE),
    Ask("/not", WISH, "a header that is absent"),
    Ask("/not", CART, "and that is there", {"X-Old": "1"}),
    Ask("/split-canary?beta", _many((WISH, 0.5), (DEAL, 0.5)), "shares within a canary"),
    Ask("/split-canary?beta=", _many((WISH, 0.5), (DEAL, 0.5)), "an empty argument exists"),
    Ask("/split-canary", _many((CART, 0.7), (PAY, 0.3)), "and beside it"),
    Ask("/empty-canary", CART, "a canary without an instance fails nobody else"),
    Ask("/empty-canary", set(), "but those whom it takes", _YES, status=503),
    Ask("/rewritten", WISH, "a canary's condition beside a rewrite", _YES),
    Ask("/rewritten", CART, "without it"),
    Ask("/rewritten", CART, "what the rewrite sets is no condition", {"X-Other": "yes"}),
    Ask("/least", CART, "least connections"),
    Ask("/fastest", CART, "the quicker one, drawn from two"),
    Ask("/checked", CART, "both pass the gateway's own checks"),
    Ask("/disabled", set(), "disabled", status=404),
]


HASHED: list[tuple[str, set[str], tuple[str, str] | None]] = [
    ("/hash-header", PAY, ("X-User", "{}")),
    ("/hash-cookie", PAY, ("Cookie", "a=1; user={}")),
    ("/hash-query?user={}", PAY_1, None),
]
"""Path and header with the key in place of `{}`: each key always goes to one node, and many keys go to all of these."""
