package proxy

import (
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"devstack/gateway/internal/expr"
	"devstack/gateway/internal/pcre"
)

// responseRewrite is the plugin response-rewrite.
type responseRewrite struct {
	vars     *expr.Expr
	status   int
	body     *string
	filters  []bodyFilter
	set, add []headerValue
	remove   []string
}

type bodyFilter struct {
	pair regexPair
	all  bool
}

func newResponseRewrite(conf map[string]any) *plugin {
	p := &responseRewrite{status: integer(conf["status_code"], 0)}
	if vars, present := conf["vars"]; present {
		p.vars, _ = expr.Compile(vars)
	}
	if body, ok := conf["body"].(string); ok {
		if conf["body_base64"] == true {
			decoded, err := base64.StdEncoding.DecodeString(body)
			if err == nil {
				body = string(decoded)
			}
		}
		p.body = &body
	}
	for _, raw := range list(conf["filters"]) {
		filter := object(raw)
		ignoreCase := strings.Contains(text(filter["options"]), "i")
		regex, err := pcre.Compile(text(filter["regex"]), ignoreCase)
		if err != nil {
			continue
		}
		template, err := pcre.ParseTemplate(text(filter["replace"]))
		if err != nil {
			continue
		}
		p.filters = append(p.filters, bodyFilter{regexPair{regex, template}, filter["scope"] == "global"})
	}
	headers := object(conf["headers"])
	p.set, p.add, p.remove = headerOperations(headers)
	for _, line := range texts(headers["add"]) { // here a list of 'name: value'
		if name, value, found := strings.Cut(line, ":"); found {
			p.add = append(p.add, headerValue{strings.TrimSpace(name), []string{strings.TrimSpace(value)}})
		}
	}
	return &plugin{respond: p.respond}
}

func (p *responseRewrite) respond(q *request, response *http.Response) {
	if p.vars != nil && !p.vars.Eval(q.variable) {
		return
	}
	if p.status != 0 {
		response.StatusCode = p.status
	}
	p.rewriteBody(response)
	for _, h := range p.add {
		for _, value := range h.values {
			response.Header.Add(h.name, q.resolve(value, nil))
		}
	}
	for _, h := range p.set {
		response.Header.Del(h.name)
		for _, value := range h.values {
			response.Header.Add(h.name, q.resolve(value, nil))
		}
	}
	for _, name := range p.remove {
		response.Header.Del(name)
	}
}

func (p *responseRewrite) rewriteBody(response *http.Response) {
	var body string
	switch {
	case p.body != nil:
		body = *p.body
	case len(p.filters) > 0:
		raw, err := io.ReadAll(response.Body)
		if err != nil {
			return
		}
		body = string(raw)
		for _, filter := range p.filters {
			body = filter.apply(body)
		}
	default:
		return
	}
	replaceBody(response, body)
}

// replaceBody puts a text in the place of a body, and forgets what was said of that one.
func replaceBody(response *http.Response, body string) {
	_ = response.Body.Close()
	response.Body = io.NopCloser(strings.NewReader(body))
	response.ContentLength = int64(len(body))
	for _, name := range []string{"Content-Encoding", "Last-Modified", "ETag"} {
		response.Header.Del(name)
	}
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
}

func (f bodyFilter) apply(body string) string {
	var out strings.Builder
	for {
		match, err := f.pair.regex.Find(body)
		if err != nil || match == nil {
			break
		}
		out.WriteString(body[:match.Start])
		out.WriteString(f.pair.template.Expand(match.Groups))
		end := match.End
		if match.Start == match.End && end < len(body) {
			out.WriteByte(body[end]) // an empty match: step on
			end++
		}
		body = body[end:]
		if !f.all || match.Start == match.End && body == "" {
			break
		}
	}
	out.WriteString(body)
	return out.String()
}
