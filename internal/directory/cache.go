package directory

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// cached is an answer with the time and generation at which it was fetched.
type cached[V any] struct {
	value V
	found bool
	stamp
}

func (c cached[V]) answer() (V, error) {
	if !c.found {
		return c.value, ErrNotFound
	}
	return c.value, nil
}

// stamp is when an answer was fetched.
type stamp struct {
	generation int64
	at         time.Duration // since the cache was made: a third of a time.Time
}

// cache keeps answers of one kind from one upstream. An expired answer is fetched
// again at its next use, and still served if that fails.
//
// "Not found" is cached like any other answer, in the same place and for the same
// time, so that response times don't reveal which accounts exist. Clients choose the
// names that don't exist; otter's eviction protects frequent entries from floods of
// those that are requested once.
type cache[V any] struct {
	upstream *upstream
	// missing is the lifetime of "not found" where existence is no secret; 0 for
	// the lifetime of other answers.
	missing time.Duration
	// held delays new answers to the next step; see upstream.hold.
	held bool
	// began is the origin of stamps. Differences of times use the monotonic clock, so
	// that setting the wall clock ages no answer.
	began        time.Time
	answers      *otter.Cache[string, cached[V]]
	flights      flights[cached[V]]
	hits, misses atomic.Int64
}

func newCache[V any](u *upstream, size int) *cache[V] {
	return &cache[V]{
		upstream: u,
		began:    u.now(),
		answers:  otter.Must(&otter.Options[string, cached[V]]{MaximumSize: size, Executor: runInline}),
	}
}

// runInline runs the cache's maintenance in the calling goroutine: the work is smaller
// than waking another one.
func runInline(chore func()) { chore() }

// get returns the cached answer for key, or calls load if there is no fresh one.
func (c *cache[V]) get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	kept, ok := c.answers.GetIfPresent(key)
	now := c.upstream.now()
	if ok && c.isFresh(&kept, now) {
		c.hits.Add(1)
		if c.aging(&kept, now) {
			_, _ = c.begin(ctx, key, load, false) // for the next request
		}
		return kept.answer()
	}
	c.misses.Add(1)
	ok = ok && c.staleOK(kept.stamp, now)
	patience := time.Duration(0)
	if ok {
		patience = c.upstream.patience()
	}
	running, err := c.begin(ctx, key, load, !ok)
	if err == nil {
		var fresh cached[V]
		if fresh, err = running.wait(ctx, patience); err == nil || errors.Is(err, ErrNotFound) {
			return fresh.value, err
		}
		if errors.Is(err, errImpatient) {
			c.upstream.slow.Store(true)
		}
	}
	if ok && ctx.Err() == nil {
		c.upstream.servedOld.Add(1)
		return kept.answer()
	}
	var none V
	return none, err
}

// fresh returns a cached answer if [cache.get] would return it without a load. Nearly
// every request takes this path, and allocates no closure for the load.
func (c *cache[V]) fresh(key string) (value V, ok bool, err error) {
	kept, found := c.answers.GetIfPresent(key)
	if !found {
		return value, false, nil
	}
	if now := c.upstream.now(); !c.isFresh(&kept, now) || c.aging(&kept, now) {
		return value, false, nil
	}
	c.hits.Add(1)
	value, err = kept.answer()
	return value, true, err
}

// age is the time since an answer was fetched.
func (c *cache[V]) age(s stamp, now time.Time) time.Duration { return now.Sub(c.began) - s.at }

// isFresh reports whether an answer may be served without asking the upstream.
func (c *cache[V]) isFresh(kept *cached[V], now time.Time) bool {
	u := c.upstream
	if u.lifetimes.fresh == 0 {
		served := !u.down.Load() || now.Sub(u.lastSuccess()) < u.lifetimes.stale
		return kept.generation == u.generation.Load() && served
	}
	age := c.age(kept.stamp, now)
	return 0 <= age && age < c.lasts(kept) // a stamp in the future says nothing about the age
}

func (c *cache[V]) lasts(kept *cached[V]) time.Duration {
	if !kept.found && c.missing > 0 {
		return c.missing
	}
	return c.upstream.lifetimes.fresh
}

// aging reports whether an answer is close enough to its expiry to be refreshed in the
// background.
func (c *cache[V]) aging(kept *cached[V], now time.Time) bool {
	return c.upstream.lifetimes.fresh > 0 && c.age(kept.stamp, now) > c.lasts(kept)*4/5
}

// staleOK reports whether an expired answer may be served if there is no fresh one.
func (c *cache[V]) staleOK(s stamp, now time.Time) bool {
	age := c.age(s, now)
	if c.upstream.lifetimes.fresh == 0 {
		age = now.Sub(c.upstream.lastSuccess())
	}
	return age < c.upstream.lifetimes.stale
}

// begin joins the load of a key, or starts one: in the calling goroutine (inline) if the
// caller only waits for it, which spares a goroutine whose stack has to grow. A load
// outlives the request that started it, as others may wait for it.
func (c *cache[V]) begin(
	ctx context.Context, key string, load func(context.Context) (V, error), inline bool,
) (*flight[cached[V]], error) {
	running, begun, err := c.flights.begin(key, c.upstream.enter)
	if !begun {
		return running, err
	}
	run := func() {
		c.flights.run(key, running, func() (cached[V], error) {
			defer c.upstream.leave()
			return c.load(context.WithoutCancel(ctx), key, load)
		})
	}
	if inline {
		run()
	} else {
		go run()
	}
	return running, nil
}

// load asks the upstream. The generation is read first, so that an answer that a
// change overtakes counts as old and is fetched again.
func (c *cache[V]) load(ctx context.Context, key string, load func(context.Context) (V, error)) (cached[V], error) {
	ctx, cancel := context.WithTimeout(ctx, c.upstream.lifetimes.timeout)
	defer cancel()
	asked := c.upstream.now()
	fresh := cached[V]{stamp: stamp{c.upstream.generation.Load(), asked.Sub(c.began)}}
	value, err := load(ctx)
	switch {
	case err == nil:
		fresh.value, fresh.found = value, true
	case errors.Is(err, ErrNotFound):
		c.upstream.discarded(err)
	case errors.Is(err, ErrUnusable):
		c.upstream.complain(err)
		return fresh, err
	default:
		c.upstream.failed(err)
		return fresh, err
	}
	if c.held {
		c.upstream.hold(asked) // before another request can find it in the cache
	}
	c.answers.Set(strings.Clone(key), fresh) // the key may be a substring of a long request
	c.upstream.succeeded()
	return fresh, err
}

func (c *cache[V]) stats() Stats {
	return Stats{Entries: c.answers.EstimatedSize(), Hits: c.hits.Load(), Misses: c.misses.Load()}
}
