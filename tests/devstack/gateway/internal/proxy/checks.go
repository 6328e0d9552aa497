package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// checks is `checks` of an upstream. The defaults are those of APISIX's schema where the object around a field is there;
// else those of its library, which asks nobody without an interval.
type checks struct {
	active  activeCheck
	passive passiveCheck
	told    bool // `passive` is there: the statuses of answers count
}

type activeCheck struct {
	kind, method, path, host string
	port                     int
	headers                  []string
	timeout                  time.Duration
	whileHealthy, whileNot   time.Duration // 0: never
	good, bad                []int
	limits                   [outcomes]int
	client                   *http.Client
}

type passiveCheck struct {
	good, bad []int
	limits    [outcomes]int
}

func newChecks(conf map[string]any) *checks {
	if conf == nil {
		return nil
	}
	passive := object(conf["passive"])
	return &checks{
		active: newActiveCheck(object(conf["active"])),
		passive: passiveCheck{
			good: statuses(object(passive["healthy"]), 200, 201, 202, 203, 204, 205, 206, 207, 208, 226,
				300, 301, 302, 303, 304, 305, 306, 307, 308),
			bad:    statuses(object(passive["unhealthy"]), 429, 500, 503),
			limits: limitsOf(passive, 5, 7),
		},
		told: passive != nil,
	}
}

func newActiveCheck(conf map[string]any) activeCheck {
	verify := conf["https_verify_certificate"] != false
	a := activeCheck{
		kind: textOr(conf["type"], "http"), method: textOr(conf["http_method"], http.MethodGet),
		path: textOr(conf["http_path"], "/"), host: text(conf["host"]), port: integer(conf["port"], 0),
		headers: texts(conf["req_headers"]), timeout: seconds(conf["timeout"], time.Second),
		good:   statuses(object(conf["healthy"]), 200, 302),
		bad:    statuses(object(conf["unhealthy"]), 429, 404, 500, 501, 502, 503, 504, 505),
		limits: limitsOf(conf, 2, 3),
	}
	if healthy := object(conf["healthy"]); healthy != nil {
		a.whileHealthy = seconds(healthy["interval"], time.Second)
	}
	if unhealthy := object(conf["unhealthy"]); unhealthy != nil {
		a.whileNot = seconds(unhealthy["interval"], time.Second)
	}
	a.client = &http.Client{
		Timeout:       a.timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: !verify, ServerName: a.host}, //nolint:gosec // as it is configured
		},
	}
	return a
}

func statuses(conf map[string]any, otherwise ...int) []int {
	raw := list(conf["http_statuses"])
	if raw == nil {
		return otherwise
	}
	found := make([]int, 0, len(raw))
	for _, one := range raw {
		found = append(found, integer(one, 0))
	}
	return found
}

func limitsOf(conf map[string]any, successes, timeouts int) [outcomes]int {
	unhealthy := object(conf["unhealthy"])
	return [outcomes]int{
		succeeded:     integer(object(conf["healthy"])["successes"], successes),
		answeredBadly: integer(unhealthy["http_failures"], 5),
		notReached:    integer(unhealthy["tcp_failures"], 2),
		timedOut:      integer(unhealthy["timeouts"], timeouts),
	}
}

func (a *activeCheck) interval(healthy bool) (pause time.Duration, asks bool) {
	if healthy {
		return a.whileHealthy, a.whileHealthy > 0
	}
	return a.whileNot, a.whileNot > 0
}

// ask tries a node; a status that is neither good nor bad does not count.
func (a *activeCheck) ask(ctx context.Context, n *node) (found outcome, counts bool) {
	if n.noPeer != 0 {
		return notReached, true
	}
	address := n.dialled()
	if a.port != 0 {
		host, _, _ := net.SplitHostPort(address)
		address = net.JoinHostPort(host, strconv.Itoa(a.port))
	}
	if a.kind == "tcp" {
		connection, err := (&net.Dialer{Timeout: a.timeout}).DialContext(ctx, "tcp", address)
		if err != nil {
			return failure(err), true
		}
		_ = connection.Close()
		return succeeded, true
	}
	request, err := http.NewRequestWithContext(ctx, a.method, a.kind+"://"+address+a.path, nil)
	if err != nil {
		return notReached, true
	}
	request.Host = a.host
	for _, line := range a.headers {
		name, value, _ := strings.Cut(line, ":")
		request.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	response, err := a.client.Do(request)
	if err != nil {
		return failure(err), true
	}
	_ = response.Body.Close()
	return judged(response.StatusCode, a.good, a.bad)
}

func judged(status int, good, bad []int) (found outcome, counts bool) {
	switch {
	case slices.Contains(good, status):
		return succeeded, true
	case slices.Contains(bad, status):
		return answeredBadly, true
	}
	return succeeded, false
}

// failure tells a node that is slow from one that is not there.
func failure(err error) outcome {
	var netError net.Error
	if errors.Is(err, errTimeout) || errors.As(err, &netError) && netError.Timeout() {
		return timedOut
	}
	return notReached
}
