package directory

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// state is what is known of the source.
type state struct {
	generation atomic.Int64
	ready      atomic.Bool // it could be asked at least once

	mu    sync.Mutex
	err   error
	since time.Time
}

// Health is whether the source can be asked.
type Health struct {
	// Ready says that it could be asked at least once.
	Ready bool
	// Err is why it can't be asked now, since Since; nil if it can.
	Err   error
	Since time.Time
}

// Health tells how the last question to the source went.
func (d *Directory) Health() Health {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	return Health{Ready: d.state.ready.Load(), Err: d.state.err, Since: d.state.since}
}

// Stats are counts of the cache since the start.
type Stats struct {
	Entries      int
	Hits, Misses int64
}

// Stats adds up all that is cached.
func (d *Directory) Stats() Stats {
	var sum Stats
	for _, s := range []Stats{d.domains.stats(), d.accounts.stats(), d.digests.stats(), d.uniform.stats(), d.pacc.stats()} {
		sum.Entries += s.Entries
		sum.Hits += s.Hits
		sum.Misses += s.Misses
	}
	return sum
}

// Run asks the source for changes until ctx ends. What was changed before a
// question is served after it.
func (d *Directory) Run(ctx context.Context) error {
	tick := d.tick
	if tick == nil {
		ticker := time.NewTicker(pollEvery)
		defer ticker.Stop()
		tick = ticker.C
	}
	_ = d.Refresh(ctx) // a failure is in Health
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
			_ = d.Refresh(ctx)
		}
	}
}

// Refresh asks the source for changes now.
func (d *Directory) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	generation, err := d.source.Generation(ctx)
	if err != nil {
		if ctx.Err() == nil || d.Health().Ready {
			d.failed(err)
		}
		return err
	}
	d.state.generation.Store(generation)
	d.succeeded()
	return nil
}

func (d *Directory) failed(err error) {
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	if d.state.err == nil {
		d.state.since = d.now()
		d.logger.Error("the directory's source can't be asked; the last good answers serve on", "error", err)
	}
	d.state.err = err
}

func (d *Directory) succeeded() {
	d.state.ready.Store(true)
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	if d.state.err != nil {
		d.logger.Info("the directory's source can be asked again", "after", d.now().Sub(d.state.since))
		d.state.err = nil
	}
}
