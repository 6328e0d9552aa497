package proxy

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"devstack/gateway/internal/store"
)

const patience = 30 * time.Second

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %s not yet: %s", patience, what)
		}
	}
}

// moody is a node that answers its check with a status that can be changed.
type moody struct {
	address string
	status  atomic.Int64
	asked   atomic.Int64
}

func newMoody(t *testing.T, name string) *moody {
	m := &moody{}
	m.status.Store(http.StatusOK)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			m.asked.Add(1)
			w.WriteHeader(int(m.status.Load()))
			return
		}
		if r.URL.Path == "/as-its-check" {
			w.WriteHeader(int(m.status.Load()))
		}
		_, _ = w.Write([]byte(name))
	}))
	t.Cleanup(server.Close)
	m.address = strings.TrimPrefix(server.URL, "http://")
	return m
}

// lately says which nodes answered the last requests.
func (g *testGateway) lately(path string) string {
	seen := ""
	for range 6 {
		if body := g.ask("GET", path, "").body; !strings.Contains(seen, body) {
			seen += body
		}
	}
	return seen
}

const checked = `{"nodes":{"%s":1,"%s":1},"checks":{"active":{"http_path":"/health",
	"healthy":{"interval":1,"successes":1},"unhealthy":{"interval":1,"http_failures":1}}%s}}`

func TestAnUnhealthyNodeIsOutAndComesBack(t *testing.T) {
	g := newTestGateway(t)
	a, b := newMoody(t, "a"), newMoody(t, "b")
	g.put(store.Upstreams, "u", checked, a.address, b.address, "")
	g.put(store.Routes, "1", `{"uri":"/t","upstream_id":"u"}`)
	b.status.Store(http.StatusServiceUnavailable)
	if len(g.lately("/t")) != 2 {
		t.Error("a node is left out before it was checked")
	}
	until(t, "the bad node is out", func() bool { return g.lately("/t") == "a" })
	b.status.Store(http.StatusOK)
	until(t, "it is back", func() bool { return len(g.lately("/t")) == 2 })
	a.status.Store(http.StatusServiceUnavailable)
	b.status.Store(http.StatusServiceUnavailable)
	asked := b.asked.Load()
	until(t, "both were checked", func() bool { return b.asked.Load() > asked+2 })
	if len(g.lately("/t")) != 2 {
		t.Error("where no node is healthy all are used")
	}
}

func TestPassiveChecksSeeAnswers(t *testing.T) {
	g := newTestGateway(t)
	a, b := newMoody(t, "a"), newMoody(t, "b")
	g.put(store.Upstreams, "u", `{"nodes":{"%s":1,"%s":1},"checks":{
		"active":{"http_path":"/none","healthy":{"interval":60},"unhealthy":{"interval":60}},
		"passive":{"unhealthy":{"http_statuses":[503],"http_failures":1}}}}`, a.address, b.address)
	g.put(store.Routes, "1", `{"uris":["/t","/as-its-check"],"upstream_id":"u"}`)
	b.status.Store(http.StatusServiceUnavailable)
	until(t, "the node that answers 503 is out", func() bool { g.lately("/as-its-check"); return g.lately("/t") == "a" })
}

func TestWithoutAnIntervalNobodyIsAsked(t *testing.T) {
	for why, test := range map[string]struct {
		conf map[string]any
		want time.Duration
	}{
		"no object around it: the library's, never": {map[string]any{}, 0},
		"an object without it: the schema's":        {map[string]any{"healthy": map[string]any{}}, time.Second},
		"as it says":                                {map[string]any{"healthy": map[string]any{"interval": 3.0}}, 3 * time.Second},
	} {
		check := newActiveCheck(test.conf)
		if got, asks := check.interval(true); got != test.want || asks != (test.want > 0) {
			t.Errorf("%s: %s, want %s", why, got, test.want)
		}
	}
}
