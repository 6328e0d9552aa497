// Package control is the gateway's third port, for tests: what was asked of the Admin API, and how it shall misbehave.
// The README beside the module describes it.
package control

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"devstack/gateway/internal/admin"
	"devstack/gateway/internal/discovery"
	"devstack/gateway/internal/nginx"
	"devstack/gateway/internal/proxy"
	"devstack/gateway/internal/store"
)

// Control wraps the Admin API and answers the control port.
type Control struct {
	admin    *admin.Server
	store    *store.Store
	gateway  *proxy.Gateway
	consul   *discovery.Consul
	listener *Listener
	recorder *recorder
	faults   *faults
	mux      *http.ServeMux
	mu       sync.Mutex
	key      string // the admin key before a fault changed it
}

// New gives the control over a gateway's parts.
func New(
	adminServer *admin.Server, s *store.Store, gateway *proxy.Gateway, consul *discovery.Consul, listener *Listener,
) *Control {
	c := &Control{
		admin: adminServer, store: s, gateway: gateway, consul: consul, listener: listener,
		recorder: newRecorder(), faults: &faults{}, mux: http.NewServeMux(),
	}
	c.mux.HandleFunc("GET /stats", c.stats)
	c.mux.HandleFunc("POST /reset-stats", c.resetStats)
	c.mux.HandleFunc("POST /wipe", c.wipe)
	c.mux.HandleFunc("GET /writes", c.writes)
	c.mux.HandleFunc("GET /discovery", c.discovery)
	c.mux.HandleFunc("GET /faults", c.listFaults)
	c.mux.HandleFunc("POST /faults", c.addFault)
	c.mux.HandleFunc("DELETE /faults", c.clearFaults)
	c.mux.HandleFunc("POST /request-ids", c.seedRequestIDs)
	return c
}

func (c *Control) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// Admin is the Admin API with its faults and its recorder.
func (c *Control) Admin(w http.ResponseWriter, r *http.Request) {
	kind, id := "", ""
	if path, err := admin.Path(r); err == nil {
		kind, id = admin.Target(path)
	}
	delay, fault := c.faults.meet(r.Method, kind, id)
	if delay > 0 {
		select {
		case <-r.Context().Done():
		case <-time.After(delay):
		}
	}
	action := ""
	if fault != nil {
		action = fault.Action
	}
	counted := &countedWriter{ResponseWriter: w, discard: action == actionDropAfter}
	switch action {
	case actionStatus:
		failWith(counted, fault)
	case actionDropBefore:
		c.recorder.record(r.Method, kind, id, 0)
		drop(w)
		return
	default:
		c.admin.ServeHTTP(counted, r)
	}
	if action == actionDropAfter {
		c.recorder.record(r.Method, kind, id, 0)
		drop(w)
		return
	}
	c.recorder.record(r.Method, kind, id, counted.status)
}

func failWith(w http.ResponseWriter, fault *Fault) {
	message := fault.Message
	if message == "" {
		message = "has no healthy etcd endpoint available"
	}
	w.Header().Set("Server", nginx.Server)
	answer(w, fault.Status, map[string]any{"error_msg": message})
}

// countedWriter remembers the status; it may keep the answer from the client.
type countedWriter struct {
	http.ResponseWriter
	status  int
	discard bool
}

func (c *countedWriter) WriteHeader(status int) {
	c.status = status
	if !c.discard {
		c.ResponseWriter.WriteHeader(status)
	}
}

func (c *countedWriter) Write(data []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	if c.discard {
		return len(data), nil
	}
	return c.ResponseWriter.Write(data)
}

func (c *countedWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *Control) stats(w http.ResponseWriter, _ *http.Request) {
	stats := c.recorder.stats()
	stats["proxied"] = c.gateway.Proxied.Load()
	stats["objects"] = map[string]int{
		store.Routes: len(c.store.List(store.Routes)), store.Upstreams: len(c.store.List(store.Upstreams)),
	}
	answer(w, http.StatusOK, stats)
}

func (c *Control) resetStats(w http.ResponseWriter, _ *http.Request) {
	c.recorder.reset()
	c.gateway.Proxied.Store(0)
	answer(w, http.StatusOK, map[string]any{})
}

func (c *Control) wipe(w http.ResponseWriter, r *http.Request) {
	if err := c.store.Wipe(r.URL.Query().Get("directories") == "true"); err != nil {
		answer(w, http.StatusInternalServerError, map[string]any{"error": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{})
}

func (c *Control) writes(w http.ResponseWriter, r *http.Request) {
	since := uint64(0)
	if text := r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = strconv.ParseUint(text, 10, 64); err != nil {
			answer(w, http.StatusBadRequest, map[string]any{"error": "since: expected a sequence number, found " + text})
			return
		}
	}
	answer(w, http.StatusOK, c.recorder.since(since))
}

func (c *Control) discovery(w http.ResponseWriter, _ *http.Request) {
	services := map[string][]string{}
	for name, instances := range c.consul.Dump() {
		services[name] = []string{}
		for _, instance := range instances {
			services[name] = append(services[name], instance.Host+":"+strconv.Itoa(instance.Port))
		}
	}
	answer(w, http.StatusOK, services)
}

func (c *Control) listFaults(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, c.faults.all())
}

func (c *Control) addFault(w http.ResponseWriter, r *http.Request) {
	var fault Fault
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&fault)
	if err == nil {
		err = fault.validate()
	}
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	fault.Hits = 0
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.add(&fault)
	switch fault.Action {
	case actionRefuse:
		c.listener.Stop()
	case actionAdminKey:
		if before := c.admin.Keys.SetAdmin(fault.Key); c.key == "" {
			c.key = before
		}
	case actionLag:
		for _, kind := range []string{store.Routes, store.Upstreams} {
			if fault.Kind == "" || fault.Kind == kind {
				c.store.LagDataPlane(kind, fault.delay())
			}
		}
	case actionLagCheck:
		c.store.LagCheck(fault.delay())
	}
	answer(w, http.StatusCreated, fault)
}

func (c *Control) clearFaults(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.clear()
	c.store.LagCheck(0)
	for _, kind := range []string{store.Upstreams, store.Routes} {
		c.store.LagDataPlane(kind, 0)
	}
	if c.key != "" {
		c.admin.Keys.SetAdmin(c.key)
		c.key = ""
	}
	if err := c.listener.Start(); err != nil {
		answer(w, http.StatusInternalServerError, map[string]any{"error": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{})
}

func (c *Control) seedRequestIDs(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Seed uint64 `json:"seed"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	c.gateway.SeedRequestIDs(body.Seed)
	answer(w, http.StatusOK, map[string]any{})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(http.ErrAbortHandler)
	}
}
