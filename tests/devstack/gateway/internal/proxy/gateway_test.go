package proxy

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"devstack/gateway/internal/apischema"
	"devstack/gateway/internal/discovery"
	"devstack/gateway/internal/store"
)

// testGateway is a gateway on a port, with its store.
type testGateway struct {
	*httptest.Server
	t       *testing.T
	objects *store.Store
}

func newTestGateway(t *testing.T) *testGateway {
	t.Helper()
	schemas, err := apischema.Load()
	if err != nil {
		t.Fatal(err)
	}
	objects, err := store.Open("")
	if err != nil {
		t.Fatal(err)
	}
	gateway := New(discovery.New("http://127.0.0.1:1", ""), schemas)
	objects.Listen(gateway)
	go gateway.Run(t.Context())
	server := httptest.NewServer(gateway)
	t.Cleanup(server.Close)
	return &testGateway{server, t, objects}
}

// put stores an object given as JSON, with %s for the addresses.
func (g *testGateway) put(kind, id, format string, args ...any) {
	g.t.Helper()
	var value map[string]any
	text := fmt.Sprintf(format, args...)
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		g.t.Fatalf("%s: %v", text, err)
	}
	if _, _, missing, err := g.objects.Put(kind, id, value); err != nil || missing != "" {
		g.t.Fatalf("%s: %v, missing upstream %q", text, err, missing)
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request; headers are pairs, and Host is one of them.
func (g *testGateway) ask(method, path, body string, headers ...string) answer {
	g.t.Helper()
	request, err := http.NewRequest(method, g.URL+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	noRedirect := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := noRedirect.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// newNode is a node that answers with the text that the function makes of the request.
func newNode(t *testing.T, say func(r *http.Request) string) string {
	t.Helper()
	return serveNode(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, say(r)) })
}

func serveNode(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func named(t *testing.T, name string) string {
	t.Helper()
	return newNode(t, func(*http.Request) string { return name })
}

// deadAddress is one where nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	return socket.Addr().String()
}

func TestARouteThatIsSwitchedOffIsGone(t *testing.T) {
	g := newTestGateway(t)
	node := named(t, "n")
	g.put(store.Routes, "1", `{"uri":"/t","upstream":{"nodes":{"%s":1}}}`, node)
	if got := g.ask("GET", "/t", ""); got.status != http.StatusOK || got.body != "n" {
		t.Fatalf("%+v", got)
	}
	g.put(store.Routes, "1", `{"uri":"/t","status":0,"upstream":{"nodes":{"%s":1}}}`, node)
	if got := g.ask("GET", "/t", ""); got.status != http.StatusNotFound || !strings.Contains(got.body, "404 Route Not Found") {
		t.Errorf("%+v", got)
	}
}

func TestAnUpdateOfAnUpstreamReachesItsRoutes(t *testing.T) {
	g := newTestGateway(t)
	g.put(store.Upstreams, "u", `{"nodes":{"%s":1}}`, named(t, "first"))
	g.put(store.Routes, "1", `{"uri":"/t","upstream_id":"u"}`)
	if got := g.ask("GET", "/t", ""); got.body != "first" {
		t.Fatalf("%+v", got)
	}
	g.put(store.Upstreams, "u", `{"nodes":{"%s":1}}`, named(t, "second"))
	if got := g.ask("GET", "/t", ""); got.body != "second" {
		t.Errorf("%+v", got)
	}
	if _, _, err := g.objects.Delete(store.Upstreams, "u", true); err != nil {
		t.Fatal(err)
	}
	if got := g.ask("GET", "/t", ""); got.status != http.StatusBadGateway {
		t.Errorf("an upstream that was deleted by force: %+v", got)
	}
}

func TestWithoutANode(t *testing.T) {
	g := newTestGateway(t)
	for _, test := range []struct {
		why, upstream string
		status        int
	}{
		{"no nodes", `{"nodes":{}}`, http.StatusServiceUnavailable},
		{"an empty list", `{"nodes":[]}`, http.StatusServiceUnavailable},
		{"a discovery that there is not", `{"discovery_type":"nosuch","service_name":"x"}`, http.StatusServiceUnavailable},
		{"a type that there is not", `{"type":"nosuch","nodes":{"127.0.0.1:1":1,"127.0.0.1:2":1}}`, http.StatusInternalServerError},
		{"a dead node", `{"nodes":{"` + deadAddress(t) + `":1}}`, http.StatusBadGateway},
	} {
		t.Run(test.why, func(t *testing.T) {
			g.put(store.Routes, "1", `{"uri":"/t","upstream":%s}`, test.upstream)
			got := g.ask("GET", "/t", "")
			if got.status != test.status || !strings.Contains(got.body, fmt.Sprintf("<title>%d ", test.status)) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestMethodsThatNginxRefuses(t *testing.T) {
	g := newTestGateway(t)
	g.put(store.Routes, "1", `{"uri":"/*","upstream":{"nodes":{"%s":1}}}`, named(t, "n"))
	if got := g.ask("TRACE", "/t", ""); got.status != http.StatusMethodNotAllowed {
		t.Errorf("%+v", got)
	}
	if got := g.ask("PURGE", "/t", ""); got.body != "n" {
		t.Errorf("%+v", got)
	}
}
