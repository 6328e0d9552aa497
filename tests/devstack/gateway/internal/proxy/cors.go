package proxy

import (
	"net/http"
	"slices"
	"strings"

	"devstack/gateway/internal/pcre"
)

const everyMethod = "GET,POST,PUT,DELETE,PATCH,HEAD,OPTIONS,CONNECT,TRACE"

// cors is the plugin of that name, without the lists that plugin metadata would hold.
type cors struct {
	origins, methods, headers, expose, maxAge string
	timing                                    string
	credentials                               bool
	regexes, timingRegexes                    []*pcre.Regex
}

func newCORS(conf map[string]any) *plugin {
	c := &cors{
		origins: text(conf["allow_origins"]), methods: text(conf["allow_methods"]), headers: text(conf["allow_headers"]),
		expose: text(conf["expose_headers"]), maxAge: text(conf["max_age"]), timing: text(conf["timing_allow_origins"]),
		credentials:   conf["allow_credential"] == true,
		regexes:       regexes(conf["allow_origins_by_regex"]),
		timingRegexes: regexes(conf["timing_allow_origins_by_regex"]),
	}
	return &plugin{
		rewrite: func(q *request) *reply {
			if q.method == http.MethodOptions {
				return &reply{status: http.StatusOK, body: ""}
			}
			return nil
		},
		respond: c.respond,
	}
}

func regexes(raw any) []*pcre.Regex {
	var all []*pcre.Regex
	for _, pattern := range texts(raw) {
		if regex, err := pcre.Compile(pattern, false); err == nil {
			all = append(all, regex)
		}
	}
	return all
}

func (c *cors) respond(q *request, response *http.Response) {
	origin := q.in.Header.Get("Origin")
	header := response.Header
	if c.origins != "*" {
		header.Add("Vary", "Origin")
	}
	if allowed := allowedOrigin(c.origins, c.regexes, origin); allowed != "" {
		header.Set("Access-Control-Allow-Origin", allowed)
		methods, headers := c.methods, c.headers
		if methods == "**" {
			methods = everyMethod
		}
		if headers == "**" {
			headers = q.in.Header.Get("Access-Control-Request-Headers")
		}
		header.Set("Access-Control-Allow-Methods", methods)
		header.Set("Access-Control-Max-Age", c.maxAge)
		if c.expose != "" {
			header.Set("Access-Control-Expose-Headers", c.expose)
		}
		if headers != "" {
			header.Set("Access-Control-Allow-Headers", headers)
		}
		if c.credentials {
			header.Set("Access-Control-Allow-Credentials", "true")
		}
	}
	if c.timing == "" && c.timingRegexes == nil {
		return
	}
	if allowed := allowedOrigin(c.timing, c.timingRegexes, origin); allowed == "*" || allowed != "" && allowed == origin {
		header.Set("Timing-Allow-Origin", allowed)
	}
}

// allowedOrigin gives what the answer allows a request's origin, "" for nothing. Regular expressions replace the list.
func allowedOrigin(list string, regexes []*pcre.Regex, origin string) string {
	if len(regexes) > 0 {
		if origin != "" && slices.ContainsFunc(regexes, func(r *pcre.Regex) bool { return r.Matches(origin) }) {
			return origin
		}
		return ""
	}
	switch {
	case list == "**" && origin != "":
		return origin
	case list == "**":
		return "*"
	case strings.Contains(list, ","):
		if slices.Contains(strings.Split(list, ","), origin) {
			return origin
		}
		return ""
	case list == "*" || list == origin:
		return list
	}
	return ""
}
