package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"devstack/gateway/internal/expr"
)

// plugins checks the plugins of a route: schema, the plugin's own checks, `_meta`.
func (c *checker) plugins(plugins map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		conf, problem := pluginConf(name, plugins[name])
		if problem != "" {
			return problem
		}
		plugin := c.schemas.Plugins[name]
		if plugin == nil {
			return "unknown plugin [" + name + "]"
		}
		meta, _ := conf["_meta"].(map[string]any)
		problem = plugin.Schema.Check(conf)
		if name == "limit-count" && strings.Contains(problem, "value should match only one schema") && ruledTwice(conf) {
			problem = countAndRules
		}
		if own := pluginChecks[name]; problem == "" && own != nil {
			problem = own(conf)
		}
		if problem != "" && meta["disable"] != true {
			return fmt.Sprintf("failed to check the configuration of plugin %s err: %s", name, problem)
		}
		if filter, present := meta["filter"]; present {
			if _, err := expr.Compile(filter); err != nil {
				return varsProblem(err)
			}
		}
		if _, present := meta["pre_function"]; present {
			return "failed to load _meta.pre_function in plugin " + name + ": the stand-in gateway runs no Lua"
		}
	}
	return ""
}

// pluginConf gives a plugin's configuration, which may be an empty array as well as an object.
func pluginConf(name string, raw any) (map[string]any, string) {
	switch conf := raw.(type) {
	case map[string]any:
		return conf, ""
	case []any:
		if len(conf) == 0 {
			return map[string]any{}, ""
		}
		return nil, fmt.Sprintf("failed to check the configuration of plugin %s err: "+
			"wrong type: expected object, got table", name)
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return nil, err.Error()
	}
	return nil, fmt.Sprintf("invalid plugin conf %s for plugin [%s]", text, name)
}

func varsProblem(err error) string { return "failed to validate the 'vars' expression: " + err.Error() }
