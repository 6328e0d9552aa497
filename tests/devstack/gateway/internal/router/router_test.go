package router

import (
	"fmt"
	"testing"
)

type testRoute struct {
	id       string
	paths    []string
	hosts    []string
	priority int
	refuses  bool
}

func build(routes ...testRoute) *Router {
	r := New()
	for i, t := range routes {
		r.Set(&Route{
			ID: t.id, Paths: t.paths, Hosts: t.hosts, Priority: t.priority, Place: uint64(i + 1),
			Accepts: func(any) bool { return !t.refuses },
		})
	}
	return r
}

func on(id string, paths ...string) testRoute { return testRoute{id: id, paths: paths} }

func matched(r *Router, host, path string) string {
	if route := r.Match(host, path, nil); route != nil {
		return route.ID
	}
	return ""
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		why        string
		routes     []testRoute
		host, path string
		want       string
	}{
		{"an exact path", []testRoute{on("a", "/a")}, "h", "/a", "a"},
		{"an exact path is no prefix", []testRoute{on("a", "/a")}, "h", "/a/b", ""},
		{"a star takes the empty rest", []testRoute{on("a", "/a/*")}, "h", "/a/", "a"},
		{"a star after a slash wants the slash", []testRoute{on("a", "/a/*")}, "h", "/a", ""},
		{"a star without a slash takes what continues the word", []testRoute{on("a", "/a*")}, "h", "/abc", "a"},
		{"exact before prefix", []testRoute{on("p", "/a/*"), on("e", "/a/b")}, "h", "/a/b", "e"},
		{"the longest prefix, whatever the priority", []testRoute{
			{id: "short", paths: []string{"/*"}, priority: 9}, on("long", "/a/*"),
		}, "h", "/a/b", "long"},
		{"priority among equal paths", []testRoute{
			{id: "low", paths: []string{"/p"}, priority: 1}, {id: "high", paths: []string{"/p"}, priority: 5},
		}, "h", "/p", "high"},
		{"the route that came first wins a tie", []testRoute{on("9", "/p"), on("2", "/p")}, "h", "/p", "9"},
		{"what refuses is passed over, to the next of the same path", []testRoute{
			{id: "no", paths: []string{"/p"}, priority: 5, refuses: true}, on("yes", "/p"),
		}, "h", "/p", "yes"},
		{"what refuses is passed over, to a shorter prefix", []testRoute{
			{id: "no", paths: []string{"/a/b/*"}, refuses: true}, on("yes", "/a/*"),
		}, "h", "/a/b/c", "yes"},
		{"what refuses an exact path leaves it to a prefix", []testRoute{
			{id: "no", paths: []string{"/a/b"}, refuses: true}, on("yes", "/a/*"),
		}, "h", "/a/b", "yes"},
		{"a host's prefix before a hostless exact path", []testRoute{
			on("hostless", "/h/x"), {id: "host", paths: []string{"/h/*"}, hosts: []string{"foo.com"}},
		}, "foo.com", "/h/x", "host"},
		{"an exact host before a wildcard", []testRoute{
			{id: "wild", paths: []string{"/x"}, hosts: []string{"*.foo.com"}},
			{id: "exact", paths: []string{"/*"}, hosts: []string{"a.foo.com"}},
		}, "a.foo.com", "/x", "exact"},
		{"the longest wildcard", []testRoute{
			{id: "short", paths: []string{"/x"}, hosts: []string{"*.com"}},
			{id: "long", paths: []string{"/x"}, hosts: []string{"*.foo.com"}},
		}, "a.foo.com", "/x", "long"},
		{"a wildcard wants its dot", []testRoute{
			{id: "wild", paths: []string{"/x"}, hosts: []string{"*.foo.com"}},
		}, "foo.com", "/x", ""},
		{"a host without a fitting path leaves it to hostless routes", []testRoute{
			{id: "host", paths: []string{"/other"}, hosts: []string{"foo.com"}}, on("hostless", "/x"),
		}, "foo.com", "/x", "hostless"},
		{"another host", []testRoute{{id: "host", paths: []string{"/x"}, hosts: []string{"foo.com"}}}, "bar.com", "/x", ""},
		{"a :param segment is not one", []testRoute{on("p", "/u/:id/x")}, "h", "/u/1/x", ""},
		{"a plus in a path with a star never matches", []testRoute{on("p", "/a+b/*")}, "h", "/a+b/x", ""},
		{"a plus in an exact path does", []testRoute{on("p", "/a+b")}, "h", "/a+b", "p"},
		{"a dot in a path with a star does", []testRoute{on("p", "/a.b/*")}, "h", "/a.b/x", "p"},
		{"a parenthesis in a path with a star never matches", []testRoute{on("p", "/a(b/*")}, "h", "/a(b/x", ""},
		{"a newline is part of everything", []testRoute{on("p", "/a{b}/*")}, "h", "/a{b}/x\ny", "p"},
		{"one route with several paths", []testRoute{on("p", "/a", "/b/*")}, "h", "/b/1", "p"},
	} {
		t.Run(test.why, func(t *testing.T) {
			if got := matched(build(test.routes...), test.host, test.path); got != test.want {
				t.Errorf("%s%s: got %q, want %q", test.host, test.path, got, test.want)
			}
		})
	}
}

func TestReplacedRouteLeavesItsOldPlaces(t *testing.T) {
	r := build(testRoute{id: "a", paths: []string{"/old", "/old/*"}, hosts: []string{"foo.com"}}, on("b", "/old"))
	r.Set(&Route{ID: "a", Paths: []string{"/new/*"}, Accepts: func(any) bool { return true }})
	for path, want := range map[string]string{"/old": "b", "/old/x": "", "/new/x": "a"} {
		if got := matched(r, "foo.com", path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	r.Remove("a")
	if got := matched(r, "foo.com", "/new/x"); got != "" {
		t.Errorf("a removed route still matches: %q", got)
	}
	if !r.hosts.empty() {
		t.Error("a host without routes is kept")
	}
}

func TestReplacedRouteKeepsItsPlace(t *testing.T) {
	r := build(on("old", "/p"), on("young", "/p"))
	r.Set(&Route{ID: "old", Paths: []string{"/p"}, Place: 1, Accepts: func(any) bool { return true }})
	if got := matched(r, "h", "/p"); got != "old" {
		t.Errorf("got %q: an update put the first route behind the second", got)
	}
}

func BenchmarkSetAmong2000(b *testing.B) {
	r := New()
	accepts := func(any) bool { return true }
	for i := range 2000 {
		r.Set(&Route{ID: fmt.Sprint(i), Paths: []string{fmt.Sprintf("/bench/%d/*", i)}, Accepts: accepts})
	}
	for i := 0; b.Loop(); i++ {
		id := i % 2000
		r.Set(&Route{ID: fmt.Sprint(id), Paths: []string{fmt.Sprintf("/bench/%d/*", id)}, Accepts: accepts})
	}
}
