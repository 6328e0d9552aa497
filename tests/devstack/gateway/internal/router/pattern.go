package router

import (
	"strings"
	"sync"

	"devstack/gateway/internal/pcre"
)

var compiled sync.Map // pattern → *pcre.Regex, nil where it is broken

// fitsPattern does what APISIX's router does once a path begins with what is before the pattern's star: it takes the whole
// pattern for a regular expression, in which a segment that begins with a star stands for everything, and one that
// begins with a colon for one segment. Nothing is escaped: a `+` or `(` in a path with a star never matches itself, and
// without such a segment everything with the prefix fits.
func fitsPattern(pattern, path string) bool {
	if !strings.Contains(pattern, "*") {
		return true
	}
	if plain, found := strings.CutSuffix(pattern, "/*"); found && !strings.ContainsAny(plain, `*:+()$^?[|\{`) {
		return true
	}
	regex, wild := patternRegex(pattern)
	if !wild {
		return true
	}
	if regex == nil {
		return false
	}
	match, err := regex.Find(path)
	return err == nil && match != nil && match.Groups[0] == path
}

type cached struct {
	regex *pcre.Regex
	wild  bool
}

func patternRegex(pattern string) (*pcre.Regex, bool) {
	if known, ok := compiled.Load(pattern); ok {
		c, _ := known.(cached)
		return c.regex, c.wild
	}
	var c cached
	segments := strings.Split(strings.TrimRight(pattern, "/"), "/")
	for i, segment := range segments {
		switch {
		case strings.HasPrefix(segment, ":"):
			segments[i], c.wild = `([^\/]+)`, true
		case strings.HasPrefix(segment, "*"):
			segments[i], c.wild = `((.|\n)*)`, true
		}
	}
	text := strings.Join(segments, `\/`)
	if strings.HasSuffix(pattern, "/") {
		text += `\/`
	}
	if c.wild {
		c.regex, _ = pcre.Compile(text, false)
	}
	compiled.Store(pattern, c)
	return c.regex, c.wild
}
