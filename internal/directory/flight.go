package directory

import (
	"context"
	"sync"
)

// flights collapses simultaneous loads of one key into one. A caller that gives
// up doesn't end the load for the others.
type flights[V any] struct {
	mu      sync.Mutex
	running map[string]*flight[V]
}

type flight[V any] struct {
	done  chan struct{}
	value V
	err   error
}

func (f *flights[V]) do(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	f.mu.Lock()
	running, found := f.running[key]
	if !found {
		running = &flight[V]{done: make(chan struct{})}
		if f.running == nil {
			f.running = map[string]*flight[V]{}
		}
		f.running[key] = running
		go f.run(context.WithoutCancel(ctx), key, running, load)
	}
	f.mu.Unlock()
	select {
	case <-running.done:
		return running.value, running.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// run ends when load does, which its context bounds.
func (f *flights[V]) run(ctx context.Context, key string, running *flight[V], load func(context.Context) (V, error)) {
	defer func() {
		f.mu.Lock()
		delete(f.running, key)
		f.mu.Unlock()
		close(running.done)
	}()
	running.value, running.err = load(ctx)
}
