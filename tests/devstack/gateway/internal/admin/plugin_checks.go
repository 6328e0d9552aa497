package admin

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"devstack/gateway/internal/apischema"
	"devstack/gateway/internal/expr"
	"devstack/gateway/internal/pcre"
)

// pluginChecks are the checks of plugins beyond their schemas, for the plugins whose rules a route's author meets often.
// They see a configuration that fits the schema, with its defaults.
var pluginChecks = map[string]func(conf map[string]any) string{
	"proxy-rewrite":    checkProxyRewrite,
	"traffic-split":    checkTrafficSplit,
	"cors":             checkCORS,
	"redirect":         checkRedirect,
	"response-rewrite": checkResponseRewrite,
	"fault-injection":  checkFaultInjection,
	"limit-count":      checkLimitCount,
	"ip-restriction":   func(conf map[string]any) string { return eachNetwork(conf, "whitelist", "blacklist") },
	"real-ip":          func(conf map[string]any) string { return eachNetwork(conf, "trusted_addresses") },
	"uri-blocker":      func(conf map[string]any) string { return eachRegex(conf, "block_rules") },
	"ua-restriction":   func(conf map[string]any) string { return eachRegex(conf, "allowlist", "denylist") },
	"http-logger":      checkHTTPLogger,
	"mocking":          checkMocking,
	"proxy-cache":      checkProxyCache,
}

func eachRegex(conf map[string]any, fields ...string) string {
	for _, field := range fields {
		list, _ := conf[field].([]any)
		for _, item := range list {
			if problem := regexProblem(item, false); problem != "" {
				return problem
			}
		}
	}
	return ""
}

// eachNetwork checks addresses that look right to the schema and are not.
func eachNetwork(conf map[string]any, fields ...string) string {
	for _, field := range fields {
		list, _ := conf[field].([]any)
		for _, item := range list {
			if _, err := expr.ParseNetworks(item); err != nil {
				return err.Error()
			}
		}
	}
	return ""
}

func checkProxyRewrite(conf map[string]any) string {
	pairs, _ := conf["regex_uri"].([]any)
	if len(pairs)%2 != 0 {
		return "The length of regex_uri should be an even number"
	}
	for i := 0; i < len(pairs); i += 2 {
		if problem := substitutionProblem(pairs[i], pairs[i+1]); problem != "" {
			return fmt.Sprintf("invalid regex_uri(%s, %s): %s", pairs[i], pairs[i+1], problem)
		}
	}
	headers, _ := conf["headers"].(map[string]any)
	if isHeaderOperations(headers) {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if problem := headerProblem(name, headers[name]); problem != "" {
			return problem
		}
	}
	return ""
}

func substitutionProblem(pattern, replacement any) string {
	if text, _ := pattern.(string); apischema.IsSecretReference(text) {
		return ""
	}
	if problem := regexProblem(pattern, false); problem != "" {
		return problem
	}
	text, _ := replacement.(string)
	if apischema.IsSecretReference(text) {
		return ""
	}
	if _, err := pcre.ParseTemplate(text); err != nil {
		return err.Error()
	}
	return ""
}

// isHeaderOperations tells {set, add, remove} from the older form, which is a map of headers to set.
func isHeaderOperations(headers map[string]any) bool {
	for _, operation := range []string{"set", "add", "remove"} {
		switch headers[operation].(type) {
		case map[string]any, []any:
			return true
		}
	}
	return false
}

func headerProblem(name string, value any) string {
	if name == "" {
		return "invalid field length in header"
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || c == ':' {
			return "invalid field character in header"
		}
	}
	text, _ := value.(string)
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f {
			return "invalid value character in header"
		}
	}
	return ""
}

func checkTrafficSplit(conf map[string]any) string {
	rules, _ := conf["rules"].([]any)
	for _, rule := range rules {
		object, _ := rule.(map[string]any)
		matches, _ := object["match"].([]any)
		for _, match := range matches {
			fields, _ := match.(map[string]any)
			vars, present := fields["vars"]
			if !present {
				return "failed to validate the 'vars' expression: missing argument rule"
			}
			if _, err := expr.Compile(vars); err != nil {
				return varsProblem(err)
			}
		}
	}
	return ""
}

func checkCORS(conf map[string]any) string {
	if conf["allow_credential"] == true {
		for _, field := range []string{
			"allow_origins", "allow_methods", "allow_headers", "expose_headers", "timing_allow_origins",
		} {
			if conf[field] == "*" {
				return "you can not set '*' for other option when 'allow_credential' is true"
			}
		}
	}
	return eachRegex(conf, "allow_origins_by_regex", "timing_allow_origins_by_regex")
}

func checkRedirect(conf map[string]any) string {
	if pair, _ := conf["regex_uri"].([]any); len(pair) == 2 {
		if problem := substitutionProblem(pair[0], pair[1]); problem != "" {
			return fmt.Sprintf("invalid regex_uri (%s, %s), err:%s", pair[0], pair[1], problem)
		}
	}
	if conf["http_to_https"] == true && conf["append_query_string"] == true {
		return "only one of `http_to_https` and `append_query_string` can be configured."
	}
	return ""
}

func checkResponseRewrite(conf map[string]any) string {
	if list, isList := conf["headers"].([]any); isList && len(list) > 0 {
		return "invalid type as header field"
	}
	body, _ := conf["body"].(string)
	if conf["body_base64"] == true && !apischema.IsSecretReference(body) {
		if _, err := base64.StdEncoding.DecodeString(body); err != nil || body == "" {
			return "invalid base64 content"
		}
	}
	if vars, present := conf["vars"]; present {
		if _, err := expr.Compile(vars); err != nil {
			return varsProblem(err)
		}
	}
	filters, _ := conf["filters"].([]any)
	for _, item := range filters {
		filter, _ := item.(map[string]any)
		if problem := regexProblem(filter["regex"], false); problem != "" {
			return fmt.Sprintf("regex \"%s\" validation failed: %s", filter["regex"], problem)
		}
	}
	return ""
}

func checkFaultInjection(conf map[string]any) string {
	for _, part := range []string{"abort", "delay"} {
		fields, _ := conf[part].(map[string]any)
		list, _ := fields["vars"].([]any)
		for _, vars := range list {
			if _, err := expr.Compile(vars); err != nil {
				return err.Error()
			}
		}
	}
	return ""
}

const countAndRules = "count/time_window and rules cannot be specified at the same time"

func ruledTwice(conf map[string]any) bool {
	return conf["rules"] != nil && (has(conf, "count") || has(conf, "time_window"))
}

func checkLimitCount(conf map[string]any) string {
	if ruledTwice(conf) {
		return countAndRules
	}
	if has(conf, "group") && has(conf, "rules") {
		return "group and rules cannot be specified at the same time"
	}
	seen := map[any]bool{}
	rules, _ := conf["rules"].([]any)
	for _, rule := range rules {
		fields, _ := rule.(map[string]any)
		if seen[fields["key"]] {
			return fmt.Sprintf("duplicate key '%s' in rules", fields["key"])
		}
		seen[fields["key"]] = true
	}
	return ""
}

func checkHTTPLogger(conf map[string]any) string {
	for _, field := range []string{"include_req_body_expr", "include_resp_body_expr"} {
		if vars, present := conf[field]; present {
			if _, err := expr.Compile(vars); err != nil {
				return fmt.Sprintf("failed to validate the '%s' expression: %s", field, err)
			}
		}
	}
	return ""
}

func checkMocking(conf map[string]any) string {
	contentType, _ := conf["content_type"].(string)
	media, _, _ := strings.Cut(contentType, ";")
	switch media {
	case "application/xml", "application/json", "text/plain", "text/html", "text/xml":
		return ""
	}
	return "unsupported content type!"
}

// checkProxyCache knows the zones of APISIX's default configuration (apisix.proxy_cache.zones).
func checkProxyCache(conf map[string]any) string {
	keys, _ := conf["cache_key"].([]any)
	if slices.Contains(keys, any("$request_method")) {
		return "cache_key variable $request_method unsupported"
	}
	zone, _ := conf["cache_zone"].(string)
	strategy, known := map[string]string{"disk_cache_one": "disk", "memory_cache": "memory"}[zone]
	switch {
	case !known:
		return "cache_zone " + zone + " not found"
	case strategy != conf["cache_strategy"]:
		return fmt.Sprintf("invalid or empty cache_zone for cache_strategy: %s", conf["cache_strategy"])
	}
	return ""
}
