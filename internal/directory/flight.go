package directory

import (
	"context"
	"errors"
	"sync"
	"time"
)

// flights collapses simultaneous loads of one key into one. It isn't x/sync's
// singleflight: that starts a goroutine for each load whose caller may give up, has no
// say in whether a load begins, and ends the process where a load panics.
type flights[V any] struct {
	mu      sync.Mutex
	running map[string]*flight[V]
}

type flight[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// begin joins the load of a key; where there is none it begins one, which the
// caller must run. may is asked before.
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

// errPanic is what those who wait get where the load panics.
var errPanic = errors.New("the look-up ended in a panic")

// run ends when load does.
func (f *flights[V]) run(key string, running *flight[V], load func() (V, error)) {
	defer func() {
		f.mu.Lock()
		delete(f.running, key)
		f.mu.Unlock()
		close(running.done)
	}()
	running.value, running.err = load()
}

// errImpatient means that the load goes on, and the caller has something else.
var errImpatient = errors.New("the source is slow")

// wait waits for the end of the load, of ctx, or of patience (0 for none).
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
