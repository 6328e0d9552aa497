package store

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// heard collects what a listener hears.
type heard struct {
	mu    sync.Mutex
	words []string
}

func (h *heard) Changed(o *Object)       { h.add("put " + o.ID) }
func (h *heard) Removed(kind, id string) { h.add("gone " + id) }
func (h *heard) add(word string)         { h.mu.Lock(); defer h.mu.Unlock(); h.words = append(h.words, word) }
func (h *heard) has(words ...string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Equal(h.words, words)
}

func TestADataPlaneThatLagsHearsInOrder(t *testing.T) {
	s, h := open(t, ""), &heard{}
	s.Listen(h)
	s.LagDataPlane(Routes, time.Hour)
	put(t, s, Routes, "a", map[string]any{})
	put(t, s, Upstreams, "u", map[string]any{})
	if _, _, err := s.Delete(Routes, "a", false); err != nil {
		t.Fatal(err)
	}
	if !h.has("put u") {
		t.Errorf("heard %q, want only the upstream", h.words)
	}
	s.LagDataPlane(Routes, 0)
	if !h.has("put u", "put a", "gone a") {
		t.Errorf("heard %q after the lag", h.words)
	}
	s.LagDataPlane(Routes, time.Millisecond)
	put(t, s, Routes, "b", map[string]any{})
	for deadline := time.Now().Add(30 * time.Second); !h.has("put u", "put a", "gone a", "put b"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("heard %q, and not of b", h.words)
		}
	}
}

func TestACheckThatLagsIsWrongBothWays(t *testing.T) {
	s := open(t, "")
	put(t, s, Upstreams, "old", map[string]any{})
	put(t, s, Upstreams, "new", map[string]any{})
	put(t, s, Routes, "a", map[string]any{"upstream_id": "old"})
	s.LagCheck(time.Hour)
	put(t, s, Routes, "a", map[string]any{"upstream_id": "new"})
	if _, user, _ := s.Delete(Upstreams, "old", false); user != "route [a]" {
		t.Errorf("deleting what is not used any more: %q, want the refusal", user)
	}
	if _, user, _ := s.Delete(Upstreams, "new", false); user != "" {
		t.Errorf("deleting what has just come into use: refused for %q", user)
	}
	s.LagCheck(0)
	if _, user, _ := s.Delete(Upstreams, "old", false); user != "" {
		t.Errorf("after the lag: refused for %q", user)
	}
}
