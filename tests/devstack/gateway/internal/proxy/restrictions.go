package proxy

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"devstack/gateway/internal/pcre"
)

// rejected is the answer of a plugin with `rejected_code` and `rejected_msg`.
func rejected(conf map[string]any) *reply {
	answer := &reply{status: integer(conf["rejected_code"], http.StatusForbidden)}
	if message := text(conf["rejected_msg"]); message != "" {
		answer.body = map[string]any{"error_msg": message}
	}
	return answer
}

// forbidden is the answer of a plugin with a `message`.
func forbidden(conf map[string]any) *reply {
	return &reply{status: http.StatusForbidden, body: map[string]any{"message": text(conf["message"])}}
}

// newURIBlocker joins its rules, as APISIX does: where they do not compile together, nothing is blocked.
func newURIBlocker(conf map[string]any) *plugin {
	regex, err := pcre.Compile(strings.Join(texts(conf["block_rules"]), "|"), conf["case_insensitive"] == true)
	answer := rejected(conf)
	return &plugin{rewrite: func(q *request) *reply {
		if err == nil && regex.Matches(q.requestURI()) {
			return answer
		}
		return nil
	}}
}

func newUARestriction(conf map[string]any) *plugin {
	allowed, denied := regexes(conf["allowlist"]), regexes(conf["denylist"])
	answer := forbidden(conf)
	return &plugin{access: func(q *request) *reply {
		agents := q.in.Header.Values("User-Agent")
		if len(agents) == 0 {
			if conf["bypass_missing"] == true {
				return nil
			}
			return answer
		}
		matches := func(regexes []*pcre.Regex) bool {
			return slices.ContainsFunc(agents, func(agent string) bool {
				return slices.ContainsFunc(regexes, func(r *pcre.Regex) bool { return r.Matches(strings.TrimSpace(agent)) })
			})
		}
		if allowed != nil && !matches(allowed) || matches(denied) {
			return answer
		}
		return nil
	}}
}

var refererHost = regexp.MustCompile(`^(?:https?:)?//([^:/?]+)`)

func newRefererRestriction(conf map[string]any) *plugin {
	allowed, denied := texts(conf["whitelist"]), texts(conf["blacklist"])
	answer := forbidden(conf)
	return &plugin{access: func(q *request) *reply {
		found := refererHost.FindStringSubmatch(q.in.Header.Get("Referer"))
		block := conf["bypass_missing"] != true
		switch {
		case found != nil && allowed != nil:
			block = !hostIsIn(allowed, found[1])
		case found != nil:
			block = hostIsIn(denied, found[1])
		}
		if block {
			return answer
		}
		return nil
	}}
}

func hostIsIn(hosts []string, host string) bool {
	return slices.ContainsFunc(hosts, func(one string) bool {
		suffix, any := strings.CutPrefix(one, "*")
		return one == host || any && strings.HasSuffix(host, suffix)
	})
}

// newClientControl looks at the length that a client tells; a body without one passes.
func newClientControl(conf map[string]any) *plugin {
	most := integer(conf["max_body_size"], 0)
	return &plugin{rewrite: func(q *request) *reply {
		if most > 0 && q.in.ContentLength > int64(most) {
			return &reply{status: http.StatusRequestEntityTooLarge}
		}
		return nil
	}}
}
