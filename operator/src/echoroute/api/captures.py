"""Which groups of a regular expression can hold no `$`, whatever path a client asks for.

APISIX puts the groups of `rewrite.regex` into a header value first, and looks for variables after that. A `$` in the
path that a client chose would then begin a variable of any name: of the body, of the gateway's own state. So a header
value refers only to groups that can hold no `$`.

PCRE alone can judge all of PCRE. A pattern with anything that is not known here has no such group.
"""

import re

_TOKEN = re.compile(
    r"""
      (?P<group>   \( (?! [?*] ) | \(\? P? < (?! [=!] ) [A-Za-z_]\w* > )
    | (?P<aside>   \(\? (?: : | = | ! | <= | <! ) )       # takes no number
    | (?P<end>     \) )
    | (?P<harmless>
        [*+?|^$]                                         # repeats, and places
      | \{ [0-9]+ (?: , [0-9]* )? \}
      | \(\? [imsU]+ \)
      | \\ (?: [bBAzZGdwshv] | [^A-Za-z0-9$] )
      | \[ (?! \^ ) -? (?: [A-Za-z0-9]-[A-Za-z0-9] | \\[dwshv] | \\[^A-Za-z0-9$] | [^\\\]\[$-] )+ -? \]
      | \[\^ (?= [^\]]* [$] ) (?: \\[dDwWsShHvV] | \\[^A-Za-z0-9] | [^\\\]\[] )+ \]
      | [^.\\\[(){}*+?|^$]
      | [{}]
      )
    | (?P<anything> \. | \\ (?: [DWSHVN$] | [1-9] ) | \[ \^? (?: \\[^A-Za-bd-z0-9] | \\[dDwWsShHvV] | [^\\\]\[] )+ \] )
    """,
    re.VERBOSE,
)


def groups_without_dollar(pattern: str) -> frozenset[int]:
    """The numbers of these groups; 0 is all that the pattern matches."""
    number, at = 0, 0
    without, opened = {0}, [0]
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            return frozenset()
        at = token.end()
        match token.lastgroup:
            case "group":
                number += 1
                without.add(number)
                opened.append(number)
            case "aside":
                opened.append(0)
            case "end" if len(opened) > 1:
                opened.pop()
            case "anything":
                without.difference_update(opened)
    return frozenset(without)
