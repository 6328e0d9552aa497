"""What `match` may say of headers, queries, cookies, addresses and variables."""

from .malformed import of_match, spec


def _header(**condition):
    return {"headers": [{"name": "X-A", **condition}]}


def _exact(name, value="1"):
    return {"name": name, "op": "Exact", "value": value}


_HEADER = "headers[0]"
_NO_VALUE = "must be there with the ops Exact"
_NO_VALUES = "must be there with the ops In"

MALFORMED = of_match(
    [
        ("a header has a name", {"headers": [{"op": "Exists"}]}, f"{_HEADER}.name", "required", "schema"),
        ("nothing is compared by chance", _header(value="1"), f"{_HEADER}.op", "required", "schema"),
        ("ops are CamelCase", _header(op="exact", value="1"), f"{_HEADER}.op", "must be one of", "schema"),
        ("an op of APISIX's is none of ours", _header(op="~~", value="1"), f"{_HEADER}.op", "must be one of", "schema"),
        (
            "a condition has no other fields",
            _header(op="Exists", not_=1),
            f"{_HEADER}.not_",
            "is not a field",
            "schema",
        ),
        ("an empty list says nothing", {"headers": []}, "headers", "at least 1", "schema"),
        (
            "each costs the gateway time",
            {"headers": [_exact(f"X-{n}") for n in range(17)]},
            "headers",
            "at most 16",
            "schema",
        ),
        ("Exact compares with something", _header(op="Exact"), f"{_HEADER}.value", _NO_VALUE, "cel"),
        ("Regex, too", _header(op="NotRegex", values=["a"]), f"{_HEADER}.value", _NO_VALUE, "cel"),
        ("Exists compares with nothing", _header(op="Exists", value="1"), f"{_HEADER}.value", _NO_VALUE, "cel"),
        ("In has a list", _header(op="In", value="1"), f"{_HEADER}.values", _NO_VALUES, "cel"),
        ("Exact has none", _header(op="Exact", value="1", values=["1"]), f"{_HEADER}.values", _NO_VALUES, "cel"),
        ("the same value twice", _header(op="In", values=["1", "1"]), f"{_HEADER}.values", "more than once", "schema"),
        ("a list of some", _header(op="In", values=[]), f"{_HEADER}.values", "at least 1", "schema"),
        (
            "of not too many",
            _header(op="In", values=[str(n) for n in range(33)]),
            f"{_HEADER}.values",
            "at most 32",
            "schema",
        ),
        ("a value has a bound", _header(op="Exact", value="a" * 1025), f"{_HEADER}.value", "at most 1024", "schema"),
        ("a value is a string", _header(op="Exact", value=1), f"{_HEADER}.value", "must be a string", "schema"),
        ("no line break", _header(op="Exact", value="a\nb"), f"{_HEADER}.value", "no control characters", "cel"),
        ("no reference to a secret", _header(op="Exact", value="$ENV://A"), f"{_HEADER}.value", "no reference", "cel"),
        ("nor in a list", _header(op="In", values=["$secret://A"]), f"{_HEADER}.values[0]", "no reference", "cel"),
        ("HTTP takes blanks away", _header(op="Exact", value=" 1"), _HEADER, "no blank at either end", "cel"),
        ("in a list, too", _header(op="NotIn", values=["1", "2 "]), _HEADER, "no blank at either end", "cel"),
        *(
            (
                f"nginx drops such a header: {name}",
                {"headers": [_exact(name)]},
                f"{_HEADER}.name",
                "the gateway drops",
                "cel",
            )
            for name in ("x.a", "x!a", "X:A", "X A", "ä")
        ),
        ("a name has a bound", {"headers": [_exact("x" * 129)]}, f"{_HEADER}.name", "at most 128", "schema"),
        (
            "one header in two letter cases",
            {"headers": [_exact("X-A"), _exact("x-a")]},
            "headers",
            "each condition once",
            "cel",
        ),
        (
            "and with an underscore",
            {"headers": [_exact("X-A"), _exact("X_A")]},
            "headers",
            "each condition once",
            "cel",
        ),
        ("one argument twice", {"queries": [_exact("a"), _exact("a")]}, "queries", "each condition once", "cel"),
        ("an argument's name is decoded", {"queries": [_exact("a%20b")]}, "queries[0].name", "decoded", "cel"),
        ("and has no '='", {"queries": [_exact("a=b")]}, "queries[0].name", "decoded", "cel"),
        ("a cookie's name has no '='", {"cookies": [_exact("a=b")]}, "cookies[0].name", "a cookie's name", "cel"),
        (
            "a blank ends a cookie's value",
            {"cookies": [_exact("a", "b c")]},
            "cookies[0]",
            "no blank and no ';'",
            "cel",
        ),
        (
            "a semicolon, too",
            {"cookies": [{"name": "a", "op": "In", "values": ["b;"]}]},
            "cookies[0]",
            "no blank",
            "cel",
        ),
        ("one cookie twice", {"cookies": [_exact("a"), _exact("a")]}, "cookies", "each condition once", "cel"),
        ("no addresses at all", {"remoteAddrs": []}, "remoteAddrs", "at least 1", "schema"),
        ("one address twice", {"remoteAddrs": ["10.0.0.1", "10.0.0.1"]}, "remoteAddrs", "more than once", "schema"),
        *(
            (
                f"{why}: {address}",
                {"remoteAddrs": [address]},
                "remoteAddrs[0]",
                "must be an IP address or a CIDR",
                "cel",
            )
            for why, address in [
                ("a host name", "example.com"),
                ("half an address", "10.0.0"),
                ("an octet with a zero in front", "10.0.0.01"),
                ("an octet that is too large", "10.0.0.256"),
                ("a length that is too large", "10.0.0.0/33"),
                ("a length with a zero in front", "10.0.0.0/08"),
                ("a length with a sign", "10.0.0.0/+8"),
                ("a netmask", "10.0.0.0/255.0.0.0"),
                ("no length", "10.0.0.0/"),
                ("a zone", "fe80::1%eth0"),
                ("a zone in a network", "fe80::%eth0/64"),
                ("brackets", "[::1]"),
                ("a port", "10.0.0.1:80"),
                ("IPv4-mapped, which APISIX never matches", "::ffff:10.0.0.1"),
                ("a network of them", "::ffff:0:0/96"),
                ("an address of them", "::ffff:10.0.0.1/64"),
                ("a blank", "10.0.0.1 "),
                ("a number", "167772161"),
            ]
        ),
        ("an expression is a list", {"vars": {"arg_a": "1"}}, "vars", "must be a list", "schema"),
        ("of something", {"vars": []}, "vars", "at least 1", "schema"),
        ("of not too much", {"vars": [["arg_a", "==", "1"]] * 65}, "vars", "at most 64", "schema"),
        (
            "a broken pattern never matches",
            _header(op="Regex", value="^(a"),
            f"{_HEADER}.value",
            "'(' at 2 has no ')'",
            "operator",
        ),
        ("and negated always", _header(op="NotRegex", value="*a"), f"{_HEADER}.value", "'*' at 1", "operator"),
        *(
            (why, {"vars": expression}, "vars", says, "operator")
            for why, expression, says in [
                ("a comparison alone", ["arg_a", "==", "1"], "must be a list of comparisons"),
                ("a text", ["arg_a"], "must be a list of comparisons"),
                ("an object", [{"arg_a": "1"}], "must be a list of comparisons"),
                ("an empty comparison", [[]], "must be a list of comparisons"),
                ("OR of one", ["OR", ["arg_a", "==", "1"]], "must be a list of comparisons"),
                ("too deep", [[[[[[["arg_a", "==", "1"]]]]]]], "at most 4 levels deep"),
                (
                    "too many",
                    ["OR", *[["OR", ["arg_a", "==", "1"], ["arg_a", "==", "2"]]] * 40],
                    "at most 64 comparisons",
                ),
                ("an operator that there is not", [["arg_a", "=~", "1"]], "must have operators of"),
                ("in of no list", [["arg_a", "in", "1"]], "must have a value that 'in' can compare with"),
                (
                    "an address that is none",
                    [["remote_addr", "ipmatch", ["10.0.0"]]],
                    "must have a value that 'ipmatch'",
                ),
                (
                    "a network by its mask",
                    [["remote_addr", "ipmatch", ["10.0.0.0/255.0.0.0"]]],
                    "must have a value that 'ipmatch'",
                ),
                (
                    "an IPv4-mapped one never matches",
                    [["remote_addr", "ipmatch", ["::ffff:10.0.0.1"]]],
                    "must have a value that 'ipmatch'",
                ),
                ("a variable of the gateway's own", [["_ctx", "==", "1"]], "must compare variables"),
                ("a variable with its dollar", [["$arg_a", "==", "1"]], "must compare variables"),
                ("the request's body", [["post_arg.a", "==", "1"]], "must compare variables of a request"),
                (
                    "GraphQL is in the body",
                    [["graphql_name", "==", "a"]],
                    "must compare variables of a request",
                ),
                ("the gateway's version", [["nginx_version", "==", "1"]], "must compare variables of a request"),
                ("the gateway's files", [["document_root", "~~", "^/usr"]], "must compare variables of a request"),
                (
                    "a name that nobody knows never matches",
                    [["urii", "==", "/"]],
                    "must compare variables of a request",
                ),
                ("a family alone", [["http_", "==", "1"]], "must compare variables of a request"),
                ("all cookies at once", [["cookie", "~~", "a"]], "must compare variables of a request"),
                ("a reference to the environment", [["arg_a", "==", "$env://HOME"]], "must have a value that '==' can"),
                (
                    "a reference to a secret, in a list",
                    [["arg_a", "in", ["$Secret://a"]]],
                    "must have a value that 'in' can",
                ),
                (
                    "an argument without a value is no text",
                    [["arg_a", "!", "IPMATCH", ["::/0"]]],
                    "must have ipmatch with",
                ),
                ("nor is a number", [["request_length", "ipmatch", ["::/0"]]], "must have ipmatch with"),
                ("a broken pattern", [["arg_a", "~~", "a)"]], "')' at 2 has no '('"),
                ("a value that is too long", [["arg_a", "==", "a" * 1025]], "of at most 1024 characters"),
            ]
        ),
    ]
)

WELL_FORMED = {
    why: spec(match)
    for why, match in {
        "each op, on each kind": {
            kind: [
                {"name": "a1", "op": "Exact", "value": ""},
                {"name": "a2", "op": "NotEqual", "value": "ä, b"},
                {"name": "a3", "op": "Regex", "value": " ^a+(b|[^c]{2,3})? $"},
                {"name": "a4", "op": "NotRegex", "value": r"\d"},
                {"name": "a5", "op": "In", "values": ["1", "2"]},
                {"name": "a6", "op": "NotIn", "values": [""]},
                {"name": "a7", "op": "Exists"},
                {"name": "a8", "op": "Absent"},
            ]
            for kind in ("headers", "queries")
        },
        "two conditions on one header": {"headers": [{"name": "X-A", "op": "Exists"}, _exact("x_a")]},
        "a cookie's name may have signs": {"cookies": [_exact("__Host-a.b'c", "d=e")]},
        "arguments as frameworks name them": {
            "queries": [_exact("filter[name]"), _exact("a.b"), _exact("A"), _exact("a")]
        },
        "addresses of both families": {
            "remoteAddrs": [
                "10.0.0.1",
                "10.0.0.1/8",
                "0.0.0.0/0",
                "::/0",
                "2001:DB8::1",
                "2001:db8::/32",
                "64:ff9b::10.0.0.1",
                "::1/128",
            ]
        },
        "an expression with logic": {
            "vars": [["OR", ["arg_a", "==", "1"], ["!AND", ["http_x_b", "~*", "^b"], ["arg_n", ">", 5]]]],
        },
        "logic in front": {"vars": ["AND", ["arg_a", "!", "in", ["1", 2]], ["http_x", "~=", None]]},
        "a priority of 0 beside conditions": {"headers": [_exact("X-A")], "priority": 0},
    }.items()
}
