"""What is changed in a request before it goes to the backend: fields, bounds, and what must hold between them."""

import re
from typing import Literal

from pydantic import Field

from echoroute.api.captures import groups_without_dollar
from echoroute.api.headers import HeaderRewrite
from echoroute.api.rules import NULLABLE, Rule, SpecModel, some_of
from echoroute.api.scalars import HostAndPort, PathPrefix, RegexPattern, RegexReplacement, RewritePath
from echoroute.api.variables import GROUP_MESSAGE, groups_in

# Without HEAD: only its answer has no body, and nginx frames the answer by the method that the backend sees.
RewriteMethod = Literal[
    "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE",
    "COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND", "UNLOCK",
]  # fmt: skip
# What results is the replacement alone where the pattern takes a path from its first slash to its end.
_TAKES_ALL = r"^\^/.*(\.[*+]\)?|\$)$"
_FIRST_GROUP_IS_A_PATH = r"^([^(\\]|\\.|\(\?)*\(/([^?*{]|$)"
_BEGINS_A_PATH = r"^(/|\$[02-9{])"
_takes_all = re.compile(_TAKES_ALL).search
_first_group_is_a_path = re.compile(_FIRST_GROUP_IS_A_PATH).search
_begins_a_path = re.compile(_BEGINS_A_PATH).search


def _results_in_a_path(regex: "RegexRewrite") -> bool:
    if _takes_all(regex.pattern) is None or _begins_a_path(regex.replacement) is not None:
        return True
    return regex.replacement.startswith("$1") and _first_group_is_a_path(regex.pattern) is not None


class RegexRewrite(SpecModel):
    """A path rewrite by regular expression."""

    rules = (
        Rule["RegexRewrite"](
            f"!self.pattern.matches(r'{_TAKES_ALL}') || self.replacement.matches(r'{_BEGINS_A_PATH}')"
            f" || (self.replacement.startsWith('$1') && self.pattern.matches(r'{_FIRST_GROUP_IS_A_PATH}'))",
            "must begin with '/', or with a group that does ('$1' of '^/api(/.*)'), since the pattern takes the whole "
            "path: APISIX answers 502 otherwise",
            "replacement",
            holds=_results_in_a_path,
        ),
    )

    pattern: RegexPattern = Field(
        description="Regular expression (PCRE, judged by the gateway) on the decoded path. A path that it does not "
        "match goes to the backend as it came."
    )
    replacement: RegexReplacement = Field(
        description="What the matched part becomes; `$1` and so on are the pattern's groups. The path that results "
        "must begin with `/`: the gateway answers 502 or 500 otherwise."
    )


# The API server sees whether there are groups; how many, the operator counts: at most as many as opening brackets.
_GROUPS_EXIST = "has(self.regex) || !has(self.headers) || " + " && ".join(
    f"(!has(self.headers.{field}) || "
    rf"self.headers.{field}.all(name, !self.headers.{field}[name].matches(r'(^|[^\\])[$][{{]?[0-9]')))"
    for field in ("set", "add")
)


# The API server sees the most usual one: `$1` of `^/api/(.*)`.
_GROUPS_HOLD_NO_DOLLAR = (
    r"!has(self.regex) || !has(self.headers) || !self.regex.pattern.matches(r'^[^(\\[]*[(][.][*+]') || "
) + " && ".join(
    f"(!has(self.headers.{field}) || "
    rf"self.headers.{field}.all(name, !self.headers.{field}[name].matches(r'(^|[^\\])[$][{{]?1([^0-9]|$)')))"
    for field in ("set", "add")
)


def _groups_used(rewrite: "Rewrite") -> set[int]:
    headers = rewrite.headers
    maps = (headers.set, headers.add) if headers is not None else ()
    return {group for map_ in maps if map_ for value in map_.values() for group in groups_in(value)}


def _groups_exist(rewrite: "Rewrite") -> bool:
    groups = rewrite.regex.pattern.count("(") if rewrite.regex is not None else -1
    return max(_groups_used(rewrite), default=-1) <= groups


def _groups_hold_no_dollar(rewrite: "Rewrite") -> bool:
    used = _groups_used(rewrite)
    if not used or rewrite.regex is None or not _groups_exist(rewrite):
        return True  # told by another rule
    return used <= groups_without_dollar(rewrite.regex.pattern)


def _path_forms(rewrite: "Rewrite") -> int:
    return sum(form is not None for form in (rewrite.regex, rewrite.path, rewrite.strip_prefix))


class Rewrite(SpecModel):
    """What is changed in a request before it goes to the backend (APISIX's proxy-rewrite)."""

    rules = (
        some_of("regex", "path", "strip_prefix", "host", "method", "headers", otherwise="; or leave rewrite out"),
        Rule["Rewrite"](
            "[has(self.regex), has(self.path), has(self.stripPrefix)].filter(form, form).size() <= 1",
            "must have only one of regex, path and stripPrefix",
            holds=lambda rewrite: _path_forms(rewrite) <= 1,
        ),
        Rule["Rewrite"](
            _GROUPS_EXIST,
            "must refer only to groups that rewrite.regex has ('$1'): others are empty, and APISIX has no escape",
            "headers",
            holds=_groups_exist,
        ),
        Rule["Rewrite"](_GROUPS_HOLD_NO_DOLLAR, GROUP_MESSAGE, "headers", holds=_groups_hold_no_dollar),
    )

    regex: RegexRewrite | None = Field(
        default=None, description="New path by regular expression. At most one of regex, path and stripPrefix."
    )
    path: RewritePath | None = Field(
        default=None,
        description="New path, the same for each request. APISIX expands its variables in it: `/items/$arg_id`. "
        "At most one of regex, path and stripPrefix.",
    )
    strip_prefix: PathPrefix | None = Field(
        default=None,
        description="Leading part of the path to remove: `/api` turns `/api/users` into `/users` and `/api` into `/`. "
        "It leaves `/apix` alone. At most one of regex, path and stripPrefix.",
    )
    host: HostAndPort | None = Field(
        default=None,
        description="Host header that the backend sees. Needs `upstream.passHost: Pass`, which is the default.",
    )
    method: RewriteMethod | None = Field(
        default=None, description="Method that the backend sees. The route then takes all methods but HEAD by default."
    )
    headers: HeaderRewrite | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Request headers to set, add and remove, at least one of them.",
    )
