package admin

import (
	"fmt"
	"strconv"
	"strings"

	"devstack/gateway/internal/apischema"
	"devstack/gateway/internal/expr"
	"devstack/gateway/internal/pcre"
	"devstack/gateway/internal/store"
)

// checker says what APISIX would refuse, in its order and words.
type checker struct{ schemas *apischema.Set }

// check gives the value to store and its id, or the refusal.
func (c *checker) check(kind, pathID string, body any) (value map[string]any, id, problem string) {
	if body == nil {
		return nil, "", "missing configurations"
	}
	value, isObject := body.(map[string]any)
	if !isObject {
		// Lua cannot tell an empty array from an empty object; an array with items has no fields at all.
		value = map[string]any{}
	}
	id, problem = identify(kinds[kind], pathID, value)
	if problem != "" {
		return nil, "", problem
	}
	if problem = forbidden(value); problem != "" {
		return nil, "", problem
	}
	// The checks fill in defaults, which are not stored.
	draft, _ := apischema.Copy(value).(map[string]any)
	if kind == store.Routes {
		problem = c.route(draft)
	} else {
		problem = c.upstream(draft)
	}
	return value, id, problem
}

// identify settles the id, which may be in the path, the body or both.
func identify(kind, pathID string, value map[string]any) (id, problem string) {
	bodyID, given := value["id"]
	if pathID == "" && !given {
		return "", "missing " + kind + " id"
	}
	if pathID == "" {
		id, isID := store.ReferenceID(bodyID)
		if !isID {
			id = fmt.Sprint(bodyID)
		}
		return id, ""
	}
	if given {
		if id, isID := store.ReferenceID(bodyID); !isID || id != pathID {
			return "", "wrong " + kind + " id"
		}
	}
	value["id"] = pathID
	return pathID, ""
}

func forbidden(value map[string]any) string {
	for _, place := range []string{"", "upstream", "plugins"} {
		fields, dotted := value, ""
		if place != "" {
			fields, _ = value[place].(map[string]any)
			dotted = place + "."
		}
		for _, name := range []string{"create_time", "update_time"} {
			if field, present := fields[name]; present && field != false {
				return "the property is forbidden:  " + dotted + name
			}
		}
	}
	return ""
}

func (c *checker) route(route map[string]any) string {
	if has(route, "host") && has(route, "hosts") {
		return "only one of host or hosts is allowed"
	}
	if has(route, "remote_addr") && has(route, "remote_addrs") {
		return "only one of remote_addr or remote_addrs is allowed"
	}
	if problem := c.schemas.Route.Check(route); problem != "" {
		return "invalid configuration: " + problem
	}
	if upstream, ok := route["upstream"].(map[string]any); ok {
		if problem := c.upstream(upstream); problem != "" {
			return problem
		}
	}
	for _, reference := range []struct{ field, name string }{
		{"service_id", "service"}, {"plugin_config_id", "plugin config"},
	} {
		if id, ok := store.ReferenceID(route[reference.field]); ok {
			// The stand-in has none of these, so whatever is referred to is not there.
			return fmt.Sprintf("failed to fetch %[1]s info by %[1]s id [%[2]s], response code: 404", reference.name, id)
		}
	}
	if plugins, ok := route["plugins"].(map[string]any); ok {
		if problem := c.plugins(plugins); problem != "" {
			return problem
		}
	}
	if vars, present := route["vars"]; present {
		if _, err := expr.Compile(vars); err != nil {
			return "failed to validate the 'vars' expression: " + err.Error()
		}
	}
	return refuseLua(route)
}

// refuseLua refuses what only a Lua interpreter could run.
func refuseLua(route map[string]any) string {
	for _, field := range []string{"filter_func", "script"} {
		if has(route, field) {
			return fmt.Sprintf("failed to load '%s' string: the stand-in gateway runs no Lua", field)
		}
	}
	return ""
}

func (c *checker) upstream(upstream map[string]any) string {
	if problem := nodesProblem(upstream["nodes"]); problem != "" {
		return "invalid configuration: " + problem
	}
	if problem := c.schemas.Upstream.Check(upstream); problem != "" {
		return "invalid configuration: " + problem
	}
	if nodes, ok := upstream["nodes"].(map[string]any); ok {
		for address := range nodes {
			if port, ok := portOf(address); ok && (port < 1 || port > 65535) {
				return fmt.Sprintf("invalid port %d", port)
			}
		}
	}
	if problem := tlsProblem(upstream["tls"]); problem != "" {
		return problem
	}
	host, _ := upstream["upstream_host"].(string)
	if upstream["pass_host"] == "rewrite" && host == "" {
		return "`upstream_host` can't be empty when `pass_host` is `rewrite`"
	}
	if upstream["type"] != "chash" {
		return ""
	}
	return c.hashKey(upstream)
}

func (c *checker) hashKey(upstream map[string]any) string {
	hashOn := upstream["hash_on"]
	if hashOn == "consumer" {
		return ""
	}
	key, present := upstream["key"]
	if !present {
		return "missing key"
	}
	schema := c.schemas.HashVars
	switch hashOn {
	case "header", "cookie":
		schema = c.schemas.HashHeader
	case "vars_combinations":
		return ""
	}
	if problem := schema.Check(key); problem != "" {
		return "invalid configuration: " + problem
	}
	return ""
}

// nodesProblem finds IPv6 addresses without brackets in a list of nodes.
func nodesProblem(raw any) string {
	nodes, _ := raw.([]any)
	for _, item := range nodes {
		node, _ := item.(map[string]any)
		host, _ := node["host"].(string)
		if strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "[") {
			return "IPv6 address must be enclosed with '[' and ']'"
		}
	}
	return ""
}

func portOf(address string) (int, bool) {
	colon := strings.LastIndexByte(address, ':')
	if colon < 0 {
		return 0, false
	}
	port, err := strconv.Atoi(address[colon+1:])
	return port, err == nil
}

func has(object map[string]any, field string) bool {
	value, present := object[field]
	return present && value != false
}

func regexProblem(raw any, ignoreCase bool) string {
	text, ok := raw.(string)
	if !ok || apischema.IsSecretReference(text) {
		return ""
	}
	if _, err := pcre.Compile(text, ignoreCase); err != nil {
		return err.Error()
	}
	return ""
}
