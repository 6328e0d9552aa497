"""Where a spec may lead: services, their weights, subsets and resolvers."""

from .malformed import NULL, Malformed, beside_match, spec


def backends(*backends):
    return {"backends": list(backends)}


def _one(**fields):
    return backends({"service": "echo", **fields})


_FIRST = "backends[0]"
_SUBSET = f"{_FIRST}.subset"
ONCE = "must have each combination of service, subset and resolve once"

MALFORMED = [
    Malformed("a route leads somewhere", {"match": {"paths": ["/a"]}}, "spec.backends", "required", "schema"),
    Malformed(
        "no backend, no answer", {"match": {"paths": ["/a"]}, "backends": []}, "spec.backends", "at least 1", "schema"
    ),
    Malformed(
        "a backend is a service",
        {"match": {"paths": ["/a"]}, "backends": [{}]},
        "spec.backends[0].service",
        "required",
        "schema",
    ),
    Malformed(
        "Consul's names have no blanks",
        {"match": {"paths": ["/a"]}, "backends": [{"service": "a b"}]},
        "spec.backends[0].service",
        "letters, digits",
        "cel",
    ),
    *(
        Malformed(
            why, {"match": {"paths": ["/a"]}, "backends": [{"service": name}]}, "spec.backends[0].service", says, "cel"
        )
        for why, name, says in [
            ("a path of Consul's API is no service", "..", "no '.' or '..' between slashes"),
            ("nor is a part of one", "a/../b", "no '.' or '..' between slashes"),
            ("nor what a terminal takes for a command", "a\x9b31mb", "letters, digits"),
            ("nor a query of its API", "a?dc=b", "letters, digits"),
        ]
    ),
    *beside_match(
        [
            (
                "no more than APISIX has",
                backends(*({"service": f"s{n}"} for n in range(17))),
                "backends",
                "at most 16",
                "schema",
            ),
            ("a weight is a number", _one(weight="1"), f"{_FIRST}.weight", "must be a whole number", "schema"),
            ("a weight is whole", _one(weight=0.5), f"{_FIRST}.weight", "must be a whole number", "schema"),
            ("a weight is not negative", _one(weight=-1), f"{_FIRST}.weight", "at least 0", "schema"),
            ("a weight has a bound", _one(weight=1_000_001), f"{_FIRST}.weight", "at most 1000000", "schema"),
            ("a null weight would be 1", _one(weight=None), f"{_FIRST}.weight", NULL, "operator"),
            ("somebody has to answer", _one(weight=0), "backends", "a weight above 0", "cel"),
            (
                "one of several, too",
                backends({"service": "a", "weight": 0}, {"service": "b", "weight": 0}),
                "backends",
                "a weight above 0",
                "cel",
            ),
            (
                "the same service twice",
                backends({"service": "a"}, {"service": "a", "weight": 2}),
                "backends",
                ONCE,
                "cel",
            ),
            (
                "written out or not",
                backends({"service": "a"}, {"service": "a", "resolve": "Gateway"}),
                "backends",
                ONCE,
                "cel",
            ),
            (
                "tags have no order",
                backends(
                    {"service": "a", "subset": {"tags": ["x", "y"]}},
                    {"service": "a", "subset": {"tags": ["y", "x"]}, "resolve": "Operator"},
                ),
                "backends",
                ONCE,
                "cel",
            ),
            ("resolvers are CamelCase", _one(resolve="gateway"), f"{_FIRST}.resolve", "must be one of", "schema"),
            (
                "the gateway ignores tags",
                _one(resolve="Gateway", subset={"tags": ["a"]}),
                f"{_FIRST}.resolve",
                "the gateway knows no subsets",
                "cel",
            ),
            ("an empty subset is the whole service", _one(subset={}), _SUBSET, "at least one of", "cel"),
            ("a null subset, too", _one(subset=None), _SUBSET, NULL, "operator"),
            ("and null tags", _one(subset={"tags": None, "datacenter": "dc1"}), f"{_SUBSET}.tags", NULL, "operator"),
            ("and null meta", _one(subset={"tags": ["a"], "meta": None}), f"{_SUBSET}.meta", NULL, "operator"),
            ("and a null in it", _one(subset={"meta": {"a": "b", "c": None}}), f"{_SUBSET}.meta.c", NULL, "operator"),
            (
                "a null datacenter is any",
                _one(subset={"tags": ["a"], "datacenter": None}),
                f"{_SUBSET}.datacenter",
                NULL,
                "operator",
            ),
            ("no tags are all", _one(subset={"tags": []}), f"{_SUBSET}.tags", "at least 1", "schema"),
            ("a tag once", _one(subset={"tags": ["a", "a"]}), f"{_SUBSET}.tags", "more than once", "schema"),
            ("few tags", _one(subset={"tags": [f"t{n}" for n in range(9)]}), f"{_SUBSET}.tags", "at most 8", "schema"),
            (
                "no line break in a tag",
                _one(subset={"tags": ["a\nb"]}),
                f"{_SUBSET}.tags[0]",
                "no control characters",
                "cel",
            ),
            (
                "Consul's keys of meta",
                _one(subset={"meta": {"a b": "c"}}),
                f"{_SUBSET}.meta",
                "must have keys of letters",
                "cel",
            ),
            ("meta is a map", _one(subset={"meta": ["a=b"]}), f"{_SUBSET}.meta", "must be an object", "schema"),
            (
                "a datacenter is a name",
                _one(subset={"datacenter": "dc 1"}),
                f"{_SUBSET}.datacenter",
                "a datacenter of Consul",
                "cel",
            ),
            (
                "a datacenter is no path",
                _one(subset={"datacenter": "dc1&ns=a"}),
                f"{_SUBSET}.datacenter",
                "a datacenter of Consul",
                "cel",
            ),
            ("tags belong to the subset", _one(tags=["a"]), f"{_FIRST}.tags", "is not a field", "cel"),
            (
                "Consul's word is none of ours",
                _one(subset={"tags": ["a"], "dc": "b"}),
                f"{_SUBSET}.dc",
                "is not a field",
                "cel",
            ),
        ]
    ),
]

WELL_FORMED = {
    why: spec(**fields)
    for why, fields in {
        "a split": backends(
            {"service": "a", "weight": 90}, {"service": "b", "weight": 10}, {"service": "c", "weight": 0}
        ),
        "one service by two resolvers": backends({"service": "a"}, {"service": "a", "resolve": "Operator"}),
        "two subsets of one service": backends(
            {"service": "a", "subset": {"tags": ["version:1"]}, "weight": 9},
            {
                "service": "a",
                "subset": {"tags": ["version:2"], "meta": {"stage": "", "a-b": "c d"}, "datacenter": "dc2"},
            },
        ),
    }.items()
}
