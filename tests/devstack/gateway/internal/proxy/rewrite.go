package proxy

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"devstack/gateway/internal/nginx"
	"devstack/gateway/internal/pcre"
)

// proxyRewrite is the plugin proxy-rewrite.
type proxyRewrite struct {
	uri, host, method string
	unsafe            bool // use_real_request_uri_unsafe
	pairs             []regexPair
	set, add          []headerValue
	remove            []string
}

type regexPair struct {
	regex    *pcre.Regex
	template *pcre.Template
}

type headerValue struct {
	name   string
	values []string
}

func newProxyRewrite(conf map[string]any) *plugin {
	p := &proxyRewrite{uri: text(conf["uri"]), host: text(conf["host"]), method: text(conf["method"])}
	p.unsafe, _ = conf["use_real_request_uri_unsafe"].(bool)
	parts := texts(conf["regex_uri"])
	for i := 0; i+1 < len(parts); i += 2 {
		pair, err := newRegexPair(parts[i], parts[i+1])
		if err != nil {
			continue // a secret's reference: APISIX did not check it either
		}
		p.pairs = append(p.pairs, pair)
	}
	headers := object(conf["headers"])
	p.set, p.add, p.remove = headerOperations(headers)
	return &plugin{rewrite: p.rewrite}
}

func newRegexPair(pattern, replacement string) (regexPair, error) {
	regex, err := pcre.Compile(pattern, false)
	if err != nil {
		return regexPair{}, err
	}
	template, err := pcre.ParseTemplate(replacement)
	return regexPair{regex, template}, err
}

// headerOperations reads {set, add, remove}, or the older form: a map of headers to set.
func headerOperations(headers map[string]any) (set, add []headerValue, remove []string) {
	isNew := false
	for _, operation := range []string{"set", "add", "remove"} {
		switch headers[operation].(type) {
		case map[string]any, []any:
			isNew = true
		}
	}
	if !isNew {
		return headerValues(headers), nil, nil
	}
	return headerValues(object(headers["set"])), headerValues(object(headers["add"])), texts(headers["remove"])
}

func headerValues(raw map[string]any) []headerValue {
	var values []headerValue
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		value := headerValue{name: name, values: []string{text(raw[name])}}
		if several, isList := raw[name].([]any); isList {
			value.values = texts(several)
		}
		values = append(values, value)
	}
	return values
}

func (p *proxyRewrite) rewrite(q *request) *reply {
	if p.host != "" {
		q.rewrittenTo = q.resolve(p.host, nil)
	}
	if failure := p.rewriteURI(q); failure != nil {
		return failure
	}
	header := q.in.Header
	for _, h := range p.add {
		for _, value := range h.values {
			header.Add(h.name, q.resolveHeader(value))
		}
	}
	for _, h := range p.set {
		header.Del(h.name)
		for _, value := range h.values {
			setHeader(header, h.name, q.resolveHeader(value))
		}
	}
	for _, name := range p.remove {
		header.Del(name)
	}
	if p.method != "" {
		q.method = p.method
	}
	return nil
}

// setHeader sets a header, but for Host: the node gets the client's, or that of `host` or the upstream.
func setHeader(header http.Header, name, value string) {
	if value != "" && !strings.EqualFold(name, "Host") {
		header.Add(name, value)
	}
}

// rewriteURI settles what the node is asked for: the path, written again from its decoded form, and the arguments.
func (p *proxyRewrite) rewriteURI(q *request) *reply {
	uri, given := q.uri, ""
	if p.unsafe {
		uri = q.in.RequestURI
		if at := strings.IndexByte(uri, '?'); at >= 0 {
			given = uri[at:]
		}
	}
	mayHaveQuery := false
	switch {
	case p.uri != "":
		mayHaveQuery = true
		uri = q.resolve(p.uri, func(value string) string { return strings.ReplaceAll(value, "?", "%3F") })
		if given != "" && strings.Contains(uri, "?") {
			given = "&" + given[1:]
		}
		uri += given
	case len(p.pairs) > 0:
		mayHaveQuery = !strings.Contains(uri, "?")
		var err error
		if uri, err = q.substitute(uri, p.pairs); err != nil {
			return &reply{status: http.StatusInternalServerError, body: map[string]any{"error_msg": err.Error()}}
		}
	}
	if p.unsafe {
		q.target = uri
		return nil
	}
	path, query, hasQuery := uri, "", false
	if mayHaveQuery {
		path, query, hasQuery = strings.Cut(uri, "?")
	}
	q.target = nginx.Escape(path)
	if path == "" && !hasQuery {
		return &reply{status: http.StatusInternalServerError} // nginx takes no empty path
	}
	if hasQuery {
		q.target += "?" + nginx.EscapeControls(query)
	}
	if q.args != "" {
		separator := "?"
		if hasQuery {
			separator = "&"
		}
		q.target += separator + q.args
	}
	return q.rootTarget()
}

// rootTarget does what nginx does with a path that regex_uri left without its leading slash: it takes the path for a part
// of the upstream's name, which then is no name (a colon: with a bad port) or one that nobody resolves.
func (q *request) rootTarget() *reply {
	switch {
	case strings.HasPrefix(q.target, "/"):
		return nil
	case strings.HasPrefix(q.target, "?"):
		q.target = "/" + q.target
		return nil
	case strings.Contains(q.target, ":"):
		return &reply{status: http.StatusInternalServerError}
	}
	return &reply{status: http.StatusBadGateway}
}

// substitute applies the first pair that matches, to its first match.
func (q *request) substitute(uri string, pairs []regexPair) (string, error) {
	for _, pair := range pairs {
		match, err := pair.regex.Find(uri)
		if err != nil {
			return "", err
		}
		if match == nil {
			continue
		}
		q.captures = match.Groups
		return uri[:match.Start] + pair.template.Expand(match.Groups) + uri[match.End:], nil
	}
	return uri, nil
}
