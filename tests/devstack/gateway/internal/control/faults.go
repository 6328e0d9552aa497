package control

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"devstack/gateway/internal/store"
)

// Fault is one way of the Admin API to misbehave. What an action does not use must be absent.
type Fault struct {
	Action     string   `json:"action"` // see actions
	Status     int      `json:"status,omitempty"`
	Message    string   `json:"message,omitempty"`
	DelayMS    int      `json:"delay_ms,omitempty"`
	Key        string   `json:"key,omitempty"`
	Count      int      `json:"count,omitempty"` // how many requests; 0: all
	Writes     bool     `json:"writes,omitempty"`
	Methods    []string `json:"methods,omitempty"`
	Kind       string   `json:"kind,omitempty"`
	IDContains string   `json:"id_contains,omitempty"`
	ID         int      `json:"fault"` // given by the gateway
	Hits       int      `json:"hits"`
}

// The actions. The first four are done to requests; the others change the gateway until the faults are cleared.
const (
	actionStatus     = "status"      // answer Status without doing anything
	actionDelay      = "delay"       // wait, then go on
	actionDropBefore = "drop_before" // cut the connection, nothing done
	actionDropAfter  = "drop_after"  // do it, then cut the connection: the outcome is unknown to the client
	actionRefuse     = "refuse"      // do not listen
	actionAdminKey   = "admin_key"   // accept another admin key
	actionLag        = "lag"         // the data plane sees writes later
	actionLagCheck   = "lag_check"   // so does the check whether an upstream is in use
)

// lasting are the actions that no request meets.
var lasting = []string{actionRefuse, actionAdminKey, actionLag, actionLagCheck}

func (f *Fault) validate() error {
	switch f.Action {
	case actionStatus:
		if f.Status < 200 || f.Status > 599 {
			return fmt.Errorf("status: expected 200..599, found %d", f.Status)
		}
	case actionDelay, actionLag, actionLagCheck:
		if f.DelayMS <= 0 {
			return fmt.Errorf("delay_ms: expected milliseconds, found %d", f.DelayMS)
		}
	case actionAdminKey:
		if f.Key == "" {
			return errors.New("key: the admin key to accept is missing")
		}
	case actionDropBefore, actionDropAfter, actionRefuse:
	default:
		return fmt.Errorf("action: expected status, delay, drop_before, drop_after, %s, found %q",
			strings.Join(lasting, ", "), f.Action)
	}
	if f.Action == actionLag && f.Kind != "" && f.Kind != store.Routes && f.Kind != store.Upstreams {
		return fmt.Errorf("kind: expected routes or upstreams, found %q", f.Kind)
	}
	if f.Count < 0 {
		return fmt.Errorf("count: expected 0 (all) or more, found %d", f.Count)
	}
	return nil
}

func (f *Fault) delay() time.Duration { return time.Duration(f.DelayMS) * time.Millisecond }

func (f *Fault) fits(method, kind, id string) bool {
	return (!f.Writes || isWrite(method)) &&
		(len(f.Methods) == 0 || slices.Contains(f.Methods, method)) &&
		(f.Kind == "" || f.Kind == kind) &&
		strings.Contains(id, f.IDContains) &&
		(f.Count == 0 || f.Hits < f.Count)
}

// faults are those in force. A request meets each delay that fits it, and the first other fault.
type faults struct {
	mu   sync.Mutex
	next int
	list []*Fault
}

func (f *faults) add(fault *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	fault.ID = f.next
	f.list = append(f.list, fault)
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

func (f *faults) all() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Fault, 0, len(f.list))
	for _, fault := range f.list {
		all = append(all, *fault)
	}
	return all
}

func (f *faults) meet(method, kind, id string) (delay time.Duration, other *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		if slices.Contains(lasting, fault.Action) || !fault.fits(method, kind, id) {
			continue
		}
		if fault.Action != actionDelay {
			if other != nil {
				continue
			}
			met := *fault
			other = &met
		}
		fault.Hits++
		if fault.Action == actionDelay {
			delay += fault.delay()
		}
	}
	return delay, other
}

// drop cuts a request's connection without an answer.
func drop(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = connection.Close()
}
