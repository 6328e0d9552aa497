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
]


@fields
class _AnswerHeaders(TypedDict, total=False):
    set: Annotated[Headers, why("Response headers in place of the backend's.")]
    add: Annotated[list[_Added], Field(min_length=1, max_length=32), why("`Name: value` beside the backend's.")]
    remove: Annotated[HeaderNames, why("Response headers to take away.")]


@fields
class ResponseRewrite(TypedDict, total=False):
    status_code: Annotated[int, Field(ge=200, le=598), why("Status in place of the backend's.")]
    body: Annotated[Text, why("Body in place of the backend's.")]
    headers: Annotated[_AnswerHeaders, why("Response headers to change.")]
    vars: Annotated[Expression, why("Which answers are changed.")]


_Variables = Annotated[list[Expression], Field(min_length=1, max_length=20), why("Which requests; one has to hold.")]
_Percentage = Annotated[int, Field(ge=0, le=100), why("Share of the requests.")]


@fields
class _Abort(TypedDict, total=False):
    http_status: Required[Annotated[int, Field(ge=200, le=599), why("Status of the answer.")]]
    body: Annotated[Text, why("Body of the answer.")]
    headers: Annotated[Headers, why("Headers of the answer.")]
    percentage: _Percentage
    vars: _Variables


@fields
class _Delay(TypedDict, total=False):
    duration: Required[Annotated[float, Field(ge=0, le=60), why("Seconds; a minute at most: each holds a client.")]]
    percentage: _Percentage
    vars: _Variables


@fields
class FaultInjection(TypedDict, total=False):
    abort: Annotated[_Abort, why("Answer without the backend.")]
    delay: Annotated[_Delay, why("Wait before the backend is asked.")]


@fields
class Mocking(TypedDict, total=False):
    response_example: Required[Annotated[Text, why("Body of the answer.")]]
    response_status: Annotated[int, Field(ge=200, le=599), why("Status of the answer.")]
    response_headers: Annotated[Headers, why("Headers of the answer.")]
    content_type: Annotated[
        str,
        Field(max_length=64),
        Alphabet(
            r"(?:application/xml|application/json|text/plain|text/html|text/xml)(?:; ?charset=[A-Za-z0-9_-]+)?",
            "must be JSON, XML, plain text or HTML, with a charset if need be: 'application/json;charset=utf8'",
        ),
        why("Content-Type of the answer."),
    ]
    delay: Annotated[int, Field(ge=0, le=60), why("Seconds; a minute at most: each holds a client.")]
    with_mock_header: Annotated[bool, why("Whether the answer has the header `x-mock-by`.")]


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
    allow_origins: Annotated[_Origins, why("Origins that may read answers.")]
    allow_origins_by_regex: Annotated[_OriginPatterns, why("Patterns of such origins.")]
    allow_methods: Annotated[_Names, why("Methods that they may use.")]
    allow_headers: Annotated[_Names, why("Request headers that they may send.")]
    expose_headers: Annotated[_Names, why("Response headers that they may read.")]
    max_age: Annotated[int, Field(ge=-1, le=31_536_000), why("Seconds for which a browser keeps this; -1 for none.")]
    allow_credential: Annotated[bool, why("Whether they may send credentials; then nothing may be '*'.")]
    timing_allow_origins: Annotated[_Origins, why("Origins that may read times.")]
    timing_allow_origins_by_regex: Annotated[_OriginPatterns, why("Patterns of such origins.")]


@fields
class Gzip(TypedDict, total=False):
    types: Annotated[
        list[
            Annotated[str, Field(max_length=128), Alphabet(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+", "must be a media type")]
        ],
        Field(min_length=1, max_length=64),
        why("Media types that are compressed."),
    ]
    min_length: Annotated[int, Field(ge=1, le=1_073_741_824), why("Bytes below which an answer stays as it is.")]
    comp_level: Annotated[int, Field(ge=1, le=9), why("How hard to try.")]
    vary: Annotated[bool, why("Whether `Vary: Accept-Encoding` is set.")]


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
        left_out={"allow_origins_by_metadata": "Names parts of the plugin's metadata, which is the platform's."},
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
            "buffers": "Memory of any size for each answer.",
            "http_version": "A number that is a version; 1.1, its default, is what clients speak.",
        },
    ),
    "mocking": OpenPlugin(
        Mocking, left_out={"response_schema": "Nested lists of it cost time that doubles with each level."}
    ),
    "response-rewrite": OpenPlugin(
        ResponseRewrite,
        left_out={
            "body_base64": "A body that nobody can read here.",
            "filters": "Holds whole answers, of up to 64 MiB, in the gateway's memory.",
            "max_resp_body_size": "Belongs to filters.",
            "response_expr": "Internal: the compiled vars, which would not be checked.",
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
