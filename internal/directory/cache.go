package directory

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// cached is an answer with the generation that it belongs to.
type cached[V any] struct {
	value V
	stamp
}

// stamp is when an answer was got.
type stamp struct {
	generation int64
	at         time.Duration // since the cache was made: a third of a time.Time
}

// cache keeps answers of one kind from one origin, what isn't found apart from
// what is: strangers choose the names that aren't, and must not push the others
// out. An answer that is too old is asked for again at its next use, and serves on
// if that fails.
type cache[V any] struct {
	origin *origin
	// began is where stamps count from. The difference of two times is the monotonic
	// clock's: a wall clock that is set makes no answer older or newer.
	began        time.Time
	present      *otter.Cache[string, cached[V]]
	missing      *otter.Cache[string, stamp]
	flights      flights[cached[V]]
	hits, misses atomic.Int64
}

func newCache[V any](o *origin, size int) *cache[V] {
	return &cache[V]{
		origin:  o,
		began:   o.now(),
		present: otter.Must(&otter.Options[string, cached[V]]{MaximumSize: size, Executor: here}),
		missing: otter.Must(&otter.Options[string, stamp]{MaximumSize: max(size/4, 1), Executor: here}),
	}
}

// here does the cache's own chores where they come up: they are smaller than
// waking somebody else for them.
func here(chore func()) { chore() }

// get gives the answer for key, by load if there is none that is good.
func (c *cache[V]) get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	kept, found, ok := c.kept(key)
	now := c.origin.now()
	if ok && c.current(kept.stamp, found, now) {
		c.hits.Add(1)
		if c.aging(kept.stamp, found, now) {
			_, _ = c.begin(ctx, key, load, false) // what it brings is for the next one
		}
		return answer(kept, found)
	}
	c.misses.Add(1)
	ok = ok && c.willDo(kept.stamp, now)
	patience := time.Duration(0)
	if ok {
		patience = c.origin.patience()
	}
	running, err := c.begin(ctx, key, load, !ok)
	if err == nil {
		var fresh cached[V]
		if fresh, err = running.wait(ctx, patience); err == nil || errors.Is(err, ErrNotFound) {
			return fresh.value, err
		}
		if errors.Is(err, errImpatient) {
			c.origin.slow.Store(true)
		}
	}
	if ok && ctx.Err() == nil {
		c.origin.servedOld.Add(1)
		return answer(kept, found)
	}
	var none V
	return none, err
}

func answer[V any](kept cached[V], found bool) (V, error) {
	if !found {
		return kept.value, ErrNotFound
	}
	return kept.value, nil
}

func (c *cache[V]) kept(key string) (kept cached[V], found, ok bool) {
	if kept, ok := c.present.GetIfPresent(key); ok {
		return kept, true, true
	}
	kept.stamp, ok = c.missing.GetIfPresent(key)
	return kept, false, ok
}

// age is how old an answer is.
func (c *cache[V]) age(s stamp, now time.Time) time.Duration { return now.Sub(c.began) - s.at }

// current tells whether an answer serves without a question.
func (c *cache[V]) current(s stamp, found bool, now time.Time) bool {
	o := c.origin
	if o.life.fresh == 0 {
		return s.generation == o.generation.Load() && (!o.down.Load() || now.Sub(o.lastGood()) < o.life.stale)
	}
	age := c.age(s, now)
	return 0 <= age && age < c.lasts(found) // one from the future is old: nobody knows how old
}

func (c *cache[V]) lasts(found bool) time.Duration {
	if found {
		return c.origin.life.fresh
	}
	return c.origin.life.missing
}

// aging tells whether an answer that is asked for is so near its end that a newer
// one is fetched meanwhile. What isn't found is not worth it.
func (c *cache[V]) aging(s stamp, found bool, now time.Time) bool {
	return found && c.origin.life.fresh > 0 && c.age(s, now) > c.lasts(found)*4/5
}

// willDo tells whether an answer that isn't current is better than none.
func (c *cache[V]) willDo(s stamp, now time.Time) bool {
	age := c.age(s, now)
	if c.origin.life.fresh == 0 {
		age = now.Sub(c.origin.lastGood())
	}
	return age < c.origin.life.stale
}

// begin joins the load of a key or starts one; here, if the caller has nothing
// better to do than to wait for it, which spares a goroutine whose stack has to
// grow. The load goes on if the caller's request ends: others may wait for it.
func (c *cache[V]) begin(ctx context.Context, key string, load func(context.Context) (V, error), here bool) (*flight[cached[V]], error) {
	running, begun, err := c.flights.begin(key, c.origin.enter)
	if !begun {
		return running, err
	}
	run := func() {
		c.flights.run(key, running, func() (cached[V], error) {
			defer c.origin.leave()
			return c.load(context.WithoutCancel(ctx), key, load)
		})
	}
	if here {
		run()
	} else {
		go run()
	}
	return running, nil
}

// load asks the source. The generation is taken before: what changes meanwhile
// makes the answer an old one at once, and it is asked for again.
func (c *cache[V]) load(ctx context.Context, key string, load func(context.Context) (V, error)) (cached[V], error) {
	ctx, cancel := context.WithTimeout(ctx, c.origin.life.timeout)
	defer cancel()
	fresh := cached[V]{stamp: stamp{c.origin.generation.Load(), c.origin.now().Sub(c.began)}}
	value, err := load(ctx)
	key = strings.Clone(key) // it may be a part of a long request
	switch {
	case err == nil:
		fresh.value = value
		c.missing.Invalidate(key)
		c.present.Set(key, fresh)
	case errors.Is(err, ErrNotFound):
		c.present.Invalidate(key)
		c.missing.Set(key, fresh.stamp)
	case errors.Is(err, ErrUnusable):
		c.origin.unusable(err)
		return fresh, err
	default:
		c.origin.failed(err)
		return fresh, err
	}
	c.origin.succeeded()
	return fresh, err
}

func (c *cache[V]) stats() Stats {
	return Stats{Entries: c.present.EstimatedSize() + c.missing.EstimatedSize(), Hits: c.hits.Load(), Misses: c.misses.Load()}
}
