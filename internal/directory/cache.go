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
	found bool
	stamp
}

func (c cached[V]) answer() (V, error) {
	if !c.found {
		return c.value, ErrNotFound
	}
	return c.value, nil
}

// stamp is when an answer was got.
type stamp struct {
	generation int64
	at         time.Duration // since the cache was made: a third of a time.Time
}

// cache keeps answers of one kind from one upstream. An answer that is too old is
// asked for again at its next use, and serves on if that fails.
//
// That nothing was found is an answer like any other, of the same kind, in the same
// place and for the same time: whoever measures how long an answer takes would else
// learn what is there. Strangers choose the names that aren't; which answers give way
// is left to otter, which keeps what is asked for often against what is asked for
// once.
type cache[V any] struct {
	upstream *upstream
	// missing is how long it is believed that something isn't there, where what is
	// there is no secret; 0 for as long as anything else.
	missing time.Duration
	// held answers are given at a step only; see hold.
	held bool
	// began is where stamps count from. The difference of two times is the monotonic
	// clock's: a wall clock that is set makes no answer older or newer.
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

// runInline does the cache's own chores where they come up: they are smaller than
// waking somebody else for them.
func runInline(chore func()) { chore() }

// get gives the answer for key, by load if there is none that is good.
func (c *cache[V]) get(ctx context.Context, key string, load func(context.Context) (V, error)) (V, error) {
	kept, ok := c.answers.GetIfPresent(key)
	now := c.upstream.now()
	if ok && c.isFresh(&kept, now) {
		c.hits.Add(1)
		if c.aging(&kept, now) {
			_, _ = c.begin(ctx, key, load, false) // what it brings is for the next one
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

// fresh gives the answer for a key if [cache.get] would give it without a question: the
// way of nearly every request, without a load that has to be made for it.
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

// age is how old an answer is.
func (c *cache[V]) age(s stamp, now time.Time) time.Duration { return now.Sub(c.began) - s.at }

// isFresh tells whether an answer serves without a question.
func (c *cache[V]) isFresh(kept *cached[V], now time.Time) bool {
	u := c.upstream
	if u.lifetimes.fresh == 0 {
		return kept.generation == u.generation.Load() && (!u.down.Load() || now.Sub(u.lastSuccess()) < u.lifetimes.stale)
	}
	age := c.age(kept.stamp, now)
	return 0 <= age && age < c.lasts(kept) // one from the future is old: nobody knows how old
}

func (c *cache[V]) lasts(kept *cached[V]) time.Duration {
	if !kept.found && c.missing > 0 {
		return c.missing
	}
	return c.upstream.lifetimes.fresh
}

// aging tells whether an answer that is asked for is so near its end that a newer
// one is fetched meanwhile.
func (c *cache[V]) aging(kept *cached[V], now time.Time) bool {
	return c.upstream.lifetimes.fresh > 0 && c.age(kept.stamp, now) > c.lasts(kept)*4/5
}

// staleOK tells whether an answer that isn't fresh is better than none.
func (c *cache[V]) staleOK(s stamp, now time.Time) bool {
	age := c.age(s, now)
	if c.upstream.lifetimes.fresh == 0 {
		age = now.Sub(c.upstream.lastSuccess())
	}
	return age < c.upstream.lifetimes.stale
}

// begin joins the load of a key or starts one; inline, if the caller has nothing
// better to do than to wait for it, which spares a goroutine whose stack has to
// grow. The load goes on if the caller's request ends: others may wait for it.
func (c *cache[V]) begin(ctx context.Context, key string, load func(context.Context) (V, error), inline bool) (*flight[cached[V]], error) {
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

// load asks the source. The generation is taken before: what changes meanwhile
// makes the answer an old one at once, and it is asked for again.
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
		c.upstream.hold(asked) // before anybody can find it here
	}
	c.answers.Set(strings.Clone(key), fresh) // it may be a part of a long request
	c.upstream.succeeded()
	return fresh, err
}

func (c *cache[V]) stats() Stats {
	return Stats{Entries: c.answers.EstimatedSize(), Hits: c.hits.Load(), Misses: c.misses.Load()}
}
