package proxy

import "strings"

// cookies reads the request's cookies as APISIX does (lua-resty-cookie): of a name the last one holds, a value ends at a
// blank or a semicolon and keeps its quotes, and what has no '=' begins the name of what follows.
func (q *request) cookies() map[string]string {
	text, _ := q.header("cookie").(string)
	found := map[string]string{}
	for {
		text = strings.TrimLeft(text, " \t")
		name, rest, hasValue := strings.Cut(text, "=")
		if !hasValue {
			return found
		}
		end := strings.IndexAny(rest, "; \t")
		if end < 0 {
			found[name] = rest
			return found
		}
		found[name], text = rest[:end], rest[end+1:]
	}
}
