package proxy

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"devstack/gateway/internal/store"
)

// What was measured of one worker of APISIX 3.18: 90/10, routes asked at random, 50 requests each (here 20). The share of the 10 % side
// was 9.3 % with 400 routes and 0.2 % with 1,000 by the weights of a split, 9.3 % with 200 Upstreams and 1.0 % with 400 by those of nodes.
func TestWeightsAreForgottenAsInAPISIX(t *testing.T) {
	for _, test := range []struct {
		why             string
		routes          int
		nodes           bool
		atLeast, atMost float64
	}{
		{"what fits into the cache is exact", 400, false, 7.5, 10},
		{"beyond it a split starts at the heaviest again and again", 1000, false, 0, 1},
		{"nodes that fit into their cache are exact", 200, true, 7.5, 10},
		{"beyond it they start at the heaviest, too", 400, true, 0, 2},
	} {
		t.Run(test.why, func(t *testing.T) {
			g := newTestGateway(t)
			heavy, light := named(t, "heavy"), named(t, "light")
			g.put(store.Upstreams, "heavy", `{"nodes":{"%s":1}}`, heavy)
			g.put(store.Upstreams, "light", `{"nodes":{"%s":1}}`, light)
			for i := range test.routes {
				id := fmt.Sprint(i)
				if test.nodes {
					g.put(store.Upstreams, id, `{"type":"roundrobin","nodes":{"%s":90,"%s":10}}`, heavy, light)
					g.put(store.Routes, id, `{"uri":"/%s","upstream_id":"%s"}`, id, id)
					continue
				}
				g.put(store.Routes, id, `{"uri":"/%s","upstream_id":"heavy","plugins":{"traffic-split":{"rules":[
					{"weighted_upstreams":[{"weight":90},{"upstream_id":"light","weight":10}]}]}}}`, id)
			}
			order := rand.New(rand.NewPCG(1, 2))
			count := 0
			const each = 20
			for range test.routes * each {
				if g.ask("GET", fmt.Sprint("/", order.IntN(test.routes)), "").body == "light" {
					count++
				}
			}
			if share := 100 * float64(count) / float64(test.routes*each); share < test.atLeast || share > test.atMost {
				t.Errorf("%.2f %% at the lighter side, want %g to %g", share, test.atLeast, test.atMost)
			}
		})
	}
}
