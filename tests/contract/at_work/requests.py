"""Plugins that change a request, or send the client elsewhere, at work."""

from .case import Ask, Case

REQUESTS: dict[str, Case] = {
    "grpc-web": Case(
        {"grpc-web": {"cors_allow_headers": "content-type,x-grpc-web,x-a", "max_req_body_size": 16}},
        (
            Ask(
                "a browser asks first",
                204,
                method="OPTIONS",
                told={"access-control-allow-headers": "content-type,x-grpc-web,x-a"},
            ),
            Ask(
                "a call: the node answers no gRPC here, so the status that follows the answer is 2",
                method="POST",
                headers={"Content-Type": "application/grpc-web"},
                body="a",
                told={"content-type": "application/grpc-web.*", "access-control-expose-headers": ".*grpc-status.*"},
                says='"Content-Type": "application/grpc"[^\x00]*\x00\x00\x00.grpc-status:2',
            ),
            Ask("too large", 400, method="POST", headers={"Content-Type": "application/grpc-web"}, body="x" * 17),
        ),
    ),
    "proxy-rewrite": Case(
        {
            "proxy-rewrite": {
                "regex_uri": ["^/shop/(.*)$", "/store/$1"],
                "host": "store.example.com:8080",
                "headers": {"set": {"X-Set": "$arg_a"}, "add": {"X-Added": "2"}, "remove": ["X-Gone"]},
            }
        },
        (
            Ask(
                "all of it",
                path="/shop/a?a=1",
                headers={"X-Gone": "1", "X-Added": "1", "X-Set": "0"},
                saw={
                    "path": "/store/a\\?a=1",
                    "host": "store.example.com:8080",
                    "x-set": "1",
                    "x-added": "2",  # the last of two
                    "x-gone": None,
                },
            ),
        ),
    ),
    "redirect": Case(
        {
            "redirect": {
                "regex_uri": ["^/shop/(.*)$", "https://www.example.com/$1"],
                "ret_code": 308,
                "encode_uri": False,
                "append_query_string": True,
            }
        },
        (Ask("elsewhere", 308, path="/shop/a?b=1", told={"location": "https://www\\.example\\.com/a\\?b=1"}),),
    ),
    "request-id": Case(
        {"request-id": {"header_name": "X-Trace", "include_in_response": True, "algorithm": "nanoid"}},
        (
            Ask("one is made", told={"x-trace": "[A-Za-z0-9_-]{21}"}, saw={"x-trace": "[A-Za-z0-9_-]{21}"}),
            Ask("the client's is kept", headers={"X-Trace": "mine"}, told={"x-trace": "mine"}, saw={"x-trace": "mine"}),
        ),
    ),
}
