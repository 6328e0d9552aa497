// Package pcre gives the regular expressions of APISIX objects, which are PCRE. Go's own engine takes the many it can
// express (linear time); the rest (lookaround, backreferences, atomic groups) goes to a backtracking engine.
package pcre

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// matchTimeout bounds a backtracking match, as PCRE's match limit does.
const matchTimeout = time.Second

// Regex is a compiled expression.
type Regex struct {
	linear       *regexp.Regexp
	backtracking *regexp2.Regexp
}

// Compile compiles an expression; its error has PCRE's form, so that a person who knows APISIX recognises it.
func Compile(pattern string, ignoreCase bool) (*Regex, error) {
	for _, check := range []func(string) string{stricter, otherThanPCRE} {
		if reason := check(pattern); reason != "" {
			return nil, broken(reason, pattern)
		}
	}
	goPattern := pattern
	if ignoreCase {
		goPattern = "(?i:" + pattern + ")"
	}
	if linear, err := regexp.Compile(goPattern); err == nil {
		return &Regex{linear: linear}, nil
	}
	options := regexp2.None
	if ignoreCase {
		options = regexp2.IgnoreCase
	}
	backtracking, err := regexp2.Compile(pattern, options)
	if err != nil {
		reason := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return nil, broken(reason, pattern)
	}
	backtracking.MatchTimeout = matchTimeout
	return &Regex{backtracking: backtracking}, nil
}

func broken(reason, pattern string) error {
	return fmt.Errorf("pcre2_compile() failed: %s in \"%s\"", reason, pattern)
}

// Match is one match: where it is, and its groups (group 0 is the whole; a group that took no part is "").
type Match struct {
	Start, End int
	Groups     []string
}

// Find gives the first match, nil without one. A backtracking match that takes too long is an error.
func (r *Regex) Find(s string) (*Match, error) {
	if r.linear != nil {
		return r.findLinear(s), nil
	}
	found, err := r.backtracking.FindStringMatch(s)
	if err != nil || found == nil {
		return nil, err
	}
	m := &Match{}
	for _, group := range found.Groups() {
		m.Groups = append(m.Groups, group.String())
	}
	// regexp2 counts runes.
	runes := []rune(s)
	m.Start = len(string(runes[:found.Index]))
	m.End = len(string(runes[:found.Index+found.Length]))
	return m, nil
}

func (r *Regex) findLinear(s string) *Match {
	at := r.linear.FindStringSubmatchIndex(s)
	if at == nil {
		return nil
	}
	m := &Match{Start: at[0], End: at[1], Groups: make([]string, 0, len(at)/2)}
	for i := 0; i < len(at); i += 2 {
		group := ""
		if at[i] >= 0 {
			group = s[at[i]:at[i+1]]
		}
		m.Groups = append(m.Groups, group)
	}
	return m
}

// Matches says whether the expression matches somewhere in s; a match that takes too long counts as none.
func (r *Regex) Matches(s string) bool {
	if r.linear != nil {
		return r.linear.MatchString(s)
	}
	ok, err := r.backtracking.MatchString(s)
	return ok && err == nil
}
