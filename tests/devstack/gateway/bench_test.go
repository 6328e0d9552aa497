package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"devstack/gateway/internal/admin"
	"devstack/gateway/internal/apischema"
	"devstack/gateway/internal/control"
	"devstack/gateway/internal/discovery"
	"devstack/gateway/internal/proxy"
	"devstack/gateway/internal/store"
)

// The gateway bounds what a benchmark of the operator can show, so its own rates are measured: over loopback, with 8
// connections and 2,000 routes, as the program runs it (faults, recorder, journal). The client shares the machine.
//
//	go test -run '^$' -bench . -benchtime 10000x .

const (
	connections = 8
	present     = 2000
)

type benchGateway struct {
	admin, proxy *httptest.Server
	client       *http.Client
}

func newBenchGateway(b *testing.B) *benchGateway {
	b.Helper()
	schemas, err := apischema.Load()
	if err != nil {
		b.Fatal(err)
	}
	directory := b.TempDir()
	objects, err := store.Open(filepath.Join(directory, "data"))
	if err != nil {
		b.Fatal(err)
	}
	consul := discovery.New("http://127.0.0.1:1", "")
	gateway := proxy.New(consul, schemas)
	objects.Listen(gateway)
	controller := control.New(admin.New(objects, schemas, admin.NewKeys("key", "")), objects, gateway, consul, nil)
	g := &benchGateway{
		admin:  httptest.NewServer(http.HandlerFunc(controller.Admin)),
		proxy:  httptest.NewServer(gateway),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}},
	}
	b.Cleanup(g.admin.Close)
	b.Cleanup(g.proxy.Close)
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	b.Cleanup(node.Close)
	for i := range present {
		g.put(b, i, node.Listener.Addr().String())
	}
	return g
}

func (g *benchGateway) put(b *testing.B, i int, node string) {
	body := fmt.Sprintf(`{"uris":["/bench/%[1]d/*"],"name":"bench/%[1]d","status":1,"methods":["GET","POST"],
		"labels":{"manager":"bench","name":"route-%[1]d"},"plugins":{"proxy-rewrite":{"regex_uri":["^/bench/%[1]d/(.*)","/$1"]}},
		"upstream":{"timeout":{"connect":6,"send":6,"read":6},"type":"roundrobin","scheme":"http","pass_host":"pass",
		"nodes":{"%[2]s":1},"keepalive_pool":{"idle_timeout":60,"requests":1000,"size":320}}}`, i, node)
	url := fmt.Sprintf("%s/apisix/admin/routes/bench.%d", g.admin.URL, i)
	request, err := http.NewRequest(http.MethodPut, url, bytes.NewReader([]byte(body)))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("X-API-KEY", "key")
	g.do(b, request)
}

func (g *benchGateway) do(b *testing.B, request *http.Request) {
	response, err := g.client.Do(request)
	if err != nil {
		b.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if response.StatusCode >= 300 {
		b.Errorf("%s %s: %s", request.Method, request.URL, response.Status)
	}
}

// parallel runs the work on all connections and reports its rate.
func (g *benchGateway) parallel(b *testing.B, work func(i int)) {
	var next atomic.Int64
	b.SetParallelism(max(1, connections/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			work(int(next.Add(1)) % present)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

func BenchmarkPut(b *testing.B) {
	g := newBenchGateway(b)
	g.parallel(b, func(i int) { g.put(b, i, "127.0.0.1:1") })
}

func BenchmarkProxiedRequest(b *testing.B) {
	g := newBenchGateway(b)
	g.parallel(b, func(i int) {
		request, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/bench/%d/hello", g.proxy.URL, i), nil)
		if err != nil {
			b.Fatal(err)
		}
		g.do(b, request)
	})
}

func BenchmarkList(b *testing.B) {
	g := newBenchGateway(b)
	g.parallel(b, func(int) {
		request, err := http.NewRequest(http.MethodGet, g.admin.URL+"/apisix/admin/routes", nil)
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("X-API-KEY", "key")
		g.do(b, request)
	})
}
