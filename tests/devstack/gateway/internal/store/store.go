// Package store keeps the gateway's objects as etcd keeps APISIX's: with a revision that each write raises.
package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The kinds of object there are, by their name in the Admin API.
const (
	Routes    = "routes"
	Upstreams = "upstreams"
)

// Object is one stored object; it is never changed, only replaced.
type Object struct {
	Kind          string
	ID            string
	CreatedIndex  uint64
	ModifiedIndex uint64
	Value         map[string]any
	Raw           json.RawMessage // Value, encoded
}

// Listener hears of the changes of a kind in their order, before the writer gets its answer unless the data plane lags.
type Listener interface {
	Changed(object *Object)
	Removed(kind, id string)
}

// Store is safe for concurrent use.
type Store struct {
	mu         sync.RWMutex
	revision   uint64
	objects    map[string]map[string]*Object
	sorted     map[string][]*Object // by id; nil after an object came or went
	bare       bool                 // the kinds' directory keys are gone, too
	journal    *journal
	listeners  []Listener
	dataPlane  map[string]*line // by kind: on the way to the listeners
	references references
	check      line // guards the references, and is on the way to them
}

// Open gives a store; with a path its objects outlive the process.
func Open(path string) (*Store, error) {
	s := &Store{
		objects:    map[string]map[string]*Object{Routes: {}, Upstreams: {}},
		sorted:     map[string][]*Object{},
		dataPlane:  map[string]*line{Routes: {}, Upstreams: {}},
		references: references{},
	}
	if path == "" {
		return s, nil
	}
	err := replay(path, s)
	if err != nil {
		return nil, err
	}
	s.journal, err = rewrite(path, s)
	return s, err
}

// Listen adds a listener and tells it of what is there already, by id as etcd lists it.
func (s *Store) Listen(listener Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, listener)
	for _, kind := range []string{Upstreams, Routes} {
		for _, id := range slices.Sorted(maps.Keys(s.objects[kind])) {
			listener.Changed(s.objects[kind][id])
		}
	}
}

// Get gives an object, nil without one.
func (s *Store) Get(kind, id string) *Object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.objects[kind][id]
}

// List gives the objects of a kind, by id.
func (s *Store) List(kind string) []*Object {
	s.mu.RLock()
	list := s.sorted[kind]
	s.mu.RUnlock()
	if list != nil {
		return list
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list = make([]*Object, 0, len(s.objects[kind]))
	for _, id := range slices.Sorted(maps.Keys(s.objects[kind])) {
		list = append(list, s.objects[kind][id])
	}
	s.sorted[kind] = list
	return list
}

// Put writes an object, with create_time and update_time. An object that refers to an upstream that is not there is
// refused with the upstream's id.
func (s *Store) Put(kind, id string, value map[string]any) (object *Object, created bool, missing string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if upstream, ok := ReferenceID(value["upstream_id"]); ok && s.objects[Upstreams][upstream] == nil {
		return nil, false, upstream, nil
	}
	now := float64(time.Now().Unix())
	createTime := any(now)
	old := s.objects[kind][id]
	if old != nil {
		createTime = old.Value["create_time"]
	}
	value["id"], value["create_time"], value["update_time"] = id, createTime, now
	raw, err := encode(value)
	if err != nil {
		return nil, false, "", err
	}
	object = &Object{Kind: kind, ID: id, CreatedIndex: s.revision + 1, ModifiedIndex: s.revision + 1, Value: value, Raw: raw}
	if old != nil {
		object.CreatedIndex = old.CreatedIndex
	}
	if err := s.journal.put(object); err != nil {
		return nil, false, "", err
	}
	s.install(object)
	s.tell(kind, func(listener Listener) { listener.Changed(object) })
	return object, old == nil, "", nil
}

// Delete removes an object. An upstream in use is not removed, unless forced: then user says what uses it.
func (s *Store) Delete(kind, id string, force bool) (found bool, user string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == Upstreams && !force {
		if user := s.user(id); user != "" {
			return true, user, nil
		}
	}
	if s.objects[kind][id] == nil {
		return false, "", nil
	}
	if err := s.journal.remove(kind, id, s.revision+1); err != nil {
		return true, "", err
	}
	s.uninstall(kind, id, s.revision+1)
	s.tell(kind, func(listener Listener) { listener.Removed(kind, id) })
	return true, "", nil
}

// tell passes a change on to the data plane.
func (s *Store) tell(kind string, change func(Listener)) {
	listeners := s.listeners
	s.dataPlane[kind].do(func() {
		for _, listener := range listeners {
			change(listener)
		}
	})
}

// user names what uses an upstream, as far as the check knows.
func (s *Store) user(upstream string) (user string) {
	s.check.between(func() { user = s.references.user(upstream) })
	return user
}

// LagDataPlane sets how long writes of a kind take from now on until the data plane sees them.
func (s *Store) LagDataPlane(kind string, delay time.Duration) { s.dataPlane[kind].lag(delay) }

// LagCheck sets how long writes take from now on until the check whether an upstream is in use sees them.
func (s *Store) LagCheck(delay time.Duration) { s.check.lag(delay) }

// Bare says whether a kind has neither objects nor the directory key that APISIX makes when it starts.
func (s *Store) Bare(kind string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.bare && len(s.objects[kind]) == 0
}

// Wipe loses all objects, as an etcd does that lost its disk; with directories also the keys that hold the kinds, as
// when an empty etcd takes its place under an APISIX that runs on.
func (s *Store) Wipe(directories bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bare = directories
	for _, kind := range []string{Routes, Upstreams} {
		for id := range s.objects[kind] {
			if err := s.journal.remove(kind, id, s.revision+1); err != nil {
				return err
			}
			s.uninstall(kind, id, s.revision+1)
			s.tell(kind, func(listener Listener) { listener.Removed(kind, id) })
		}
	}
	return nil
}

func (s *Store) install(object *Object) {
	s.revision = max(s.revision, object.ModifiedIndex)
	old := s.objects[object.Kind][object.ID]
	s.objects[object.Kind][object.ID] = object
	s.sorted[object.Kind] = nil
	if object.Kind == Routes {
		s.check.do(func() {
			if old != nil {
				s.references.unset(old)
			}
			s.references.set(object)
		})
	}
}

func (s *Store) uninstall(kind, id string, revision uint64) {
	s.revision = max(s.revision, revision)
	if object := s.objects[kind][id]; object != nil && kind == Routes {
		s.check.do(func() { s.references.unset(object) })
	}
	delete(s.objects[kind], id)
	s.sorted[kind] = nil
}

func encode(value map[string]any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(rounded(value)); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// rounded rounds numbers to 14 significant digits, as APISIX's JSON encoder does.
func rounded(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, item := range v {
			v[name] = rounded(item)
		}
	case []any:
		for i, item := range v {
			v[i] = rounded(item)
		}
	case float64:
		if r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 14, 64), 64); err == nil {
			return r
		}
	}
	return value
}
