package proxy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"

	"devstack/gateway/internal/nginx"
)

// request is one request on its way.
type request struct {
	gateway       *Gateway
	in            *http.Request
	uri           string // nginx's $uri
	args          string
	method        string
	host          string // lower case, without a port
	remote        string
	serverAddress string
	serverPort    string
	forwardedPort string
	route         *route
	cached        map[string]any // variables that had a value when they were first asked for: APISIX looks once

	captures     []string // of regex_uri
	target       string   // path and query for the node; "": as they came
	rewrittenTo  string   // the Host that proxy-rewrite asked for
	upstreamID   string   // chosen by traffic-split; "": the route's own
	splitInline  *upstream
	upstream     *upstream
	checker      *checker // nil: its nodes are not checked
	picker       picker
	nodeCount    int
	node         *node    // that answered
	statuses     []string // of failed tries, for X-APISIX-Upstream-Status
	status       int      // of the answer, once there is one
	activePlugin []*plugin
	quota        http.Header // what limit-count tells of
}

type contextKey struct{}

func withRequest(ctx context.Context, q *request) context.Context {
	return context.WithValue(ctx, contextKey{}, q)
}

func requestOf(ctx context.Context) *request {
	q, _ := ctx.Value(contextKey{}).(*request)
	return q
}

// reply is an answer of the gateway's own: with a JSON or text body, or the HTML error page of its status.
type reply struct {
	status int
	header http.Header
	body   any // nil: the page
}

// runPlugins runs the phases rewrite and access; an answer ends the request.
func (q *request) runPlugins() *reply {
	for _, p := range q.route.plugins {
		if p.filter == nil || p.filter.Eval(q.variable) {
			q.activePlugin = append(q.activePlugin, p)
		}
	}
	for _, p := range q.activePlugin {
		if p.rewrite != nil {
			if answer := p.rewrite(q); answer != nil {
				return answer
			}
		}
	}
	for _, p := range q.activePlugin {
		if p.access != nil {
			if answer := p.access(q); answer != nil {
				return answer
			}
		}
	}
	return nil
}

// chooseUpstream settles where the request goes.
func (q *request) chooseUpstream() *reply {
	switch {
	case q.splitInline != nil:
		q.upstream = q.splitInline
	case q.upstreamID != "":
		q.upstream = q.gateway.upstream(q.upstreamID)
	case q.route.inline != nil:
		q.upstream = q.route.inline
	case q.route.upstreamID != "":
		q.upstream = q.gateway.upstream(q.route.upstreamID)
		if q.upstream == nil {
			return &reply{status: http.StatusBadGateway}
		}
	}
	if q.upstream == nil || q.upstream.unknown {
		return &reply{status: http.StatusServiceUnavailable}
	}
	set := q.upstream.nodes(q.in.Context())
	q.nodeCount = len(set.nodes)
	if q.nodeCount == 0 {
		return &reply{status: http.StatusServiceUnavailable}
	}
	q.checker = q.gateway.checkers.of(q.upstream, set)
	if q.picker = q.gateway.picker(q.upstream, set, q.checker); q.picker == nil { // a type that there is not
		return &reply{status: http.StatusInternalServerError}
	}
	return nil
}

// reply answers for the gateway; plugins see the answer as they see a node's.
func (q *request) reply(w http.ResponseWriter, answer *reply) {
	if len(q.activePlugin) == 0 {
		writeReply(w, answer)
		return
	}
	buffered := &bufferedWriter{header: w.Header()}
	writeReply(buffered, answer)
	response := &http.Response{
		StatusCode: buffered.status, Header: w.Header(), Body: io.NopCloser(&buffered.body), Request: q.in,
	}
	q.respond(response)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		body = nil
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(body)
}

// respond lets the plugins change an answer.
func (q *request) respond(response *http.Response) {
	q.status = response.StatusCode
	for _, p := range q.activePlugin {
		if p.respond != nil {
			p.respond(q, response)
		}
	}
}

func writeReply(w http.ResponseWriter, answer *reply) {
	for name, values := range answer.header {
		w.Header()[name] = values
	}
	if answer.body == nil {
		nginx.ErrorPage(w, answer.status)
		return
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.WriteHeader(answer.status)
	if body, isText := answer.body.(string); isText {
		_, _ = io.WriteString(w, body)
		return
	}
	_, _ = io.WriteString(w, encoded(answer.body)+"\n")
}

// bufferedWriter keeps an answer until the plugins have seen it.
type bufferedWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (b *bufferedWriter) Header() http.Header            { return b.header }
func (b *bufferedWriter) WriteHeader(status int)         { b.status = status }
func (b *bufferedWriter) Write(data []byte) (int, error) { return b.body.Write(data) }
