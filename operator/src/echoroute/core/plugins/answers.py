"""Open plugins that change the answer, or give it in the backend's place."""

from typing import Annotated, Required

from pydantic import Field
from typing_extensions import TypedDict

from echoroute.api.expressions import Expression
from echoroute.core.plugins.declaration import SOME_HEADERS, Config, Holds, OpenPlugin, some_of, why
from echoroute.core.plugins.scalars import (
    Alphabet,
    HeaderNames,
    Headers,
    NoMessageHeader,
    OfAnswer,
    OfRequest,
    Regex,
    Text,
    Unique,
    fields,
)

_Added = Annotated[
    str,
    Field(min_length=3, max_length=4096),
    Alphabet(
        r"[A-Za-z0-9_-]+: ?[^:\x00-\x20\x7f-\x9f/](?:[^:\x00-\x1f\x7f-\x9f]*[^:\x00-\x20\x7f-\x9f/])?",
        "must be 'Name: value', where the value has no ':' and does not end with '/', as APISIX wants it",
    ),
    NoMessageHeader,
    OfAnswer,
]


@fields
class _AnswerHeaders(TypedDict, total=False):
    set: Annotated[Headers, OfAnswer, why("Response headers that replace the backend's.")]
    add: Annotated[
        list[_Added],
        Field(min_length=1, max_length=32),
        why("Response headers to add to the backend's, as `Name: value`."),
    ]
    remove: Annotated[HeaderNames, why("Response headers to remove.")]


@fields
class ResponseRewrite(TypedDict, total=False):
    status_code: Annotated[int, Field(ge=200, le=598), why("Status that replaces the backend's.")]
    body: Annotated[Text, why("Body that replaces the backend's.")]
    headers: Annotated[_AnswerHeaders, why("Response headers to change.")]
    vars: Annotated[Expression, why("Which responses are changed. By default all.")]


_Variables = Annotated[
    list[Expression], Field(min_length=1, max_length=20), why("For which requests. One of the expressions has to hold.")
]
_Percentage = Annotated[int, Field(ge=0, le=100), why("Percentage of the requests.")]


@fields
class _Abort(TypedDict, total=False):
    http_status: Required[Annotated[int, Field(ge=200, le=599), why("Status of the response.")]]
    body: Annotated[Text, OfRequest, why("Body of the response; `$name` is a variable of the request.")]
    headers: Annotated[Headers, OfRequest, why("Headers of the response.")]
    percentage: _Percentage
    vars: _Variables


@fields
class _Delay(TypedDict, total=False):
    duration: Required[
        Annotated[float, Field(ge=0, le=60), why("Seconds. At most a minute, because each delay holds a client.")]
    ]
    percentage: _Percentage
    vars: _Variables


@fields
class FaultInjection(TypedDict, total=False):
    abort: Annotated[_Abort, why("Responds without asking the backend.")]
    delay: Annotated[_Delay, why("Waits before it asks the backend.")]


@fields
class Mocking(TypedDict, total=False):
    response_example: Required[
        Annotated[Text, OfRequest, why("Body of the response; `$name` is a variable of the request.")]
    ]
    response_status: Annotated[int, Field(ge=200, le=599), why("Status of the response.")]
    response_headers: Annotated[Headers, OfRequest, why("Headers of the response.")]
    content_type: Annotated[
        str,
        Field(max_length=64),
        Alphabet(
            r"(?:application/xml|application/json|text/plain|text/html|text/xml)(?:; ?charset=[A-Za-z0-9_-]+)?",
            "must be JSON, XML, plain text or HTML, with a charset if need be: 'application/json;charset=utf8'",
        ),
        why("Content-Type of the response."),
    ]
    delay: Annotated[int, Field(ge=0, le=60), why("Seconds. At most a minute, because each delay holds a client.")]
    with_mock_header: Annotated[bool, why("Whether the response has the header `x-mock-by`.")]


_ORIGIN = r"[a-z]+://[A-Za-z0-9._:\[\]-]+"
_Origins = Annotated[
    str,
    Field(min_length=1, max_length=4096),
    Alphabet(
        rf"\*|\*\*|null|{_ORIGIN}(?:,{_ORIGIN})*",
        "must be '*', '**', 'null' or origins such as 'https://www.example.com', separated by commas without blanks",
    ),
]
_NAMES = Alphabet(r"\*|\*\*|[A-Za-z0-9_-]+(?:, ?[A-Za-z0-9_-]+)*", "must be '*', '**' or names, separated by commas")
_Names = Annotated[str, Field(min_length=1, max_length=2048), _NAMES]
_OriginPatterns = Annotated[list[Regex], Field(min_length=1, max_length=32), Unique]


@fields
class Cors(TypedDict, total=False):
    allow_origins: Annotated[_Origins, why("Origins that may read responses.")]
    allow_origins_by_regex: Annotated[_OriginPatterns, why("Regular expressions for origins.")]
    allow_methods: Annotated[_Names, why("Methods that these origins may use.")]
    allow_headers: Annotated[_Names, why("Request headers that these origins may send.")]
    expose_headers: Annotated[_Names, why("Response headers that these origins may read.")]
    max_age: Annotated[
        int, Field(ge=-1, le=31_536_000), why("Seconds for which a browser caches these rules; -1 for not at all.")
    ]
    allow_credential: Annotated[bool, why("Whether these origins may send credentials. Then no field may be '*'.")]
    timing_allow_origins: Annotated[_Origins, why("Origins that may read timing data (`Timing-Allow-Origin`).")]
    timing_allow_origins_by_regex: Annotated[_OriginPatterns, why("Regular expressions for origins.")]


@fields
class Gzip(TypedDict, total=False):
    types: Annotated[
        list[
            Annotated[str, Field(max_length=128), Alphabet(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+", "must be a media type")]
        ],
        Field(min_length=1, max_length=64),
        why("Media types that are compressed."),
    ]
    min_length: Annotated[int, Field(ge=1, le=1_073_741_824), why("Responses of fewer bytes are not compressed.")]
    comp_level: Annotated[int, Field(ge=1, le=9), why("Level of compression: 1 is the fastest, 9 compresses most.")]
    vary: Annotated[bool, why("Whether the response has `Vary: Accept-Encoding`.")]


def _no_star_beside_credentials(config: Config) -> bool:
    if config.get("allow_credential") is not True:
        return True
    # What is not written is '*' by default.
    starred = [config.get(name, "*") for name in ("allow_origins", "allow_methods", "allow_headers")]
    starred += [config.get(name) for name in ("expose_headers", "timing_allow_origins")]
    return "*" not in starred


def _body_has_its_status(config: Config) -> bool:
    return "body" not in config or "status_code" in config


ANSWERS = {
    "cors": OpenPlugin(
        Cors,
        left_out={"allow_origins_by_metadata": "It refers to the plugin's metadata, which belongs to the platform."},
        rules=(
            Holds(
                "must have allow_origins, allow_methods and allow_headers written out, and nothing '*', with "
                "allow_credential",
                _no_star_beside_credentials,
            ),
        ),
    ),
    "fault-injection": OpenPlugin(FaultInjection, rules=(some_of("abort", "delay"),)),
    "gzip": OpenPlugin(
        Gzip,
        left_out={
            "buffers": "It can reserve memory of any size for each response.",
            "http_version": "The default, 1.1, is what clients use.",
        },
    ),
    "mocking": OpenPlugin(
        Mocking, left_out={"response_schema": "The time to make its response doubles with each level of nested lists."}
    ),
    "response-rewrite": OpenPlugin(
        ResponseRewrite,
        left_out={
            "body_base64": "Its text cannot be judged.",
            "filters": "They hold whole responses of up to 64 MiB in the gateway's memory.",
            "max_resp_body_size": "It belongs to filters.",
            "response_expr": "Internal: it holds the compiled `vars`, which nothing would check.",
        },
        rules=(
            some_of("status_code", "body", "headers"),
            Holds(
                "must have status_code beside body: behind a 204 or 304 of the backend's the body would follow an "
                "answer that has none",
                _body_has_its_status,
            ),
            SOME_HEADERS,
        ),
    ),
}
"""Name of the plugin to its declaration."""
