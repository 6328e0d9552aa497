"""Plugins that change the answer, or give it in the backend's place, at work."""

from .case import Ask, Case

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
