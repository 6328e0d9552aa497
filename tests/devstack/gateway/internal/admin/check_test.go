package admin

import (
	"encoding/json"
	"strings"
	"testing"

	"devstack/gateway/internal/apischema"
	"devstack/gateway/internal/store"
)

const nodes = `"upstream":{"type":"roundrobin","nodes":{"127.0.0.1:1":1}}`

func newChecker(t *testing.T) *checker {
	t.Helper()
	set, err := apischema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return &checker{set}
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var raw any
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return raw
}

// The recordings of a real APISIX are replayed elsewhere (tests/contract); here is what they do not show.
func TestRoutes(t *testing.T) {
	c := newChecker(t)
	for _, test := range []struct{ why, route, want string }{
		{"a good one", `{"uri":"/a",` + nodes + `}`, ""},
		{"uri and uris", `{"uri":"/a","uris":["/b"],` + nodes + `}`, "matches both schemas 1 and 2"},
		{"remote_addr and remote_addrs", `{"uri":"/a","remote_addr":"1.1.1.1","remote_addrs":["1.1.1.1"],` + nodes + `}`,
			"only one of remote_addr or remote_addrs is allowed"},
		{"a service", `{"uri":"/a","service_id":"s"}`, "failed to fetch service info by service id [s]"},
		{"update_time inside the upstream", `{"uri":"/a","upstream":{"nodes":{},"update_time":1}}`,
			"the property is forbidden:  upstream.update_time"},
		{"methods in lower case", `{"uri":"/a","methods":["get"],` + nodes + `}`, `property "methods"`},
		{"a port that there is not", `{"uri":"/a","upstream":{"nodes":{"127.0.0.1:99999":1}}}`, "invalid port 99999"},
		{"a negative weight", `{"uri":"/a","upstream":{"nodes":{"127.0.0.1:1":-1}}}`, `property "nodes"`},
		{"IPv6 without brackets", `{"uri":"/a","upstream":{"nodes":[{"host":"::1","port":1,"weight":1}]}}`,
			"IPv6 address must be enclosed"},
		{"hashing without a key", `{"uri":"/a","upstream":{"type":"chash","nodes":{"127.0.0.1:1":1}}}`, "missing key"},
		{"hashing on a header that cannot be one",
			`{"uri":"/a","upstream":{"type":"chash","hash_on":"header","key":"a b","nodes":{"127.0.0.1:1":1}}}`,
			"failed to match pattern"},
		{"hashing on the consumer needs no key",
			`{"uri":"/a","upstream":{"type":"chash","hash_on":"consumer","nodes":{"127.0.0.1:1":1}}}`, ""},
		{"passive health checks alone", `{"uri":"/a","upstream":{"nodes":{},"checks":{"passive":{}}}}`, `["active"]`},
		{"a client certificate that is none", `{"uri":"/a","upstream":{"nodes":{},"tls":{"client_cert":"` +
			strings.Repeat("x", 128) + `","client_key":"` + strings.Repeat("x", 64) + `"}}}`, "failed to parse cert"},
		{"a client certificate without a key", `{"uri":"/a","upstream":{"nodes":{},"tls":{"client_cert":"` +
			strings.Repeat("x", 128) + `"}}}`, `property "client_key" is required`},
		{"Lua that would pass", `{"uri":"/a","filter_func":"function(vars) return true end",` + nodes + `}`, "no Lua"},
	} {
		t.Run(test.why, func(t *testing.T) { expect(t, c, store.Routes, test.route, test.want) })
	}
}

func TestPlugins(t *testing.T) {
	c := newChecker(t)
	for _, test := range []struct{ why, plugins, want string }{
		{"one that there is not", `{"nosuch":{}}`, "unknown plugin [nosuch]"},
		{"null for a configuration", `{"cors":null}`, "invalid plugin conf null for plugin [cors]"},
		{"an empty array is an empty configuration", `{"cors":[]}`, ""},
		{"an array is none", `{"cors":[1]}`, "of plugin cors err: wrong type"},
		{"regex_uri of three", `{"proxy-rewrite":{"regex_uri":["^/a","/b","^/c"]}}`, "even number"},
		{"regex_uri that is broken", `{"proxy-rewrite":{"regex_uri":["^/(","/b"]}}`, "invalid regex_uri(^/(, /b)"},
		{"the second pair is broken", `{"proxy-rewrite":{"regex_uri":["^/a","/b","[","/c"]}}`, "invalid regex_uri([, /c)"},
		{"a named group in the replacement", `{"proxy-rewrite":{"regex_uri":["^/a","/$name"]}}`, "replacement template"},
		{"regex_uri from the environment is not looked at", `{"proxy-rewrite":{"regex_uri":["$env://R","/b"]}}`, ""},
		{"uri without a slash", `{"proxy-rewrite":{"uri":"x"}}`, `property "uri"`},
		{"a header with a blank in its name", `{"proxy-rewrite":{"headers":{"a b":"1"}}}`, "invalid field character"},
		{"traffic-split without vars", `{"traffic-split":{"rules":[{"match":[{}]}]}}`, "missing argument rule"},
		{"traffic-split without rules", `{"traffic-split":{"rules":[]}}`, ""},
		{"limit-count both ways", `{"limit-count":{"count":1,"time_window":1,"rules":[{"count":1,"time_window":1,"key":"a"}]}}`,
			"count/time_window and rules cannot be specified at the same time"},
		{"a broken regular expression in a list", `{"ua-restriction":{"denylist":["("]}}`, "pcre2_compile() failed"},
		{"an address that only looks like one", `{"ip-restriction":{"whitelist":["::1/200"]}}`, "invalid ip address: ::1/200"},
		{"base64 that is none", `{"response-rewrite":{"body":"%","body_base64":true}}`, "invalid base64 content"},
		{"a filter's broken expression", `{"response-rewrite":{"filters":[{"regex":"(","replace":""}]}}`,
			`regex "(" validation failed`},
		{"fault-injection's vars", `{"fault-injection":{"abort":{"http_status":200,"vars":[[["a","??","b"]]]}}}`, "invalid operator"},
		{"switched off, so not looked at", `{"fault-injection":{"_meta":{"disable":true},"abort":{"http_status":1}}}`, ""},
		{"an unknown field of _meta", `{"cors":{"_meta":{"nosuch":1}}}`, `property "_meta"`},
	} {
		t.Run(test.why, func(t *testing.T) {
			expect(t, c, store.Routes, `{"uri":"/a","plugins":`+test.plugins+`}`, test.want)
		})
	}
}

func expect(t *testing.T, c *checker, kind, body, want string) {
	t.Helper()
	before := body
	value, _, problem := c.check(kind, "x", decode(t, body))
	if want == "" && problem != "" || want != "" && !strings.Contains(problem, want) {
		t.Errorf("got %q, want %q", problem, want)
	}
	if problem == "" {
		delete(value, "id")
		left, err := json.Marshal(value)
		again, _ := json.Marshal(decode(t, before))
		if err != nil || string(left) != string(again) {
			t.Errorf("stored is not what was given: %s", left)
		}
	}
}

func TestWhatAPISIXEncryptsComesBackAsCiphertext(t *testing.T) {
	c := newChecker(t)
	value, _ := decode(t, `{"uri":"/a","plugins":{"csrf":{"key":"plain"},"cors":{}},
		"upstream":{"nodes":{},"tls":{"client_key":"---plain"}}}`).(map[string]any)
	shown := c.encrypted(value)
	s, err := store.Open("")
	if err != nil {
		t.Fatal(err)
	}
	object, _, _, err := s.Put(store.Routes, "x", value)
	if err != nil {
		t.Fatal(err)
	}
	answered, err := json.Marshal(shown(object))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(answered), "plain") {
		t.Errorf("a PUT answers %s", answered)
	}
	if stored := string(object.Raw); !strings.Contains(stored, `"key":"plain"`) || strings.Contains(stored, "---plain") {
		t.Errorf("a GET answers %s: the plugin's key in clear and the client key as ciphertext are expected", stored)
	}
}
