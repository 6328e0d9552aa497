package proxy

import (
	"cmp"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"devstack/gateway/internal/apischema"
	"devstack/gateway/internal/expr"
)

// plugin is a compiled plugin of a route: what it does in APISIX's phases rewrite and access, where an answer ends the
// request, and to the answer.
type plugin struct {
	name     string
	priority int
	filter   *expr.Expr // `_meta.filter`
	rewrite  func(q *request) *reply
	access   func(q *request) *reply
	respond  func(q *request, response *http.Response)
}

// runnable are the plugins that this gateway runs. Others are accepted, since APISIX has them, and do nothing.
var runnable = map[string]func(conf map[string]any) *plugin{
	"client-control":      newClientControl,
	"cors":                newCORS,
	"echo":                newEcho,
	"fault-injection":     newFaultInjection,
	"gzip":                newGzip,
	"ip-restriction":      newIPRestriction,
	"key-auth":            newKeyAuth,
	"limit-count":         newLimitCount,
	"limit-req":           newLimitReq,
	"mocking":             newMocking,
	"proxy-rewrite":       newProxyRewrite,
	"redirect":            newRedirect,
	"referer-restriction": newRefererRestriction,
	"request-id":          newRequestID,
	"response-rewrite":    newResponseRewrite,
	"traffic-split":       newTrafficSplit,
	"ua-restriction":      newUARestriction,
	"uri-blocker":         newURIBlocker,
}

type pluginCompiler struct{ schemas *apischema.Set }

// plugins compiles a route's plugins, in the order of their priorities.
func (c *pluginCompiler) plugins(route string, confs map[string]any) []*plugin {
	var plugins []*plugin
	for _, name := range slices.Sorted(maps.Keys(confs)) {
		known := c.schemas.Plugins[name]
		conf, _ := apischema.Copy(confs[name]).(map[string]any)
		if conf == nil {
			conf = map[string]any{}
		}
		if known != nil {
			known.Schema.Check(conf) // for the defaults that it fills in
		}
		meta := object(conf["_meta"])
		if meta["disable"] == true {
			continue
		}
		build := runnable[name]
		if build == nil {
			slog.Debug("this plugin is accepted and does nothing here", "route", route, "plugin", name)
			continue
		}
		p := build(conf)
		p.name = name
		if known != nil {
			p.priority = integer(meta["priority"], known.Priority)
		}
		if filter, present := meta["filter"]; present {
			p.filter, _ = expr.Compile(filter)
		}
		plugins = append(plugins, p)
	}
	slices.SortStableFunc(plugins, func(a, b *plugin) int { return cmp.Compare(b.priority, a.priority) })
	return plugins
}
