package proxy

import (
	"fmt"
	"net/http"

	"devstack/gateway/internal/expr"
	"devstack/gateway/internal/store"
)

// splitRule is one rule of the plugin traffic-split.
type splitRule struct {
	matches    []*expr.Expr // nil: every request
	references []string     // the upstream ids of all its entries
	targets    []*splitTarget
}

// splitTarget is where a share of the requests goes; none of the fields: the route's own upstream.
type splitTarget struct {
	id     string
	inline *upstream
	broken bool // an inline upstream with a service: APISIX accepts it and fails on each request
	weight int
}

func newTrafficSplit(conf map[string]any) *plugin {
	if raw, isList := conf["rules"].([]any); isList && len(raw) == 0 {
		// APISIX accepts it and fails on each request.
		return &plugin{access: func(*request) *reply { return &reply{status: http.StatusInternalServerError} }}
	}
	var rules []*splitRule
	for _, raw := range list(conf["rules"]) {
		rules = append(rules, newSplitRule(object(raw)))
	}
	return &plugin{access: func(q *request) *reply { return split(q, rules) }}
}

func newSplitRule(conf map[string]any) *splitRule {
	rule := &splitRule{}
	for _, raw := range list(conf["match"]) {
		if e, err := expr.Compile(object(raw)["vars"]); err == nil {
			rule.matches = append(rule.matches, e)
		}
	}
	byID := map[string]*splitTarget{}
	entries := list(conf["weighted_upstreams"])
	if entries == nil {
		entries = []any{map[string]any{}}
	}
	for _, raw := range entries {
		target := newSplitTarget(object(raw))
		if target.id != "" {
			rule.references = append(rule.references, target.id)
		}
		if target.inline == nil && !target.broken {
			// The same id twice, or the route's own upstream twice: the last weight holds.
			if earlier := byID[target.id]; earlier != nil {
				earlier.weight = target.weight
				continue
			}
			byID[target.id] = target
		}
		rule.targets = append(rule.targets, target)
	}
	return rule
}

func newSplitTarget(entry map[string]any) *splitTarget {
	target := &splitTarget{weight: integer(entry["weight"], 1)}
	target.id, _ = store.ReferenceID(entry["upstream_id"])
	if inline := object(entry["upstream"]); inline != nil && target.id == "" {
		if inline["nodes"] == nil {
			target.broken = true
		} else {
			target.inline = newUpstream(fmt.Sprintf("split/%p", target), inline, nil)
		}
	}
	return target
}

func split(q *request, rules []*splitRule) *reply {
	for _, rule := range rules {
		for _, id := range rule.references {
			if q.gateway.upstream(id) == nil {
				return &reply{
					status: http.StatusInternalServerError, body: "failed to fetch upstream info by upstream id: " + id,
				}
			}
		}
		if !rule.applies(q) {
			continue
		}
		turns := q.gateway.splits.get(rule, nil, rule.rotation)
		target, ok := turns.next(nil)
		switch {
		case !ok || target.broken:
			return &reply{status: http.StatusInternalServerError}
		case target.inline != nil:
			q.splitInline = target.inline
		default:
			q.upstreamID = target.id
		}
		return nil
	}
	return nil
}

func (r *splitRule) rotation() *rotation[*splitTarget] {
	return newRotation(r.targets, func(t *splitTarget) int { return t.weight })
}

func (r *splitRule) applies(q *request) bool {
	if len(r.matches) == 0 {
		return true
	}
	for _, e := range r.matches {
		if e.Eval(q.variable) {
			return true
		}
	}
	return false
}
