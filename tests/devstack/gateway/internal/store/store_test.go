package store

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func put(t *testing.T, s *Store, kind, id string, value map[string]any) *Object {
	t.Helper()
	object, _, missing, err := s.Put(kind, id, value)
	if err != nil || missing != "" {
		t.Fatalf("%s/%s: %v, missing upstream %q", kind, id, err, missing)
	}
	return object
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ids(s *Store, kind string) []string {
	var out []string
	for _, object := range s.List(kind) {
		out = append(out, object.ID)
	}
	return out
}

func TestPutKeepsWhenItWasCreated(t *testing.T) {
	s := open(t, "")
	first := put(t, s, Routes, "a", map[string]any{"uri": "/a"})
	put(t, s, Routes, "b", map[string]any{"uri": "/b"})
	again := put(t, s, Routes, "a", map[string]any{"uri": "/a"})
	if again.CreatedIndex != first.CreatedIndex || again.ModifiedIndex <= first.ModifiedIndex {
		t.Errorf("indexes %d/%d, then %d/%d", first.CreatedIndex, first.ModifiedIndex, again.CreatedIndex, again.ModifiedIndex)
	}
	if again.Value["create_time"] != first.Value["create_time"] {
		t.Error("create_time changed")
	}
	if got := ids(s, Routes); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("list: %q", got)
	}
}

func TestNumbersAreRoundedAsAPISIXDoes(t *testing.T) {
	object := put(t, open(t, ""), Routes, "a", map[string]any{"x": 0.1234567890123456789, "y": []any{1.0}})
	if object.Value["x"] != 0.12345678901235 {
		t.Errorf("got %v", object.Value["x"])
	}
}

func TestUpstreamsInUseStay(t *testing.T) {
	split := map[string]any{"plugins": map[string]any{"traffic-split": map[string]any{"rules": []any{
		map[string]any{"weighted_upstreams": []any{map[string]any{"upstream_id": "u"}, map[string]any{"weight": 1.0}}},
	}}}}
	for _, test := range []struct {
		why   string
		route map[string]any
		force bool
		user  string
	}{
		{"a route's upstream", map[string]any{"upstream_id": "u"}, false, "route [r]"},
		{"a traffic-split's upstream", split, false, "plugin in route [r]"},
		{"nobody's upstream", map[string]any{"uri": "/x"}, false, ""},
		{"forced", map[string]any{"upstream_id": "u"}, true, ""},
	} {
		t.Run(test.why, func(t *testing.T) {
			s := open(t, "")
			put(t, s, Upstreams, "u", map[string]any{})
			put(t, s, Routes, "r", test.route)
			found, user, err := s.Delete(Upstreams, "u", test.force)
			if err != nil || !found || user != test.user {
				t.Errorf("found %v, user %q, %v", found, user, err)
			}
			if gone := s.Get(Upstreams, "u") == nil; gone != (test.user == "") {
				t.Errorf("gone: %v", gone)
			}
		})
	}
}

func TestAnUpstreamIsFreeOnceItsRouteHasAnother(t *testing.T) {
	s := open(t, "")
	put(t, s, Upstreams, "7", map[string]any{})
	put(t, s, Upstreams, "v", map[string]any{})
	put(t, s, Routes, "r", map[string]any{"upstream_id": 7.0})
	if _, user, _ := s.Delete(Upstreams, "7", false); user != "route [r]" {
		t.Errorf("a number refers too: user %q", user)
	}
	put(t, s, Routes, "r", map[string]any{"upstream_id": "v"})
	if _, user, _ := s.Delete(Upstreams, "7", false); user != "" {
		t.Errorf("still used by %q", user)
	}
}

func TestAMissingUpstreamIsNamed(t *testing.T) {
	_, _, missing, err := open(t, "").Put(Routes, "r", map[string]any{"upstream_id": "nosuch"})
	if missing != "nosuch" || err != nil {
		t.Errorf("missing %q, %v", missing, err)
	}
}

func TestObjectsOutliveAProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	s := open(t, path)
	put(t, s, Upstreams, "u", map[string]any{"nodes": []any{}})
	kept := put(t, s, Routes, "kept", map[string]any{"upstream_id": "u"})
	put(t, s, Routes, "gone", map[string]any{"uri": "/x"})
	if _, _, err := s.Delete(Routes, "gone", false); err != nil {
		t.Fatal(err)
	}
	revision := s.revision
	// The process is killed while it writes: nothing is closed, and a line is cut off.
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"put":true,"kind":"routes","id":"half`); err != nil {
		t.Fatal(err)
	}
	for round := range 2 { // the second time from what the first has written anew
		again := open(t, path)
		if got := ids(again, Routes); !slices.Equal(got, []string{"kept"}) {
			t.Fatalf("round %d: %q", round, got)
		}
		if got := again.Get(Routes, "kept"); got.CreatedIndex != kept.CreatedIndex || string(got.Raw) != string(kept.Raw) {
			t.Errorf("round %d: %+v, was %+v", round, got, kept)
		}
		if again.revision != revision {
			t.Errorf("round %d: revision %d, was %d", round, again.revision, revision)
		}
		if _, user, _ := again.Delete(Upstreams, "u", false); user != "route [kept]" {
			t.Errorf("round %d: references are lost: %q", round, user)
		}
	}
}

func TestABrokenJournalIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, []byte("not JSON\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("opened")
	}
}

type told struct{ changed, removed []string }

func (l *told) Changed(o *Object)       { l.changed = append(l.changed, o.Kind+"/"+o.ID) }
func (l *told) Removed(kind, id string) { l.removed = append(l.removed, kind+"/"+id) }

func TestListenersHearOfWhatWasThere(t *testing.T) {
	s := open(t, "")
	put(t, s, Routes, "r", map[string]any{})
	put(t, s, Upstreams, "u", map[string]any{})
	listener := &told{}
	s.Listen(listener)
	if want := []string{"upstreams/u", "routes/r"}; !slices.Equal(listener.changed, want) {
		t.Errorf("got %q, want %q: upstreams first", listener.changed, want)
	}
	if err := s.Wipe(false); err != nil {
		t.Fatal(err)
	}
	if want := []string{"routes/r", "upstreams/u"}; !slices.Equal(listener.removed, want) {
		t.Errorf("got %q, want %q: routes first", listener.removed, want)
	}
}
