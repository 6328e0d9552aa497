package pcre

import (
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for _, test := range []struct {
		why, pattern, text string
		want               []string // nil: no match
	}{
		{"groups", `^/testecho/(.*)`, "/testecho/a/b", []string{"/testecho/a/b", "a/b"}},
		{"a group that took no part is empty", `^/(a)?(b)`, "/b", []string{"/b", "", "b"}},
		{"no match", `^/zzz`, "/t", nil},
		{"lookahead, which RE2 has not", `^/a(?!/private)(/.*)`, "/a/public", []string{"/a/public", "/public"}},
		{"lookahead that refuses", `^/a(?!/private)(/.*)`, "/a/private", nil},
		{"a backreference, which RE2 has not", `^/(\w+)/\1$`, "/x/x", []string{"/x/x", "x"}},
		{"an atomic group", `^/(?>a+)b`, "/aab", []string{"/aab"}},
	} {
		t.Run(test.why, func(t *testing.T) {
			regex, err := Compile(test.pattern, false)
			if err != nil {
				t.Fatal(err)
			}
			match, err := regex.Find(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if (match == nil) != (test.want == nil) {
				t.Fatalf("got %v, want %q", match, test.want)
			}
			if match != nil && !slices.Equal(match.Groups, test.want) {
				t.Errorf("got %q, want %q", match.Groups, test.want)
			}
			if regex.Matches(test.text) != (test.want != nil) {
				t.Error("Matches and Find disagree")
			}
		})
	}
}

func TestBacktrackingMatchSaysWhereInBytes(t *testing.T) {
	regex, err := Compile(`b(?=c)`, false)
	if err != nil {
		t.Fatal(err)
	}
	match, err := regex.Find("名é bc")
	if err != nil || match == nil {
		t.Fatal(match, err)
	}
	if got := "名é bc"[match.Start:match.End]; got != "b" {
		t.Errorf("the match is said to be at %q", got)
	}
}

func TestBacktrackingIsBounded(t *testing.T) {
	regex, err := Compile(`^(a+)+(?=\?)`, false)
	if err != nil {
		t.Fatal(err)
	}
	if match, err := regex.Find(strings.Repeat("a", 60) + "!"); err == nil {
		t.Errorf("a match that takes for ever has ended: %v", match)
	}
}

func TestBrokenPatternsAreRefused(t *testing.T) {
	for _, pattern := range []string{`(`, `[a`, `*a`, `a{2,1}`, `(?<n`, `\`, `[\d-z]`, `[[:foo:]]`, `[:alpha:]`, `\u0041`,
		`\x{100}`, `(?<1>a)`, `(?<=a*)b`, `(?<!(?:a|b{2,}))c`} {
		if _, err := Compile(pattern, false); err == nil || !strings.Contains(err.Error(), "pcre2_compile() failed") {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func TestTemplate(t *testing.T) {
	groups := []string{"whole", "one", "two"}
	for _, test := range []struct{ why, template, want string }{
		{"no group", "/fixed", "/fixed"},
		{"a group", "/$1/x", "/one/x"},
		{"a group in braces, before a digit", "/${1}0", "/one0"},
		{"the whole", "<$0>", "<whole>"},
		{"a dollar sign", "$$1", "$1"},
		{"a group that there is not", "/$9", "/"},
	} {
		t.Run(test.why, func(t *testing.T) {
			template, err := ParseTemplate(test.template)
			if err != nil {
				t.Fatal(err)
			}
			if got := template.Expand(groups); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	for _, broken := range []string{"/$name", "/$", "/${1", "/${}"} {
		if _, err := ParseTemplate(broken); err == nil {
			t.Errorf("%q is accepted", broken)
		}
	}
}
