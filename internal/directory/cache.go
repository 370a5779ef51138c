package directory

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// staleFor bounds for how long an answer serves while its source is down.
const staleFor = 24 * time.Hour

// loadTimeout bounds one look-up in the source. It doesn't end with the request
// that began it: others may wait for the same answer.
const loadTimeout = 5 * time.Second

// cached is an answer with the generation that it belongs to.
type cached[V any] struct {
	value      V
	found      bool
	generation int64
	at         time.Time
}

// cache keeps answers of one kind, what isn't found apart from what is: strangers
// choose the names that aren't, and must not push the others out. An answer of an
// older generation is asked for again at its next use, and serves on if that fails.
type cache[V any] struct {
	directory    *Directory
	present      *otter.Cache[string, cached[V]]
	missing      *otter.Cache[string, cached[V]]
	flights      flights[cached[V]]
	hits, misses atomic.Int64
}

func newCache[V any](d *Directory, size int) *cache[V] {
	return &cache[V]{
		directory: d,
		present:   otter.Must(&otter.Options[string, cached[V]]{MaximumSize: size}),
		missing:   otter.Must(&otter.Options[string, cached[V]]{MaximumSize: size}),
	}
}

// get gives the answer for key, by load if there is none of this generation.
func (c *cache[V]) get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	kept, ok := c.kept(key)
	if ok && kept.generation == c.directory.state.generation.Load() {
		c.hits.Add(1)
		return kept.answer()
	}
	c.misses.Add(1)
	fresh, err := c.flights.do(ctx, key, func(ctx context.Context) (cached[V], error) { return c.load(ctx, key, load) })
	if err == nil {
		return fresh.answer()
	}
	if ok && c.directory.now().Sub(kept.at) < staleFor && ctx.Err() == nil {
		return kept.answer()
	}
	var none V
	return none, err
}

func (c *cache[V]) kept(key string) (cached[V], bool) {
	if kept, ok := c.present.GetIfPresent(key); ok {
		return kept, true
	}
	return c.missing.GetIfPresent(key)
}

func (v cached[V]) answer() (V, error) {
	if !v.found {
		return v.value, ErrNotFound
	}
	return v.value, nil
}

// load asks the source. The generation is taken before: what changes meanwhile
// makes the answer an old one at once, and it is asked for again.
func (c *cache[V]) load(ctx context.Context, key string, load func(context.Context) (V, error)) (cached[V], error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	fresh := cached[V]{generation: c.directory.state.generation.Load(), at: c.directory.now()}
	value, err := load(ctx)
	switch {
	case err == nil:
		fresh.value, fresh.found = value, true
		c.missing.Invalidate(key)
		c.present.Set(key, fresh)
	case errors.Is(err, ErrNotFound):
		c.present.Invalidate(key)
		c.missing.Set(key, fresh)
	default:
		c.directory.failed(err)
		return fresh, err
	}
	c.directory.succeeded()
	return fresh, nil
}

func (c *cache[V]) stats() Stats {
	return Stats{Entries: c.present.EstimatedSize() + c.missing.EstimatedSize(), Hits: c.hits.Load(), Misses: c.misses.Load()}
}
