package proxy

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"devstack/gateway/internal/expr"
	"devstack/gateway/internal/nginx"
)

func newFaultInjection(conf map[string]any) *plugin {
	abort, delay := object(conf["abort"]), object(conf["delay"])
	abortVars, delayVars := eachExpr(abort["vars"]), eachExpr(delay["vars"])
	return &plugin{rewrite: func(q *request) *reply {
		if delay != nil && hit(delay["percentage"]) && anyHolds(delayVars, q) {
			select {
			case <-q.in.Context().Done():
			case <-time.After(seconds(delay["duration"], 0)):
			}
		}
		if abort == nil || !hit(abort["percentage"]) || !anyHolds(abortVars, q) {
			return nil
		}
		answer := &reply{status: integer(abort["http_status"], http.StatusOK), header: http.Header{}}
		for name, value := range object(abort["headers"]) {
			answer.header.Set(name, q.resolve(text(value), nil))
		}
		if body, ok := abort["body"].(string); ok {
			answer.body = q.resolve(body, nil)
		}
		return answer
	}}
}

func eachExpr(raw any) []*expr.Expr {
	var all []*expr.Expr
	for _, item := range list(raw) {
		if e, err := expr.Compile(item); err == nil {
			all = append(all, e)
		}
	}
	return all
}

func anyHolds(all []*expr.Expr, q *request) bool {
	for _, e := range all {
		if e.Eval(q.variable) {
			return true
		}
	}
	return len(all) == 0
}

func hit(percentage any) bool {
	return rand.IntN(100) < integer(percentage, 100)
}

func newIPRestriction(conf map[string]any) *plugin {
	allowed, denied := networks(conf["whitelist"]), networks(conf["blacklist"])
	answer := &reply{
		status: integer(conf["response_code"], http.StatusForbidden),
		body:   map[string]any{"message": text(conf["message"])},
	}
	return &plugin{access: func(q *request) *reply {
		if expr.Contains(denied, q.remote) || allowed != nil && !expr.Contains(allowed, q.remote) {
			return answer
		}
		return nil
	}}
}

func networks(raw any) []netip.Prefix {
	if raw == nil {
		return nil
	}
	parsed, _ := expr.ParseNetworks(raw)
	return parsed
}

// newKeyAuth is key-auth in a gateway without Consumers: no key is known.
func newKeyAuth(conf map[string]any) *plugin {
	header := http.Header{"Www-Authenticate": {`apikey realm="` + text(conf["realm"]) + `"`}}
	return &plugin{rewrite: func(q *request) *reply {
		message := "Invalid API key in request"
		switch {
		case text(conf["anonymous_consumer"]) != "":
			message = "Invalid user authorization"
		case q.in.Header.Get(text(conf["header"])) == "" && q.argument(text(conf["query"])) == nil:
			message = "Missing API key in request"
		}
		return &reply{status: http.StatusUnauthorized, header: header, body: map[string]any{"message": message}}
	}}
}

// httpsPort is where APISIX itself listens for https by default: http_to_https sends clients there.
const httpsPort = ":9443"

func newRedirect(conf map[string]any) *plugin {
	var pairs []regexPair
	if parts := texts(conf["regex_uri"]); len(parts) == 2 {
		if pair, err := newRegexPair(parts[0], parts[1]); err == nil {
			pairs = []regexPair{pair}
		}
	}
	return &plugin{rewrite: func(q *request) *reply {
		status, uri := integer(conf["ret_code"], http.StatusFound), ""
		switch {
		case conf["http_to_https"] == true: // what a client says in X-Forwarded-Proto is not believed
			uri, status = "https://"+q.host+httpsPort+q.requestURI(), http.StatusPermanentRedirect
			if q.method == http.MethodGet || q.method == http.MethodHead {
				status = http.StatusMovedPermanently
			}
		case text(conf["uri"]) != "":
			uri = q.resolve(text(conf["uri"]), nil)
		case len(pairs) > 0:
			substituted, err := q.substitute(q.uri, pairs)
			if err != nil {
				return &reply{status: http.StatusInternalServerError}
			}
			if q.captures == nil {
				return nil
			}
			uri = substituted
		default:
			return nil
		}
		return &reply{status: status, header: http.Header{"Location": {q.location(uri, conf)}}}
	}}
}

func (q *request) location(uri string, conf map[string]any) string {
	path, query, hasQuery := strings.Cut(uri, "?")
	if conf["encode_uri"] == true {
		path = nginx.Escape(path)
	}
	if hasQuery {
		path += "?" + query
	}
	if conf["append_query_string"] == true && q.args != "" {
		separator := "?"
		if hasQuery {
			separator = "&"
		}
		path += separator + q.args
	}
	return path
}
