package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

func newReverseProxy(g *Gateway) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite:        rewriteOutgoing,
		Transport:      newTransport(),
		ModifyResponse: modifyResponse,
		ErrorHandler:   handleError,
		BufferPool:     &bufferPool{},
		FlushInterval:  -1,
		ErrorLog:       slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}

// rewriteOutgoing builds the request for the node; the node itself is chosen by the transport, for each try.
func rewriteOutgoing(p *httputil.ProxyRequest) {
	q := requestOf(p.In.Context())
	out := p.Out
	out.Method = q.method
	target := q.target
	if target == "" {
		target = p.In.RequestURI
	}
	path, query, hasQuery := strings.Cut(target, "?")
	out.URL = &url.URL{Scheme: "http", Host: "node", Opaque: path, RawQuery: query, ForceQuery: hasQuery && query == ""}
	if strings.HasPrefix(path, "//") {
		// An opaque part with two slashes would be taken for an authority.
		out.URL.Opaque, out.URL.Path, out.URL.RawPath = "", path, path
		if decoded, err := url.PathUnescape(path); err == nil {
			out.URL.Path = decoded
		}
	}
	out.Host = q.in.Host
	if q.rewrittenTo != "" {
		out.Host = q.rewrittenTo
	}
	if q.upstream.passHost == "rewrite" {
		out.Host = q.upstream.host
	}
	header := out.Header
	header.Set("X-Real-IP", q.remote)
	forwarded := append(q.in.Header.Values("X-Forwarded-For"), q.remote)
	header.Set("X-Forwarded-For", strings.Join(forwarded, ", "))
	// What Go takes out, and nginx passes on as the plugins left it.
	for _, name := range []string{"X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Proxy-Connection"} {
		if values := p.In.Header.Values(name); len(values) > 0 {
			header[name] = values
		}
	}
}

func modifyResponse(response *http.Response) error {
	q := requestOf(response.Request.Context())
	response.Header.Del("Server")
	if q.checker != nil {
		q.checker.answered(q.node, response.StatusCode)
	}
	if response.StatusCode >= http.StatusInternalServerError {
		response.Header.Set("X-APISIX-Upstream-Status", strings.Join(append(q.statuses, statusText(response.StatusCode)), ", "))
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		q.respond(response)
	}
	return nil
}

func handleError(w http.ResponseWriter, r *http.Request, err error) {
	q := requestOf(r.Context())
	if r.Context().Err() != nil {
		return // the client is gone
	}
	status := http.StatusBadGateway
	var nowhere noPeer
	switch {
	case errors.As(err, &nowhere):
		status = int(nowhere)
	case errors.Is(err, errTimeout):
		status = http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled):
		return
	}
	slog.Info("a node did not answer", "route", q.route.id, "uri", q.uri, "status", status, "error", err)
	header := http.Header{}
	if len(q.statuses) > 0 {
		header.Set("X-APISIX-Upstream-Status", strings.Join(q.statuses, ", "))
	}
	q.reply(w, &reply{status: status, header: header})
}

type bufferPool struct{ pool sync.Pool }

const copyBuffer = 32 << 10

func (b *bufferPool) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, copyBuffer)
}

func (b *bufferPool) Put(buffer []byte) { b.pool.Put(&buffer) }
