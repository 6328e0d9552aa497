package pcre

import (
	"regexp"
	"slices"
)

var posix = regexp.MustCompile(`\[([:.=])\^?([^\]\\]*)[:.=]\]`)

var posixNames = []string{
	"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
	"xdigit",
}

// notPCRE is what the engines here take and PCRE does not, with PCRE's words. It may say so of too much.
var notPCRE = []struct {
	pattern *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`^\[:`), "POSIX named classes are supported only within a class"},
	{regexp.MustCompile(`\[[^\]]*(?:\\[dDsSwWhHvV]|:\])-[^\]]`), "invalid range in character class"},
	{regexp.MustCompile(`\\u`), `PCRE2 does not support \F, \L, \l, \N{name}, \U, or \u`},
	{regexp.MustCompile(`\\x\{[0-9A-Fa-f]{3,}\}`), `character code point value in \x{} or \o{} is too large`},
	{regexp.MustCompile(`\(\?<[0-9]`), "subpattern name must start with a non-digit"},
	{regexp.MustCompile(`\(\?<[=!].*(?:[*+]|\{[0-9]+,\})`), "lookbehind assertion is not fixed length"},
}

func otherThanPCRE(pattern string) string {
	for _, name := range posix.FindAllStringSubmatch(pattern, -1) {
		if name[1] != ":" || !slices.Contains(posixNames, name[2]) {
			return "unknown POSIX class name"
		}
	}
	for _, one := range notPCRE {
		if one.pattern.MatchString(pattern) {
			return one.reason
		}
	}
	return ""
}
