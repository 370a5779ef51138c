package directory

import (
	"context"
	"errors"
	"sync"
	"time"
)

// flights collapses simultaneous loads of one key into one. Unlike x/sync/singleflight
// it starts no goroutine for a load whose caller may give up, can refuse to start a
// load, and survives one that panics.
type flights[V any] struct {
	mu      sync.Mutex
	running map[string]*flight[V]
}

type flight[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// begin joins the load of a key. If there is none, and may permits it, it begins one,
// which the caller must run.
func (f *flights[V]) begin(key string, may func() error) (running *flight[V], begun bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if running, found := f.running[key]; found {
		return running, false, nil
	}
	if err := may(); err != nil {
		return nil, false, err
	}
	running = &flight[V]{done: make(chan struct{}), err: errPanic}
	if f.running == nil {
		f.running = map[string]*flight[V]{}
	}
	f.running[key] = running
	return running, true, nil
}

// errPanic is the result for those who wait for a load that panics.
var errPanic = errors.New("the look-up ended in a panic")

// run runs a load that begin began, and returns when it has ended.
func (f *flights[V]) run(key string, running *flight[V], load func() (V, error)) {
	defer func() {
		f.mu.Lock()
		delete(f.running, key)
		f.mu.Unlock()
		close(running.done)
	}()
	running.value, running.err = load()
}

// errImpatient means that the load goes on, but the caller's patience has ended.
var errImpatient = errors.New("the source is slow")

// wait waits until the load, ctx or patience (0 for no limit) ends.
func (f *flight[V]) wait(ctx context.Context, patience time.Duration) (V, error) {
	var enough <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	var none V
	select {
	case <-f.done:
		return f.value, f.err
	case <-enough:
		return none, errImpatient
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
