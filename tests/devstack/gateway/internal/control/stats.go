package control

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// maxWrites bounds the log of writes; older ones are dropped.
const maxWrites = 200_000

// Write is one Admin API request that would change something, with the answer it got (0: none, the connection was cut).
type Write struct {
	Seq    uint64  `json:"seq"`
	Time   float64 `json:"time"` // seconds since the epoch
	Method string  `json:"method"`
	Kind   string  `json:"kind"`
	ID     string  `json:"id"`
	Status int     `json:"status"`
}

// recorder counts Admin API requests and keeps the writes.
type recorder struct {
	mu     sync.Mutex
	counts map[string]map[string]map[string]int // kind → method → status → count
	reads  int
	writes int
	seq    uint64
	log    []Write
}

func newRecorder() *recorder { return &recorder{counts: map[string]map[string]map[string]int{}} }

func isWrite(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

func (r *recorder) record(method, kind, id string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts[kind] == nil {
		r.counts[kind] = map[string]map[string]int{}
	}
	if r.counts[kind][method] == nil {
		r.counts[kind][method] = map[string]int{}
	}
	r.counts[kind][method][strconv.Itoa(status)]++
	if !isWrite(method) {
		r.reads++
		return
	}
	r.writes++
	r.seq++
	r.log = append(r.log, Write{r.seq, float64(time.Now().UnixMicro()) / 1e6, method, kind, id, status})
	if len(r.log) > maxWrites {
		r.log = append([]Write(nil), r.log[len(r.log)-maxWrites/2:]...)
	}
}

// reset forgets counts and writes; the sequence goes on.
func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts, r.reads, r.writes, r.log = map[string]map[string]map[string]int{}, 0, 0, nil
}

// since gives the writes after a sequence number.
func (r *recorder) since(seq uint64) []Write {
	r.mu.Lock()
	defer r.mu.Unlock()
	writes := []Write{}
	for _, w := range r.log {
		if w.Seq > seq {
			writes = append(writes, w)
		}
	}
	return writes
}

func (r *recorder) stats() map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := make(map[string]map[string]map[string]int, len(r.counts))
	for kind, methods := range r.counts {
		counts[kind] = make(map[string]map[string]int, len(methods))
		for method, statuses := range methods {
			counts[kind][method] = make(map[string]int, len(statuses))
			for status, n := range statuses {
				counts[kind][method][status] = n
			}
		}
	}
	return map[string]any{"requests": counts, "reads": r.reads, "writes": r.writes, "seq": r.seq}
}
