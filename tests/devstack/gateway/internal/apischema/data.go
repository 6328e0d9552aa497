package apischema

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// schemas.json holds the JSON schemas of Apache APISIX 3.18.0 (Apache License 2.0), recorded from a running one's
// Control API (/v1/schema) and cut to what this gateway checks: routes, upstreams and the plugins' configurations,
// without descriptions. `_meta`, which each plugin has, is there once.
//
//go:embed schemas.json
var schemas []byte

// Set is what the gateway checks with.
type Set struct {
	Route, Upstream      *Schema
	HashVars, HashHeader *Schema
	Plugins              map[string]*Plugin
}

// Plugin is what is known of one of APISIX's plugins.
type Plugin struct {
	Schema        *Schema
	Priority      int
	EncryptFields []string
}

// Load compiles the recorded schemas.
func Load() (*Set, error) {
	var raw struct {
		Route              any `json:"route"`
		Upstream           any `json:"upstream"`
		UpstreamHashVars   any `json:"upstream_hash_vars"`
		UpstreamHashHeader any `json:"upstream_hash_header"`
		PluginMeta         any `json:"plugin_meta"`
		Plugins            map[string]struct {
			Priority      int            `json:"priority"`
			Schema        map[string]any `json:"schema"`
			EncryptFields []string       `json:"encrypt_fields"`
		} `json:"plugins"`
	}
	if err := json.Unmarshal(schemas, &raw); err != nil {
		return nil, fmt.Errorf("schemas.json: %w", err)
	}
	set := &Set{Plugins: make(map[string]*Plugin, len(raw.Plugins))}
	for _, part := range []struct {
		name string
		raw  any
		into **Schema
	}{
		{"route", raw.Route, &set.Route},
		{"upstream", raw.Upstream, &set.Upstream},
		{"upstream_hash_vars", raw.UpstreamHashVars, &set.HashVars},
		{"upstream_hash_header", raw.UpstreamHashHeader, &set.HashHeader},
	} {
		compiled, err := Compile(part.raw)
		if err != nil {
			return nil, fmt.Errorf("schemas.json: %s: %w", part.name, err)
		}
		*part.into = compiled
	}
	for name, plugin := range raw.Plugins {
		properties, _ := plugin.Schema["properties"].(map[string]any)
		if properties == nil {
			properties = map[string]any{}
			plugin.Schema["properties"] = properties
		}
		properties["_meta"] = raw.PluginMeta
		compiled, err := Compile(plugin.Schema)
		if err != nil {
			return nil, fmt.Errorf("schemas.json: plugin %s: %w", name, err)
		}
		set.Plugins[name] = &Plugin{compiled, plugin.Priority, plugin.EncryptFields}
	}
	return set, nil
}
