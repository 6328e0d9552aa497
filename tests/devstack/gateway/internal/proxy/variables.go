package proxy

import (
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"devstack/gateway/internal/nginx"
)

// hostname is nginx's $hostname.
var hostname, _ = os.Hostname()

// variable gives a variable of APISIX (those of nginx and its own), nil where it has no value or is not known here.
//
// What was found once stays: a plugin that changes a header later does not change what an expression sees of it.
func (q *request) variable(name string) any {
	if value, known := q.cached[name]; known {
		return value
	}
	value := q.lookUp(name)
	if value != nil && name != "args" && name != "is_args" && name != "status" {
		q.cached[name] = value
	}
	return value
}

func (q *request) lookUp(name string) any {
	switch {
	case strings.HasPrefix(name, "arg_"):
		return q.argument(strings.TrimPrefix(name, "arg_"))
	case strings.HasPrefix(name, "cookie_"):
		if value, ok := q.cookies()[strings.TrimPrefix(name, "cookie_")]; ok {
			return value
		}
		return nil
	case name == "http_host":
		return q.in.Host
	case strings.HasPrefix(name, "http_"):
		return q.header(strings.TrimPrefix(name, "http_"))
	}
	if name == "status" && q.status != 0 {
		return float64(q.status)
	}
	if value, known := q.named(name); known && (value != "" || name == "is_args") {
		return value
	}
	return nil
}

func (q *request) named(name string) (string, bool) {
	switch name {
	case "uri", "document_uri":
		return q.uri, true
	case "request_uri":
		return q.requestURI(), true
	case "real_request_uri":
		return q.in.RequestURI, true
	case "args", "query_string":
		return q.args, true
	case "is_args":
		if q.args != "" {
			return "?", true
		}
		return "", true
	case "request_method", "method":
		return q.method, true
	case "host":
		return q.host, true
	case "hostname":
		return hostname, true
	case "server_name":
		return "_", true
	case "scheme":
		return "http", true
	case "remote_addr":
		return q.remote, true
	case "realip_remote_addr":
		return q.in.RemoteAddr[:strings.LastIndexByte(q.in.RemoteAddr, ':')], true
	case "remote_port":
		return q.in.RemoteAddr[strings.LastIndexByte(q.in.RemoteAddr, ':')+1:], true
	case "server_addr":
		return q.serverAddress, true
	case "server_port":
		return q.serverPort, true
	case "server_protocol":
		return q.in.Proto, true
	case "request_length":
		return strconv.FormatInt(q.length(), 10), true
	case "content_type":
		return q.in.Header.Get("Content-Type"), true
	case "content_length":
		return q.in.Header.Get("Content-Length"), true
	case "request_id":
		return q.gateway.requestIDs.next(), true
	case "route_id":
		return q.route.id, true
	case "route_name":
		return q.route.name, true
	}
	return "", false
}

// requestURI is $request_uri, which APISIX writes anew from what it has read; $real_request_uri is as it came.
func (q *request) requestURI() string {
	if q.args == "" {
		return q.uri
	}
	return q.uri + "?" + q.args
}

// length is what the request took on the wire, a body of unknown length aside.
func (q *request) length() int64 {
	lines := len(q.in.Method) + len(q.in.RequestURI) + len(q.in.Proto) + len("  \r\n") + len("\r\n")
	if q.in.Host != "" {
		lines += len("Host: \r\n") + len(q.in.Host)
	}
	for name, values := range q.in.Header {
		for _, value := range values {
			lines += len(name) + len(value) + len(": \r\n")
		}
	}
	return int64(lines) + max(q.in.ContentLength, 0)
}

// header gives a header's values as one. Letter case does not count, and names that differ in '-' and '_' are one.
func (q *request) header(name string) any {
	wanted := nginx.HeaderKey(name)
	var values []string
	for _, given := range slices.Sorted(maps.Keys(q.in.Header)) {
		if nginx.HeaderKey(given) == wanted {
			values = append(values, q.in.Header[given]...)
		}
	}
	if values == nil {
		return nil
	}
	if wanted == "cookie" {
		return strings.Join(values, "; ")
	}
	return strings.Join(values, ", ")
}

// argument gives the first value of a query argument; true for one without a value.
func (q *request) argument(name string) any {
	for pair := range strings.SplitSeq(q.args, "&") {
		key, value, hasValue := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(key); err != nil || decoded != name || pair == "" {
			continue
		}
		if !hasValue {
			return true
		}
		if decoded, err := url.QueryUnescape(value); err == nil {
			return decoded
		}
		return value
	}
	return nil
}

// reference is $name, ${name} or ${name ?? default}.
var reference = regexp.MustCompile(`\\?\$(?:\{\s*([^}]+?)\s*\}|([\w.]+))`)

var defaultMark = regexp.MustCompile(`\s*\?\?\s*`)

// resolve fills variables into a template; escape is applied to each value, where there is one.
func (q *request) resolve(template string, escape func(string) string) string {
	if !strings.Contains(template, "$") {
		return template
	}
	return replaceAll(reference, template, func(groups []string) string {
		name := groups[1] + groups[2]
		parts := defaultMark.Split(name, 2)
		var text string
		switch value := q.variable(parts[0]).(type) {
		case string:
			text = value
		case bool:
			text = "true"
		default:
			if len(parts) > 1 {
				text = parts[1]
			}
		}
		if escape != nil {
			text = escape(text)
		}
		return text
	})
}

// capture is $1 or ${1}.
var capture = regexp.MustCompile(`\\?\$\{?(\d+)\}?`)

// resolveHeader fills in the groups of regex_uri, then variables.
func (q *request) resolveHeader(template string) string {
	if !strings.Contains(template, "$") {
		return template
	}
	filled := replaceAll(capture, template, func(groups []string) string {
		index := 0
		for _, digit := range groups[1] {
			index = 10*index + int(digit-'0')
		}
		if index < len(q.captures) {
			return q.captures[index]
		}
		return ""
	})
	return q.resolve(filled, nil)
}

// replaceAll replaces each match that no backslash escapes.
func replaceAll(pattern *regexp.Regexp, s string, with func(groups []string) string) string {
	var out strings.Builder
	last := 0
	for _, at := range pattern.FindAllStringSubmatchIndex(s, -1) {
		out.WriteString(s[last:at[0]])
		last = at[1]
		if s[at[0]] == '\\' {
			out.WriteString(s[at[0]:at[1]])
			continue
		}
		groups := make([]string, 0, len(at)/2)
		for i := 0; i < len(at); i += 2 {
			group := ""
			if at[i] >= 0 {
				group = s[at[i]:at[i+1]]
			}
			groups = append(groups, group)
		}
		out.WriteString(with(groups))
	}
	out.WriteString(s[last:])
	return out.String()
}
