package proxy

import (
	linked "container/list"
	"sync"
	"time"
)

// What a worker of APISIX keeps of the state of weights (lua-resty-lrucache in traffic-split.lua and balancer.lua).
const (
	splitPickers   = 512
	nodePickers    = 256
	nodePickerLife = 5 * time.Minute
)

// cache keeps a number of things, each for one version of what it was made from. The one that was used least recently goes
// first.
type cache[K comparable, V any] struct {
	size int
	life time.Duration // 0: for ever
	mu   sync.Mutex
	at   map[K]*linked.Element
	used linked.List // of *kept[K, V], the last used first
}

type kept[K comparable, V any] struct {
	key     K
	version any
	value   V
	made    time.Time
}

func newCache[K comparable, V any](size int, life time.Duration) *cache[K, V] {
	return &cache[K, V]{size: size, life: life, at: map[K]*linked.Element{}}
}

// get gives what is kept for the key, made anew where it is of another version, too old or gone.
func (c *cache[K, V]) get(key K, version any, build func() V) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, known := c.at[key]; known {
		entry, _ := element.Value.(*kept[K, V])
		if entry.version == version && (c.life == 0 || time.Since(entry.made) < c.life) {
			c.used.MoveToFront(element)
			return entry.value
		}
		c.used.Remove(element)
		delete(c.at, key)
	}
	if c.used.Len() >= c.size {
		oldest, _ := c.used.Remove(c.used.Back()).(*kept[K, V])
		delete(c.at, oldest.key)
	}
	entry := &kept[K, V]{key, version, build(), time.Now()}
	c.at[key] = c.used.PushFront(entry)
	return entry.value
}
