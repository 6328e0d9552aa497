"""Whether a regular expression can be one at all, for places where the gateway takes a broken one without a word.

APISIX compiles the patterns of expressions when a request comes: a broken one never matches, and negated it always
does. Only PCRE itself can judge all of PCRE; this sees most of what it never compiles. What PCRE compiles in some
version that a gateway may have is not refused, but for properties that match none of the bytes that are compared.
"""

from echoroute.api.regex.scan import flaw

__all__ = ["flaw"]
