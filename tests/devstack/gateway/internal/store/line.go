package store

import (
	"sync"
	"time"
)

// line does things in their order: at once, or each when the delay is over that was in force when it came.
type line struct {
	mu      sync.Mutex
	delay   time.Duration
	waiting []job
}

type job struct {
	due time.Time
	do  func()
}

func (l *line) do(what func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.delay == 0 && len(l.waiting) == 0 {
		what()
		return
	}
	l.waiting = append(l.waiting, job{time.Now().Add(l.delay), what})
	if len(l.waiting) == 1 {
		go l.run()
	}
}

// between runs something while nothing of the line is done.
func (l *line) between(what func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what()
}

// lag sets the delay of what comes from now on. Without one, what waits is done at once.
func (l *line) lag(delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = delay
	if delay == 0 {
		l.finish(func(job) bool { return true })
	}
}

func (l *line) run() {
	for {
		l.mu.Lock()
		l.finish(func(j job) bool { return !time.Now().Before(j.due) })
		if len(l.waiting) == 0 {
			l.mu.Unlock()
			return
		}
		pause := time.Until(l.waiting[0].due)
		l.mu.Unlock()
		time.Sleep(pause)
	}
}

// finish does what waits at the front, as far as it is ready.
func (l *line) finish(ready func(job) bool) {
	for len(l.waiting) > 0 && ready(l.waiting[0]) {
		l.waiting[0].do()
		l.waiting = l.waiting[1:]
	}
}
