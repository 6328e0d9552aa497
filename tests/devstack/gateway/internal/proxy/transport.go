package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"
)

var (
	errTimeout = errors.New("timed out")
	errNoNode  = errors.New("all upstream servers tried")
)

// noPeer is the status of a request whose node has an address that is none: names of discovered nodes are not looked up.
type noPeer int

func (n noPeer) Error() string { return "the node's address is no IP address: " + statusText(int(n)) }

// maxReplay is how much of a body is kept to send it again to another node.
const maxReplay = 1 << 20

// transport sends a request to a node that the upstream's picker chooses, and to the next one when that fails.
type transport struct{ base *http.Transport }

type connectTimeoutKey struct{}

func newTransport() *transport {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		dialer := net.Dialer{Timeout: defaultTimeout}
		if timeout, ok := ctx.Value(connectTimeoutKey{}).(time.Duration); ok {
			dialer.Timeout = timeout
		}
		return dialer.DialContext(ctx, network, address)
	}
	return &transport{&http.Transport{
		DialContext:         dial,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 320,
		IdleConnTimeout:     time.Minute,
		// APISIX verifies no certificate of a node (measured with 3.18, `tls.verify` or not).
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
}

func (t *transport) RoundTrip(out *http.Request) (*http.Response, error) {
	q := requestOf(out.Context())
	u := q.upstream
	limits := u.timeouts
	if q.route.timeouts != nil {
		limits = q.route.timeouts
	}
	if limits == nil {
		limits = &timeouts{defaultTimeout, defaultTimeout, defaultTimeout}
	}
	retries := u.retries
	if retries < 0 {
		retries = q.nodeCount - 1
	}
	var deadline time.Time
	if u.retryTimeout > 0 {
		deadline = time.Now().Add(u.retryTimeout)
	}
	body, err := newReplay(out)
	if err != nil {
		return nil, err
	}
	hash := u.hash(q)
	tried := map[*node]bool{}
	for try := 0; ; try++ {
		n := q.pick(hash, tried)
		if n == nil {
			return nil, errNoNode
		}
		if n.noPeer != 0 {
			return nil, n.noPeer
		}
		response, sent, err := t.send(out, body, n, limits)
		if err == nil {
			q.node = n
			return response, nil
		}
		if out.Context().Err() != nil {
			return nil, err
		}
		q.statuses = append(q.statuses, failureStatus(err))
		late := !deadline.IsZero() && time.Now().After(deadline)
		if try >= retries || late || sent && !repeatable(out.Method) || !body.rewind() {
			return nil, err
		}
		if q.checker != nil { // told of tries that another one follows
			q.checker.report(n, failure(err), u.checks.passive.limits)
		}
	}
}

// pick gives the next node and remembers it as tried. The only node of an upstream is tried again.
func (q *request) pick(hash string, tried map[*node]bool) *node {
	n := q.picker.pick(hash, tried)
	if n != nil && q.nodeCount > 1 {
		tried[n] = true
	}
	return n
}

// ended tells the picker that a try of a node is over.
func (q *request) ended(n *node) {
	if p, ok := q.picker.(counting); ok {
		p.ended(n)
	}
}

// answered tells the picker how long an answer took, to its end.
func (q *request) answered(n *node, began time.Time) {
	q.ended(n)
	if p, ok := q.picker.(timing); ok {
		p.answered(n, time.Since(began))
	}
}

// repeatable says whether a request that was sent may be sent again, as nginx decides it.
func repeatable(method string) bool {
	return method != http.MethodPost && method != http.MethodPatch && method != "LOCK"
}

func failureStatus(err error) string {
	if errors.Is(err, errTimeout) {
		return statusText(http.StatusGatewayTimeout)
	}
	return statusText(http.StatusBadGateway)
}

func statusText(status int) string { return strconv.Itoa(status) }

// send makes one try; sent says whether a connection was there to send on.
func (t *transport) send(
	out *http.Request, body *replay, n *node, limits *timeouts,
) (response *http.Response, sent bool, err error) {
	q := requestOf(out.Context())
	ctx, cancel := context.WithCancelCause(context.WithValue(out.Context(), connectTimeoutKey{}, limits.connect))
	timer := time.AfterFunc(limits.connect+limits.send, func() { cancel(errTimeout) })
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { connected.Store(true); timer.Reset(limits.send) },
		WroteRequest: func(httptrace.WroteRequestInfo) { timer.Reset(limits.read) },
	})
	request := out.Clone(ctx)
	request.Body = body.reader()
	request.URL.Host = n.dialled()
	request.URL.Scheme = "http"
	if q.upstream.scheme == "https" {
		request.URL.Scheme = "https"
	}
	if q.upstream.passHost == "node" {
		request.Host = n.hostHeader(q.upstream.scheme)
	}
	began := time.Now()
	response, err = t.base.RoundTrip(request)
	if err != nil {
		q.ended(n)
		timer.Stop()
		cause := context.Cause(ctx)
		cancel(nil)
		var netError net.Error
		if errors.Is(cause, errTimeout) || errors.As(err, &netError) && netError.Timeout() {
			return nil, connected.Load(), errors.Join(errTimeout, err)
		}
		return nil, connected.Load(), err
	}
	timer.Reset(limits.read)
	response.Body = guard(response.Body, timer, limits.read, func() { q.answered(n, began); cancel(nil) })
	return response, true, nil
}

// hostHeader is the Host for pass_host: node.
func (n *node) hostHeader(scheme string) string {
	if n.port == standardPort(scheme) {
		return n.host
	}
	return n.address()
}

// guarded is a body whose reads must not pause longer than the read timeout.
type guarded struct {
	io.ReadCloser
	timer *time.Timer
	limit time.Duration
	end   func()
	ended atomic.Bool
}

// guardedConn is the same of an upgraded connection.
type guardedConn struct {
	*guarded
	io.Writer
}

func guard(body io.ReadCloser, timer *time.Timer, limit time.Duration, end func()) io.ReadCloser {
	g := &guarded{ReadCloser: body, timer: timer, limit: limit, end: end}
	if writer, ok := body.(io.Writer); ok {
		timer.Stop()
		g.timer = time.AfterFunc(limit, func() { _ = body.Close() })
		return guardedConn{g, writer}
	}
	return g
}

func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.ReadCloser.Read(p)
	if n > 0 && err == nil {
		g.timer.Reset(g.limit)
	}
	return n, err
}

func (g *guarded) Close() error {
	g.timer.Stop()
	err := g.ReadCloser.Close()
	if g.ended.CompareAndSwap(false, true) {
		g.end()
	}
	return err
}

// replay is a request's body that can be sent again: kept up to a size, else as long as nothing of it was read.
type replay struct {
	kept   []byte
	stream *untouched
}

type untouched struct {
	io.Reader
	touched atomic.Bool
}

func (u *untouched) Read(p []byte) (int, error) {
	u.touched.Store(true)
	return u.Reader.Read(p)
}

func newReplay(out *http.Request) (*replay, error) {
	switch {
	case out.Body == nil || out.Body == http.NoBody:
		return &replay{}, nil
	case out.ContentLength < 0 || out.ContentLength > maxReplay:
		return &replay{stream: &untouched{Reader: out.Body}}, nil
	}
	kept, err := io.ReadAll(out.Body)
	return &replay{kept: kept}, err
}

func (r *replay) reader() io.ReadCloser {
	switch {
	case r.stream != nil:
		return io.NopCloser(r.stream)
	case r.kept == nil:
		return http.NoBody
	}
	return io.NopCloser(bytes.NewReader(r.kept))
}

func (r *replay) rewind() bool { return r.stream == nil || !r.stream.touched.Load() }
