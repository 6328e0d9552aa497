package proxy

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"devstack/gateway/internal/store"
)

// cutter is a node that reads a request and cuts the connection; it counts the requests.
func cutter(t *testing.T, count *atomic.Int32) string {
	t.Helper()
	return serveNode(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		count.Add(1)
		connection, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = connection.Close()
		}
	})
}

func TestRetries(t *testing.T) {
	for _, test := range []struct {
		why, method, options string
		cut                  bool // the first node cuts; else nobody listens there
		status               int
		upstreamStatus       string
	}{
		{"nobody listens: the next node", "GET", ``, false, 200, ""},
		{"nobody listens: a POST too, it was not sent", "POST", ``, false, 200, ""},
		{"cut after it was sent: the next node", "GET", ``, true, 200, ""},
		{"a PUT can be sent again", "PUT", ``, true, 200, ""},
		{"a POST cannot", "POST", ``, true, 502, "502"},
		{"retries 0", "GET", `"retries":0,`, true, 502, "502"},
		{"no retry after retry_timeout", "GET", `"retry_timeout":0.000001,`, true, 502, "502"},
	} {
		t.Run(test.why, func(t *testing.T) {
			g := newTestGateway(t)
			var cut atomic.Int32
			first := deadAddress(t)
			if test.cut {
				first = cutter(t, &cut)
			}
			second := newNode(t, func(r *http.Request) string {
				body, _ := io.ReadAll(r.Body)
				return string(body)
			})
			g.put(store.Routes, "1", `{"uri":"/t","upstream":{%s"nodes":[{"host":"127.0.0.1","port":%s,"weight":1},
				{"host":"127.0.0.1","port":%s,"weight":1,"priority":-1}]}}`, test.options, port(first), port(second))
			got := g.ask(test.method, "/t", "the body")
			if got.status != test.status || got.header.Get("X-APISIX-Upstream-Status") != test.upstreamStatus {
				t.Fatalf("%+v", got)
			}
			if test.status == http.StatusOK && got.body != "the body" {
				t.Errorf("the second node got the body %q", got.body)
			}
			if test.cut && cut.Load() != 1 {
				t.Errorf("the first node got %d requests", cut.Load())
			}
		})
	}
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

func TestTheOnlyNodeIsTriedAgainIfRetriesSaySo(t *testing.T) {
	g := newTestGateway(t)
	var cut atomic.Int32
	g.put(store.Routes, "1", `{"uri":"/t","upstream":{"retries":2,"nodes":{"%s":1}}}`, cutter(t, &cut))
	got := g.ask("GET", "/t", "")
	if got.header.Get("X-APISIX-Upstream-Status") != "502, 502, 502" || cut.Load() != 3 {
		t.Errorf("%d requests: %+v", cut.Load(), got)
	}
}

func TestTimeouts(t *testing.T) {
	g := newTestGateway(t)
	slow := serveNode(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-r.Context().Done():
		case <-time.After(3 * time.Second):
		}
	})
	g.put(store.Routes, "1", `{"uri":"/head","timeout":{"connect":1,"send":1,"read":0.1},
		"upstream":{"timeout":{"connect":9,"send":9,"read":9},"nodes":{"%s":1}}}`, slow)
	g.put(store.Routes, "2", `{"uri":"/body","upstream":{"timeout":{"connect":1,"send":1,"read":0.1},"nodes":{"%s":1}}}`, slow)
	if got := g.ask("GET", "/head", ""); got.status != http.StatusGatewayTimeout ||
		got.header.Get("X-APISIX-Upstream-Status") != "504" {
		t.Errorf("%+v", got)
	}
	response, err := http.Get(g.URL + "/body")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil || string(body) != "begun" {
		t.Errorf("a body that pauses: %q, %v", body, err)
	}
}

func TestASlowButSteadyBodyIsNotCut(t *testing.T) {
	g := newTestGateway(t)
	steady := serveNode(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 6 {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	})
	g.put(store.Routes, "1", `{"uri":"/t","upstream":{"timeout":{"connect":1,"send":1,"read":0.4},"nodes":{"%s":1}}}`, steady)
	if got := g.ask("GET", "/t", ""); got.body != "xxxxxx" {
		t.Errorf("%+v", got)
	}
}

func TestALargeBodyIsPassedOn(t *testing.T) {
	g := newTestGateway(t)
	node := newNode(t, func(r *http.Request) string {
		sum := sha256.New()
		n, _ := io.Copy(sum, r.Body)
		return fmt.Sprintf("%d %x", n, sum.Sum(nil))
	})
	g.put(store.Routes, "1", `{"uri":"/t","upstream":{"nodes":{"%s":1}}}`, node)
	body := strings.Repeat("0123456789", 300_000)
	want := fmt.Sprintf("%d %x", len(body), sha256.Sum256([]byte(body)))
	if got := g.ask("POST", "/t", body); got.body != want {
		t.Errorf("got %q, want %q", got.body, want)
	}
}

// echo is a node that speaks an upgraded protocol: it sends each line back.
func echo(t *testing.T) string {
	t.Helper()
	return serveNode(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" {
			_, _ = io.WriteString(w, "plain")
			return
		}
		connection, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer connection.Close()
		_, _ = io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		for {
			line, err := buffered.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(connection, line)
		}
	})
}

func upgrade(t *testing.T, g *testGateway, path string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	connection, err := net.Dial("tcp", g.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", path)
	reader := bufio.NewReader(connection)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return connection, reader, response
}

func TestWebsocket(t *testing.T) {
	g := newTestGateway(t)
	node := echo(t)
	const limits = `"timeout":{"connect":1,"send":1,"read":0.3}`
	g.put(store.Routes, "1", `{"uri":"/ws","enable_websocket":true,"upstream":{%s,"nodes":{"%s":1}}}`, limits, node)
	g.put(store.Routes, "2", `{"uri":"/plain","upstream":{"nodes":{"%s":1}}}`, node)

	connection, reader, response := upgrade(t, g, "/ws")
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", response.StatusCode)
	}
	for i := range 5 { // longer in all than the read timeout
		time.Sleep(100 * time.Millisecond)
		fmt.Fprintf(connection, "hello %d\n", i)
		if line, err := reader.ReadString('\n'); err != nil || line != fmt.Sprintf("hello %d\n", i) {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if err := connection.SetReadDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadByte(); err != io.EOF {
		t.Errorf("a silent connection is not ended after the read timeout: %v", err)
	}

	_, _, response = upgrade(t, g, "/plain")
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || string(body) != "plain" {
		t.Errorf("without enable_websocket: %d %q", response.StatusCode, body)
	}
}
