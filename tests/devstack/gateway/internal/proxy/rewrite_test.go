package proxy

import (
	"net/http"
	"strings"
	"testing"

	"devstack/gateway/internal/store"
)

func TestProxyRewriteOfThePath(t *testing.T) {
	g := newTestGateway(t)
	node := newNode(t, func(r *http.Request) string { return r.RequestURI })
	for _, test := range []struct{ why, conf, path, want string }{
		{"a group", `{"regex_uri":["^/t/(.*)","/$1"]}`, "/t/hello", "/hello"},
		{"the arguments stay", `{"regex_uri":["^/t/(.*)","/$1"]}`, "/t/a?x=1&y=%20", "/a?x=1&y=%20"},
		{"a blank stays encoded", `{"regex_uri":["^/t/(.*)","/$1"]}`, "/t/a%20b", "/a%20b"},
		{"an encoded slash arrives as a slash", `{"regex_uri":["^/t/(.*)","/$1"]}`, "/t/a%2Fb", "/a/b"},
		{"an encoded question mark stays in the path", `{"regex_uri":["^/t/(.*)","/$1"]}`, "/t/a%3Fb", "/a%3Fb"},
		{"no match, but written anew", `{"regex_uri":["^/zzz/(.*)","/$1"]}`, "/t//a%2Fb", "/t/a/b"},
		{"the first pair that matches", `{"regex_uri":["^/t/a/(.*)","/A/$1","^/t/(.*)","/other/$1"]}`, "/t/b/1", "/other/b/1"},
		{"only the first match is replaced", `{"regex_uri":["t","-"]}`, "/t/t", "/-/t"},
		{"a query and no path", `{"regex_uri":["^/t/.*","?q"]}`, "/t/a?y=1", "/?q&y=1"},
		{"a query in the replacement", `{"regex_uri":["^/t/(.*)","/s?q=$1"]}`, "/t/x", "/s?q=x"},
		{"and the request's arguments after it", `{"regex_uri":["^/t/(.*)","/s?q=$1"]}`, "/t/x?y=1", "/s?q=x&y=1"},
		{"lookahead", `{"regex_uri":["^/t(?=/a)(.*)","/in$1"]}`, "/t/a", "/in/a"},
		{"a fixed path", `{"uri":"/fixed"}`, "/t/x?y=1", "/fixed?y=1"},
		{"variables", `{"uri":"/p/$arg_z/$host$uri"}`, "/t/x?z=9", "/p/9/127.0.0.1/t/x?z=9"},
		{"a variable with a default", `{"uri":"/p/${arg_none ?? none}"}`, "/t/x", "/p/none"},
		{"an escaped dollar sign stays", `{"uri":"/p/\\$host"}`, "/t/x", "/p/%5C$host"},
		{"a variable cannot begin a query", `{"uri":"/p/$arg_z"}`, "/t/x?z=a%3Fb", "/p/a%253Fb?z=a%3Fb"},
		{"the host alone rewrites the path too", `{"host":"x.example"}`, "/t/a%2Fb", "/t/a/b"},
		{"the unsafe way leaves the path as it came", `{"use_real_request_uri_unsafe":true}`, "/t//a%2Fb?x=1", "/t//a%2Fb?x=1"},
	} {
		t.Run(test.why, func(t *testing.T) {
			g.put(store.Routes, "1", `{"uri":"/t/*","plugins":{"proxy-rewrite":%s},"upstream":{"nodes":{"%s":1}}}`, test.conf, node)
			if got := g.ask("GET", test.path, ""); got.body != test.want {
				t.Errorf("%s: got %q, want %q", test.path, got.body, test.want)
			}
		})
	}
}

func TestAPathWithoutItsLeadingSlashIsNoPath(t *testing.T) {
	g := newTestGateway(t)
	node := newNode(t, func(r *http.Request) string { return r.RequestURI })
	for replacement, want := range map[string]int{
		"$1": http.StatusBadGateway, "": http.StatusInternalServerError, "http://x/$1": http.StatusInternalServerError,
	} {
		g.put(store.Routes, "1", `{"uri":"/t/*","plugins":{"proxy-rewrite":{"regex_uri":["^/t/(.*)","%s"]}},
			"upstream":{"nodes":{"%s":1}}}`, replacement, node)
		if got := g.ask("GET", "/t/a", ""); got.status != want {
			t.Errorf("%q: got %d, want %d", replacement, got.status, want)
		}
	}
}

func TestWithoutProxyRewriteThePathArrivesAsItCame(t *testing.T) {
	g := newTestGateway(t)
	node := newNode(t, func(r *http.Request) string { return r.RequestURI })
	g.put(store.Routes, "1", `{"uri":"/t/*","upstream":{"nodes":{"%s":1}}}`, node)
	for _, path := range []string{"/t/a%2Fb", "/t//a", "//t/a", "/t/./a", "/t/a+b?x=%20&y", "/t/%E4%BD%A0?"} {
		if got := g.ask("GET", path, ""); got.body != path {
			t.Errorf("%s: got %q", path, got.body)
		}
	}
}

func TestProxyRewriteOfHeadersAndMethod(t *testing.T) {
	g := newTestGateway(t)
	node := newNode(t, func(r *http.Request) string {
		return r.Method + " " + r.Host + " set=" + strings.Join(r.Header.Values("X-Set"), "|") +
			" add=" + strings.Join(r.Header.Values("X-Add"), "|") + " gone=" + r.Header.Get("X-Gone")
	})
	g.put(store.Routes, "1", `{"uri":"/t/*","upstream":{"nodes":{"%s":1}},"plugins":{"proxy-rewrite":{
		"method":"PUT","host":"inner.example","regex_uri":["^/t/(.*)","/$1"],
		"headers":{"set":{"X-Set":"$1 of $http_x_from"},"add":{"X-Add":["a",2]},"remove":["X-Gone"]}}}}`, node)
	got := g.ask("GET", "/t/x", "", "X-From", "me", "X-Set", "mine", "X-Add", "mine", "X-Gone", "mine")
	if want := "PUT inner.example set=x of me add=mine|a|2 gone="; got.body != want {
		t.Errorf("got %q, want %q", got.body, want)
	}
}

func TestTheUpstreamsHostComesBeforeProxyRewrites(t *testing.T) {
	g := newTestGateway(t)
	node := newNode(t, func(r *http.Request) string { return r.Host })
	for passHost, want := range map[string]string{
		`"pass_host":"node"`: node, `"pass_host":"rewrite","upstream_host":"up.example"`: "up.example",
		`"pass_host":"pass"`: "inner.example",
	} {
		g.put(store.Routes, "1", `{"uri":"/t","upstream":{%s,"nodes":{"%s":1}},
			"plugins":{"proxy-rewrite":{"host":"inner.example"}}}`, passHost, node)
		if got := g.ask("GET", "/t", ""); got.body != want {
			t.Errorf("%s: got %q, want %q", passHost, got.body, want)
		}
	}
}
