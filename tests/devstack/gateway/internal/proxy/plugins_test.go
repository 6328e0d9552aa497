package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"devstack/gateway/internal/store"
)

func TestPlugins(t *testing.T) {
	g := newTestGateway(t)
	node := newNode(t, func(r *http.Request) string { return "answer to " + r.RequestURI })
	for _, test := range []struct {
		why, plugins, request string
		headers               []string
		status                int
		header, body          string // "Name: value", and what the body contains
	}{
		{"a fixed redirect", `{"redirect":{"uri":"/new","ret_code":301}}`, "GET /t", nil, 301, "Location: /new", ""},
		{"a redirect with variables", `{"redirect":{"uri":"https://$host$request_uri"}}`, "GET /t?x=1", []string{"Host", "a.b"},
			302, "Location: https://a.b/t?x=1", ""},
		{"to https", `{"redirect":{"http_to_https":true}}`, "POST /t", []string{"Host", "a.b"}, 308, "Location: https://a.b:9443/t", ""},
		{"a redirect by a regular expression", `{"redirect":{"regex_uri":["^/(t)$","/new/$1"]}}`, "GET /t", nil, 302,
			"Location: /new/t", ""},
		{"that does not match", `{"redirect":{"regex_uri":["^/zzz$","/new"]}}`, "GET /t", nil, 200, "", "answer to /t"},
		{"with the arguments", `{"redirect":{"uri":"/new?a=1","append_query_string":true}}`, "GET /t?x=1", nil, 302,
			"Location: /new?a=1&x=1", ""},
		{"an answer's status, header and body", `{"response-rewrite":{"status_code":418,"body":"tea",
			"headers":{"set":{"X-Out":"$arg_x"},"add":["X-More: yes"]}}}`, "GET /t?x=1", nil, 418, "X-Out: 1", "tea"},
		{"a body in base64", `{"response-rewrite":{"body":"dGVh","body_base64":true}}`, "GET /t", nil, 200, "", "tea"},
		{"filters of a body", `{"response-rewrite":{"filters":[{"regex":"[a-z]+r","replace":"<$0>","scope":"global"}]}}`,
			"GET /t", nil, 200, "", "<answer> to /t"},
		{"only for some requests", `{"response-rewrite":{"vars":[["arg_x","==","1"]],"status_code":418}}`, "GET /t", nil, 200, "", ""},
		{"a plugin's filter", `{"fault-injection":{"_meta":{"filter":[["arg_x","==","1"]]},"abort":{"http_status":418}}}`,
			"GET /t", nil, 200, "", "answer"},
		{"that lets it run", `{"fault-injection":{"_meta":{"filter":[["arg_x","==","1"]]},"abort":{"http_status":418,
			"headers":{"X-Why":"$arg_x"},"body":"no $uri"}}}`, "GET /t?x=1", nil, 418, "X-Why: 1", "no /t"},
		{"an abort for none of a hundred", `{"fault-injection":{"abort":{"http_status":418,"percentage":0}}}`, "GET /t", nil, 200, "", ""},
		{"an address that is allowed", `{"ip-restriction":{"whitelist":["127.0.0.0/8"]}}`, "GET /t", nil, 200, "", ""},
		{"one that is not", `{"ip-restriction":{"whitelist":["10.0.0.0/8"],"message":"out","response_code":404}}`, "GET /t", nil,
			404, "", `{"message":"out"}`},
		{"a key that nobody has", `{"key-auth":{}}`, "GET /t", []string{"apikey", "x"}, 401, `WWW-Authenticate: apikey realm="key"`,
			"Invalid API key"},
		{"an answer of the gateway is rewritten too", `{"key-auth":{},"response-rewrite":{"headers":{"set":{"X-Out":"1"}}}}`,
			"GET /t", nil, 401, "X-Out: 1", ""},
		{"cors: one of several origins", `{"cors":{"allow_origins":"https://a.b,https://c.d"}}`, "GET /t",
			[]string{"Origin", "https://c.d"}, 200, "Access-Control-Allow-Origin: https://c.d", ""},
		{"cors: an origin by a regular expression", `{"cors":{"allow_origins_by_regex":[".*\\.b$"]}}`, "GET /t",
			[]string{"Origin", "https://a.b"}, 200, "Access-Control-Allow-Origin: https://a.b", ""},
		{"cors: everybody", `{"cors":{}}`, "GET /t", nil, 200, "Access-Control-Allow-Origin: *", ""},
		{"one that this gateway does not run", `{"csrf":{"key":"k"}}`, "GET /t", nil, 200, "", "answer"},
	} {
		t.Run(test.why, func(t *testing.T) {
			g.put(store.Routes, "1", `{"uri":"/t","plugins":%s,"upstream":{"nodes":{"%s":1}}}`, test.plugins, node)
			method, path, _ := strings.Cut(test.request, " ")
			got := g.ask(method, path, "", test.headers...)
			name, value, _ := strings.Cut(test.header, ": ")
			if got.status != test.status || name != "" && got.header.Get(name) != value || !strings.Contains(got.body, test.body) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestPriorityOrdersPlugins(t *testing.T) {
	g := newTestGateway(t)
	node := named(t, "n")
	// ip-restriction works in a later phase than fault-injection, redirect in the same one with a lower priority.
	for priority, want := range map[int]int{899: http.StatusFound, 901: http.StatusTeapot} {
		g.put(store.Routes, "1", `{"uri":"/t","upstream":{"nodes":{"%s":1}},"plugins":{"redirect":{"uri":"/new"},
			"fault-injection":{"_meta":{"priority":%s},"abort":{"http_status":418}},"ip-restriction":{"blacklist":["127.0.0.1"]}}}`,
			node, fmt.Sprint(priority))
		if got := g.ask("GET", "/t", ""); got.status != want {
			t.Errorf("priority %d: %+v", priority, got)
		}
	}
}
