package proxy

import (
	"testing"
	"time"
)

func TestTheCacheForgetsWhatWasUsedLeastRecently(t *testing.T) {
	made := map[string]int{}
	c := newCache[string, string](2, 0)
	get := func(key string, version int) {
		c.get(key, version, func() string { made[key]++; return key })
	}
	get("a", 1)
	get("b", 1)
	get("a", 1)
	get("c", 1) // b goes
	get("a", 1)
	get("b", 1) // c goes
	get("a", 2)
	if made["a"] != 2 || made["b"] != 2 || made["c"] != 1 {
		t.Errorf("made %v", made)
	}
}

func TestTheCacheForgetsWhatIsOld(t *testing.T) {
	c := newCache[string, int](2, time.Nanosecond)
	made := 0
	for range 3 {
		c.get("a", nil, func() int { made++; time.Sleep(time.Microsecond); return made })
		time.Sleep(time.Microsecond)
	}
	if made != 3 {
		t.Errorf("made %d times, want 3", made)
	}
}
