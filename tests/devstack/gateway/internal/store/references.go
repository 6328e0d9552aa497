package store

import (
	"maps"
	"slices"
	"strconv"
)

// references says which routes use an upstream: upstream id → route id → how.
type references map[string]map[string]string

const (
	direct      = "route"
	trafficRule = "plugin in route"
)

// user names one user of an upstream as APISIX's refusal does, "" when there is none.
func (r references) user(upstream string) string {
	users := r[upstream]
	for _, id := range slices.Sorted(maps.Keys(users)) {
		return users[id] + " [" + id + "]"
	}
	return ""
}

func (r references) set(route *Object) {
	if upstream, ok := ReferenceID(route.Value["upstream_id"]); ok {
		r.add(upstream, route.ID, direct)
	}
	// Where a route uses it both ways, APISIX names the plugin.
	for _, upstream := range trafficSplitUpstreams(route.Value) {
		r.add(upstream, route.ID, trafficRule)
	}
}

func (r references) add(upstream, route, how string) {
	if r[upstream] == nil {
		r[upstream] = map[string]string{}
	}
	r[upstream][route] = how
}

func (r references) unset(route *Object) {
	upstreams := trafficSplitUpstreams(route.Value)
	if upstream, ok := ReferenceID(route.Value["upstream_id"]); ok {
		upstreams = append(upstreams, upstream)
	}
	for _, upstream := range upstreams {
		delete(r[upstream], route.ID)
		if len(r[upstream]) == 0 {
			delete(r, upstream)
		}
	}
}

// trafficSplitUpstreams gives the ids of the upstreams in a route's traffic-split rules.
func trafficSplitUpstreams(route map[string]any) []string {
	var ids []string
	plugins, _ := route["plugins"].(map[string]any)
	split, _ := plugins["traffic-split"].(map[string]any)
	rules, _ := split["rules"].([]any)
	for _, rule := range rules {
		object, _ := rule.(map[string]any)
		weighted, _ := object["weighted_upstreams"].([]any)
		for _, item := range weighted {
			upstream, _ := item.(map[string]any)
			if id, ok := ReferenceID(upstream["upstream_id"]); ok {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// ReferenceID gives an id as text: APISIX takes strings and whole numbers.
func ReferenceID(raw any) (string, bool) {
	switch id := raw.(type) {
	case string:
		return id, true
	case float64:
		return strconv.FormatFloat(id, 'f', -1, 64), true
	}
	return "", false
}
