package proxy

import (
	"maps"
	"net/http"
	"testing"

	"devstack/gateway/internal/store"
)

func TestTrafficSplit(t *testing.T) {
	g := newTestGateway(t)
	own, a, b := named(t, "own"), named(t, "a"), named(t, "b")
	g.put(store.Upstreams, "a", `{"nodes":{"%s":1}}`, a)
	g.put(store.Upstreams, "b", `{"nodes":{"%s":1}}`, b)
	const canary = `{"match":[{"vars":[["http_x_canary","==","1"]]},{"vars":[["arg_canary","==","1"]]}],
		"weighted_upstreams":[{"upstream_id":"a"}]}`
	for _, test := range []struct {
		why, rules, path string
		headers          []string
		want             map[string]int
	}{
		{"weights are exact", `[{"weighted_upstreams":[{"upstream_id":"a","weight":70},{"weight":30}]}]`, "/t", nil,
			map[string]int{"a": 70, "own": 30}},
		{"no weight is 1", `[{"weighted_upstreams":[{"upstream_id":"a"},{"upstream_id":"b"}]}]`, "/t", nil,
			map[string]int{"a": 50, "b": 50}},
		{"the same upstream twice: the last weight", `[{"weighted_upstreams":[{"upstream_id":"a","weight":9},
			{"upstream_id":"a","weight":1},{"weight":1}]}]`, "/t", nil, map[string]int{"a": 50, "own": 50}},
		{"weight 0 gets nothing", `[{"weighted_upstreams":[{"upstream_id":"a","weight":0},{"weight":1}]}]`, "/t", nil,
			map[string]int{"own": 100}},
		{"a match", `[` + canary + `]`, "/t", []string{"X-Canary", "1"}, map[string]int{"a": 100}},
		{"the second of a rule's matches", `[` + canary + `]`, "/t?canary=1", nil, map[string]int{"a": 100}},
		{"no match: the route's own", `[` + canary + `]`, "/t", nil, map[string]int{"own": 100}},
		{"the first rule that matches", `[` + canary + `,{"weighted_upstreams":[{"upstream_id":"b"}]}]`, "/t",
			[]string{"X-Canary", "1"}, map[string]int{"a": 100}},
		{"else the next one", `[` + canary + `,{"weighted_upstreams":[{"upstream_id":"b"}]}]`, "/t", nil,
			map[string]int{"b": 100}},
		{"nodes of its own", `[{"weighted_upstreams":[{"upstream":{"nodes":{"` + b + `":1}}},{"weight":1}]}]`, "/t", nil,
			map[string]int{"b": 50, "own": 50}},
	} {
		t.Run(test.why, func(t *testing.T) {
			g.put(store.Routes, "1", `{"uri":"/t","upstream":{"nodes":{"%s":1}},"plugins":{"traffic-split":{"rules":%s}}}`,
				own, test.rules)
			got := map[string]int{}
			for range 100 {
				got[g.ask("GET", test.path, "", test.headers...).body]++
			}
			if !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestTrafficSplitToWhatCannotBe(t *testing.T) {
	g := newTestGateway(t)
	own := named(t, "own")
	for why, target := range map[string]string{
		"an upstream that there is not": `{"upstream_id":"nosuch"}`,
		"a service inside":              `{"upstream":{"discovery_type":"consul","service_name":"x"}}`,
	} {
		g.put(store.Routes, "1", `{"uri":"/t","upstream":{"nodes":{"%s":1}},
			"plugins":{"traffic-split":{"rules":[{"weighted_upstreams":[%s]}]}}}`, own, target)
		if got := g.ask("GET", "/t", ""); got.status != http.StatusInternalServerError {
			t.Errorf("%s: %+v", why, got)
		}
	}
}

func TestTrafficSplitWithoutRules(t *testing.T) {
	g := newTestGateway(t)
	g.put(store.Routes, "1", `{"uri":"/t","upstream":{"nodes":{"%s":1}},"plugins":{"traffic-split":{"rules":[]}}}`,
		named(t, "own"))
	if got := g.ask("GET", "/t", ""); got.status != http.StatusInternalServerError {
		t.Errorf("%+v", got)
	}
}
