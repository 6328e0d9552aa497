"""EchoRoutes and requests that show which of them answers: the tables of test_matching.py.

The general routes are older, and their names sort first. By its age while the gateway runs, and by its id after a
restart, the general one would win each time: only the priority lets the specific one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

SHOP, LAB = "shop", "lab"
ONE, TWO, THREE = "matching-one", "matching-two", "matching-three"
NODES = {ONE: "inst1", TWO: "inst2", THREE: "inst3"}
NOBODY = ""
"""In the place of a service: 404."""


@dataclass(frozen=True, slots=True)
class Routed:
    """An EchoRoute. One that `loses` claims what another namespace serves."""

    namespace: str
    name: str
    service: str
    match: Mapping[str, JsonValue]
    rewrite: Mapping[str, JsonValue] = field(default_factory=dict)
    loses: bool = False

    def manifest(self) -> dict[str, JsonValue]:
        """As it is applied."""
        return {
            "apiVersion": "echoroute.dev/v1alpha1",
            "kind": "EchoRoute",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "match": dict(self.match),
                "backends": [{"service": self.service}],
                **({"rewrite": dict(self.rewrite)} if self.rewrite else {}),
            },
        }


def _on(path: str, **match: JsonValue) -> dict[str, JsonValue]:
    return {"paths": [path], **match}


def _is(op: str, name: str = "X-Env", **operand: JsonValue) -> list[JsonValue]:
    return [{"name": name, "op": op, **operand}]


_BLUE = _is("Exact", value="blue")
_EVERYBODY: list[JsonValue] = ["0.0.0.0/0", "::/0"]

ROUTES = [
    # Headers: one, two, and the general route beside them.
    Routed(SHOP, "h-any", ONE, _on("/h")),
    Routed(SHOP, "h-exact", TWO, _on("/h", headers=_BLUE)),
    Routed(SHOP, "h-two", THREE, _on("/h", headers=[*_BLUE, *_is("Regex", "X-User", value="^a")])),
    # Each of the other ops.
    Routed(SHOP, "absent", TWO, _on("/absent", headers=_is("Absent"))),
    Routed(SHOP, "exists", THREE, _on("/absent", headers=_is("Exists"))),
    Routed(SHOP, "not-any", ONE, _on("/not")),
    Routed(SHOP, "not-equal", TWO, _on("/not", headers=_is("NotEqual", value="blue"))),
    Routed(SHOP, "regex-not", THREE, _on("/regex", headers=_is("NotRegex", value="^b"))),
    Routed(SHOP, "regex-yes", TWO, _on("/regex", headers=_is("Regex", value="^b"))),
    Routed(SHOP, "in", TWO, _on("/in", headers=_is("In", values=["a", "b, c"]))),
    Routed(SHOP, "in-not", THREE, _on("/in", headers=_is("NotIn", values=["b, c", "a"]))),
    # Query arguments, cookies, addresses, expressions.
    Routed(SHOP, "q-any", ONE, _on("/q")),
    Routed(SHOP, "q-exact", TWO, _on("/q", queries=_is("Exact", "v", value="2"))),
    Routed(SHOP, "q-exists", THREE, _on("/q", queries=_is("Exists", "flag"), priority=5)),
    Routed(SHOP, "c-any", ONE, _on("/c")),
    Routed(SHOP, "c-exact", TWO, _on("/c", cookies=_is("Exact", "beta", value="on"))),
    Routed(SHOP, "from-any", ONE, _on("/from")),
    Routed(SHOP, "from-ten", TWO, _on("/from", remoteAddrs=["10.0.0.1/8"])),
    Routed(SHOP, "from-v6", THREE, _on("/from", remoteAddrs=["2001:DB8::/32", "192.0.2.7"])),
    Routed(SHOP, "vars-any", ONE, _on("/vars")),
    Routed(SHOP, "vars-or", TWO, _on("/vars", vars=["OR", ["arg_a", "==", "1"], ["http_x_env", "~*", "^BLUE$"]])),
    # A priority that is written out, methods, hosts, a longer path, a rewrite.
    Routed(SHOP, "prio-first", ONE, _on("/prio", priority=1)),
    Routed(SHOP, "prio-zero", TWO, _on("/prio", headers=_is("Exists"), priority=0)),
    Routed(SHOP, "method-any", ONE, _on("/method")),
    Routed(SHOP, "method-put", TWO, _on("/method", methods=["PUT"], headers=_BLUE)),
    # Two that tie, of which nobody says which one answers where both hold.
    Routed(SHOP, "tie-older", ONE, _on("/tie", headers=_BLUE)),
    Routed(SHOP, "tie-younger", TWO, _on("/tie", queries=_is("Exists", "q"))),
    Routed(SHOP, "host-blue", TWO, _on("/h", hosts=["blue.shop.example"], headers=_is("Absent", "X-User"))),
    Routed(SHOP, "deep", ONE, _on("/deep/*", headers=_BLUE, priority=9)),
    Routed(SHOP, "deeper", TWO, _on("/deep/er/*")),
    Routed(
        SHOP,
        "rewritten",
        THREE,
        _on("/rw/*", headers=_BLUE),
        {"stripPrefix": "/rw", "host": "inner.example", "headers": {"set": {"X-Env": "green"}, "remove": ["X-User"]}},
    ),
    # Another namespace, with paths of its own.
    Routed(LAB, "any", THREE, _on("/lab")),
    Routed(LAB, "blue", ONE, _on("/lab", headers=_BLUE)),
    # And with what a neighbour serves: nothing gives it a share.
    Routed(LAB, "t-condition", THREE, _on("/h", headers=_is("Absent", "X-None")), loses=True),
    Routed(LAB, "t-not-equal", THREE, _on("/q", queries=_is("NotEqual", "v", value="2"), priority=99), loses=True),
    Routed(LAB, "t-always", THREE, _on("/c", vars=[["request_method", "~~", "."]], priority=99), loses=True),
    Routed(LAB, "t-everybody", THREE, _on("/from", remoteAddrs=_EVERYBODY, priority=99), loses=True),
    Routed(LAB, "t-options", THREE, _on("/method", methods=["OPTIONS"]), loses=True),
    Routed(LAB, "t-priority", THREE, _on("/deep/er/*", priority=99), loses=True),
    Routed(LAB, "t-beside", THREE, {"paths": ["/lab/free", "/vars"]}, loses=True),
]

TIES = {"tie-younger": "tie-older"}
"""Who is told that it ties with whom: the same path and priority, and a request may fulfil the conditions of both."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, and the service that answers it; `sees` is what its instance finds in the request."""

    path: str
    by: str
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    sees: Mapping[str, str | None] = field(default_factory=dict)
    why: str = field(kw_only=True)


def _get(path: str, by: str, *headers: tuple[str, str], why: str) -> Ask:
    return Ask(path, by, headers, why=why)


def _env(value: str) -> tuple[str, str]:
    return "X-Env", value


def _cookie(value: str) -> tuple[str, str]:
    return "Cookie", value


def _from(address: str) -> tuple[str, str]:
    return "X-Real-IP", address


_USER = ("X-User", "anna")
_HOST = ("Host", "blue.shop.example")

ASKS = [
    _get("/h", ONE, why="no condition holds: the general one"),
    _get("/h", TWO, _env("blue"), why="the specific one, though it is younger"),
    _get("/h", TWO, ("x-env", "blue"), why="in another letter case"),
    _get("/h", TWO, ("X_Env", "blue"), why="with an underscore"),
    _get("/h", ONE, _env("Blue"), why="letter case of values counts"),
    _get("/h", ONE, _env("blue"), _env("blue"), why="given twice it is one text: 'blue, blue'"),
    _get("/h", ONE, _env(""), why="an empty one is not equal"),
    _get("/h", THREE, _env("blue"), _USER, why="two conditions before one"),
    _get("/h", ONE, _USER, why="all of them must hold"),
    _get("/h", TWO, _env("blue"), ("X-User", "ben"), why="else the route with one"),
    _get("/absent", TWO, why="Absent"),
    _get("/absent", THREE, _env("blue"), why="Exists"),
    _get("/absent", THREE, _env(""), why="an empty one exists"),
    _get("/absent", THREE, _env("a"), _env("b"), why="one that is given twice, too"),
    _get("/absent", TWO, ("X.Env", "blue"), why="the gateway drops a header with such a name"),
    _get("/not", TWO, why="NotEqual holds where there is none"),
    _get("/not", TWO, _env(""), why="and where it is empty"),
    _get("/not", TWO, _env("green"), why="another value"),
    _get("/not", ONE, _env("blue"), why="the one value that is excluded: the general route"),
    _get("/not", TWO, _env("blue"), _env("blue"), why="'blue, blue' is not 'blue'"),
    _get("/regex", TWO, _env("blue"), why="Regex"),
    _get("/regex", TWO, _env("b"), _env("a"), why="'b, a' begins with b"),
    _get("/regex", THREE, _env("a"), _env("b"), why="'a, b' does not"),
    _get("/regex", THREE, why="NotRegex holds where there is none"),
    _get("/regex", THREE, _env(""), why="and where it is empty"),
    _get("/in", TWO, _env("a"), why="In"),
    _get("/in", TWO, _env("b"), _env("c"), why="given twice it is 'b, c', which is one of the values"),
    _get("/in", THREE, _env("b"), why="part of a value is not the value"),
    _get("/in", THREE, why="NotIn holds where there is none"),
    _get("/in", THREE, _env(""), why="and where it is empty"),
    _get("/q", ONE, why="no query"),
    _get("/q?v=2", TWO, why="Exact on an argument"),
    _get("/q?V=2", ONE, why="letter case of names counts"),
    _get("/q?v=2&v=3", TWO, why="the first counts"),
    _get("/q?v=3&v=2", ONE, why="and not the second"),
    _get("/q?v=", ONE, why="an empty one is not equal"),
    _get("/q?flag", THREE, why="without a value it exists"),
    _get("/q?flag=", THREE, why="with an empty one, too"),
    _get("/q?v=2&flag", THREE, why="the higher priority"),
    _get("/c", ONE, why="no cookie"),
    _get("/c", TWO, _cookie("beta=on"), why="Exact on a cookie"),
    _get("/c", TWO, _cookie("beta=off; beta=on"), why="the last counts"),
    _get("/c", ONE, _cookie("beta=on"), _cookie("beta=off"), why="in two lines, too"),
    _get("/c", ONE, _cookie("beta="), why="an empty one is not equal"),
    _get("/c", ONE, _cookie('beta="on"'), why="quotes are part of the value"),
    _get("/c", ONE, _cookie("Beta=on"), why="letter case of names counts"),
    _get("/from", ONE, why="127.0.0.1 is in no list"),
    _get("/from", TWO, _from("10.200.3.4"), why="an address in a network, as a trusted peer says"),
    _get("/from", THREE, _from("192.0.2.7"), why="an address"),
    _get("/from", ONE, _from("192.0.2.8"), why="its neighbour"),
    _get("/from", THREE, _from("2001:db8:1::1"), why="IPv6"),
    _get("/from", ONE, ("X-Forwarded-For", "10.200.3.4"), why="nobody is asked for this header"),
    _get("/vars", ONE, why="neither side of OR holds"),
    _get("/vars?a=1", TWO, why="one side holds"),
    _get("/vars", TWO, _env("Blue"), why="~* is in any letter case"),
    _get("/vars?a=2", ONE, _env("bluer"), why="the pattern is bound to both ends"),
    _get("/prio", ONE, _env("blue"), why="a priority of 0 that is written out is 0, whatever the conditions"),
    _get("/method", ONE, _env("blue"), why="another method than that of the conditional route"),
    Ask("/method", TWO, (_env("blue"),), "PUT", why="method and condition"),
    Ask("/method", ONE, (), "PUT", why="the condition does not hold"),
    Ask("/method", ONE, (), "OPTIONS", why="not the neighbour's, who claims this method"),
    _get("/tie", ONE, _env("blue"), why="of two that tie the one whose condition holds"),
    _get("/tie?q", TWO, why="or the other"),
    _get("/h", TWO, _HOST, _env("green"), why="a host first, whatever the conditions of routes without"),
    _get("/h", ONE, _HOST, ("X-User", "ben"), why="its condition does not hold: on to the routes without a host"),
    _get("/h", THREE, _HOST, _env("blue"), _USER, why="there the one with two conditions"),
    _get("/deep/er/x", TWO, _env("blue"), why="the longer path, whatever priority and conditions of the shorter one"),
    _get("/deep/x", ONE, _env("blue"), why="the shorter path takes what the longer one does not"),
    _get("/deep/x", NOBODY, why="no route without the condition"),
    Ask(
        "/rw/a?b=1",
        THREE,
        (_env("blue"), _USER),
        sees={"path": "/a?b=1", "host": "inner.example", "X-Env": "green", "X-User": None},
        why="matched as it came, rewritten afterwards",
    ),
    _get("/rw/a", NOBODY, _env("green"), why="what the rewrite will set does not count"),
    Ask("/lab", THREE, sees={"path": "/lab"}, why="the other namespace has the same rules on a path of its own"),
    Ask("/lab", ONE, (_env("blue"),), sees={"path": "/lab", "X-Env": "blue"}, why="and its own specific route"),
    _get("/lab/free", NOBODY, why="a route that loses one path has none"),
]
