package proxy

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// limitKey is what is counted by: a variable, several with `$`, a text, or else the client's address.
func limitKey(q *request, conf map[string]any) string {
	key := text(conf["key"])
	switch conf["key_type"] {
	case "constant":
		return key
	case "var_combination":
		if resolved := q.resolve(key, nil); strings.TrimSpace(resolved) != "" {
			return resolved
		}
	default:
		if value := text(q.variable(key)); value != "" {
			return value
		}
	}
	return q.remote
}

type window struct {
	used int
	ends time.Time
}

// newLimitCount counts in fixed windows, of this route as it is written now; sliding ones, rules and groups do nothing.
func newLimitCount(conf map[string]any) *plugin {
	most, length := integer(conf["count"], 0), seconds(conf["time_window"], 0)
	if most == 0 || conf["window_type"] != "fixed" || conf["group"] != nil {
		return &plugin{}
	}
	var mu sync.Mutex
	windows := map[string]*window{}
	count := func(key string) (used int, reset time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		w := windows[key]
		if w == nil || !now.Before(w.ends) {
			w = &window{ends: now.Add(length)}
			windows[key] = w
		}
		w.used++
		return w.used, w.ends.Sub(now)
	}
	answer := rejected(conf)
	return &plugin{
		access: func(q *request) *reply {
			used, reset := count(limitKey(q, conf))
			if conf["show_limit_quota_header"] == true {
				q.quota = http.Header{
					"X-Ratelimit-Limit":     {strconv.Itoa(most)},
					"X-Ratelimit-Remaining": {strconv.Itoa(max(0, most-used))},
					"X-Ratelimit-Reset":     {strconv.FormatFloat(math.Floor(reset.Seconds()*100)/100, 'g', -1, 64)},
				}
			}
			if used > most {
				return answer
			}
			return nil
		},
		respond: func(q *request, response *http.Response) {
			for name, values := range q.quota {
				response.Header[name] = values
			}
		},
	}
}

type bucket struct {
	excess float64
	last   time.Time
}

// newLimitReq is a leaky bucket for each key.
func newLimitReq(conf map[string]any) *plugin {
	rate, burst := number(conf["rate"]), number(conf["burst"])
	var mu sync.Mutex
	buckets := map[string]*bucket{}
	enter := func(key string) (excess float64, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		b := buckets[key]
		if b == nil {
			buckets[key] = &bucket{last: now}
			return 0, true
		}
		excess = max(0, b.excess-rate*now.Sub(b.last).Seconds()+1)
		if excess > burst {
			return 0, false
		}
		b.excess, b.last = excess, now
		return excess, true
	}
	answer := rejected(conf)
	return &plugin{access: func(q *request) *reply {
		excess, ok := enter(limitKey(q, conf))
		if !ok {
			return answer
		}
		if conf["nodelay"] != true && excess > 0 {
			select {
			case <-q.in.Context().Done():
			case <-time.After(time.Duration(excess / rate * float64(time.Second))):
			}
		}
		return nil
	}}
}

func number(raw any) float64 { n, _ := raw.(float64); return n }
