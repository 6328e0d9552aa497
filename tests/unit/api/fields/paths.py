"""What a path may be, and a prefix."""

from .malformed import Malformed, spec


def _path(path):
    return spec({"paths": [path]})


_PATH = "spec.match.paths[0]"

MALFORMED = [
    Malformed(
        "a route takes some path",
        {"match": {}, "backends": [{"service": "echo"}]},
        "spec.match.paths",
        "required",
        "schema",
    ),
    Malformed(
        "an empty list of paths matches nothing", spec({"paths": []}), "spec.match.paths", "at least 1", "schema"
    ),
    Malformed(
        "messages and cost stay bounded",
        spec({"paths": [f"/{n}" for n in range(65)]}),
        "spec.match.paths",
        "at most 64",
        "schema",
    ),
    Malformed("paths is a list", spec({"paths": "/a"}), "spec.match.paths", "must be a list", "schema"),
    Malformed("a path is a string", spec({"paths": [5]}), _PATH, "must be a string", "schema"),
    Malformed("a path has a bound", _path("/" + "a" * 1024), _PATH, "at most 1024", "schema"),
    Malformed("an empty path matches nothing", _path(""), _PATH, "at least 1", "schema"),
    Malformed(
        "a typo must not be pruned silently",
        spec({"pathes": ["/a"]}),
        "spec.match.pathes",
        "did you mean 'paths'?",
        "schema",
    ),
    Malformed(
        "the same path twice is a mistake",
        spec({"paths": ["/a", "/a"]}),
        "spec.match.paths",
        "more than once",
        "schema",
    ),
    Malformed("APISIX accepts it and never matches", _path("a"), _PATH, "must start with '/'", "cel"),
    Malformed("APISIX matches '*' at the end only", _path("/a/*/b"), _PATH, "only as its last character", "cel"),
    Malformed("two stars are no wildcard", _path("/a/**"), _PATH, "only as its last character", "cel"),
    Malformed("the default router knows no parameters", _path("/users/:id"), _PATH, "':param'", "cel"),
    Malformed("paths are compared decoded", _path("/a%20b"), _PATH, "%XX", "cel"),
    Malformed("letter case of an escape does not matter", _path("/a%2fb"), _PATH, "%XX", "cel"),
    Malformed("slashes are merged before matching", _path("/a//b"), _PATH, "'//'", "cel"),
    Malformed("dot segments are resolved before matching", _path("/a/../b"), _PATH, "'..' segments", "cel"),
    Malformed("also at the end", _path("/a/."), _PATH, "'..' segments", "cel"),
    Malformed("a query is no part of the path", _path("/search?q=1"), _PATH, "no '?' or '#'", "cel"),
    Malformed("a browser sends nothing behind '#'", _path("/docs#intro"), _PATH, "no '?' or '#'", "cel"),
    Malformed("another product's parameters", _path("/users/{id}"), _PATH, "no '{…}'", "cel"),
    Malformed("nobody writes a line break on purpose", _path("/a\nb"), _PATH, "control characters", "cel"),
    *(
        Malformed(f"a prefix with {char} never matches", _path(f"/a{char}b/*"), _PATH, "before the '*'", "cel")
        for char in "+()$^?[|\\"
    ),
]

WELL_FORMED = {
    "an exact path may have what a prefix may not": _path("/a+b(c)$d^ef[g|h\\i"),
    "a colon inside a segment is no parameter": _path("/v1/items:batch"),
    "dots that are no segments": spec({"paths": ["/.well-known/*", "/a..b", "/a/..."]}),
    "a per cent sign that escapes nothing": _path("/100%"),
    "characters beyond ASCII, blanks": _path("/ä b/你/*"),
    "everything at the root": _path("/*"),
    "a prefix inside a segment": _path("/static-*"),
}
