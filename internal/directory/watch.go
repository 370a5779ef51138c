package directory

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Intervals of the questions that no request triggers.
const (
	pollEvery = 250 * time.Millisecond
	// pollHearing applies while the database notifies of changes: its connection may be
	// dead without a sign, and a change must still be served within a second.
	pollHearing = 500 * time.Millisecond
	listenAgain = time.Second
	pingEvery   = 5 * time.Second
	pingDown    = time.Second
)

// Health reports how the last question to our own database went.
func (d *Directory) Health() Health { return d.own.health() }

// Sources reports the health of every source.
func (d *Directory) Sources() []Health {
	var all []Health
	for _, s := range d.sources {
		all = append(all, s.health())
	}
	return all
}

// Stats are counts of the caches since the start.
type Stats struct {
	Entries      int
	Hits, Misses int64
}

func (s *Stats) add(more ...Stats) {
	for _, m := range more {
		s.Entries += m.Entries
		s.Hits += m.Hits
		s.Misses += m.Misses
	}
}

// Stats returns the sum over all caches.
func (d *Directory) Stats() Stats {
	var sum Stats
	sum.add(d.domains.stats(), d.planned.stats(), d.accounts.stats(), d.digests.stats())
	sum.add(d.indexed.stats(), d.uniform.stats(), d.pacc.stats())
	for _, s := range d.sources {
		sum.add(s.accounts.stats(), s.indexed.stats(), s.domains.stats())
	}
	return sum
}

// SourceStats count the questions to our own database or one source since the start.
type SourceStats struct {
	Name          string // "" for our own database
	Asked, Failed int64
	OldOnes       int64 // expired answers that were served because there was no newer one
	Digests       int   // addresses in the digest index
	DigestsFull   bool  // the index doesn't hold all
}

// SourceStats returns the counts of our own database and of every source.
func (d *Directory) SourceStats() []SourceStats {
	stats := func(source *upstream) SourceStats {
		return SourceStats{
			Name:    source.name,
			Asked:   source.asked.Load(),
			Failed:  source.failures.Load(),
			OldOnes: source.servedOld.Load(),
		}
	}
	all := []SourceStats{stats(d.own)}
	for _, source := range d.sources {
		s := stats(source.upstream)
		if index := source.index.Load(); index != nil {
			s.Digests, s.DigestsFull = index.size(), index.full
		}
		all = append(all, s)
	}
	return all
}

// Run polls our own database for changes and pings every source until ctx ends. A change
// made before a poll is served after it.
func (d *Directory) Run(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	var hearing atomic.Bool
	if d.tick == nil {
		group.Go(func() { d.listen(ctx, &hearing) })
	}
	for _, s := range d.sources {
		group.Go(func() { s.watch(ctx) })
		if s.Digests > 0 {
			group.Go(func() { d.keepIndex(ctx, s) })
		}
	}
	d.poll(ctx, &hearing)
	return nil
}

func (d *Directory) poll(ctx context.Context, hearing *atomic.Bool) {
	tick := d.tick
	if tick == nil {
		ticker := time.NewTicker(pollEvery)
		defer ticker.Stop()
		tick = ticker.C
	}
	_ = d.Refresh(ctx) // a failure is in Health
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			if hearing.Load() && time.Since(last) < pollHearing {
				continue
			}
			last = time.Now()
			_ = d.Refresh(ctx)
		}
	}
}

// listen waits for notifications of changes, if the database sends any, and reconnects
// when the connection is lost.
func (d *Directory) listen(ctx context.Context, hearing *atomic.Bool) {
	for {
		err := d.store.Listen(ctx, func() {
			hearing.Store(true)
			_ = d.Refresh(ctx)
		})
		hearing.Store(false)
		if err == nil || !pause(ctx, listenAgain) {
			return
		}
	}
}

// watch pings a source, more often while it is down, so that its return is noticed
// without a request.
func (s *source) watch(ctx context.Context) {
	for {
		s.ping(ctx)
		every := pingEvery
		if s.down.Load() {
			every = pingDown
		}
		if !pause(ctx, every) {
			return
		}
	}
}

// pause waits, and reports whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Refresh polls our own database for changes now.
func (d *Directory) Refresh(ctx context.Context) error {
	begun := d.refresh.begun.Add(1)
	timely, cancel := context.WithTimeout(ctx, d.own.lifetimes.timeout)
	defer cancel()
	generation, err := d.store.Generation(timely)
	if err != nil {
		if ctx.Err() == nil { // otherwise the caller went away
			d.own.failed(err)
		}
		return err
	}
	d.refresh.end(begun, func() {
		// Counted separately: a database that was restored, or a replica that took over
		// without the last changes, may reach the same number with other content.
		if d.refresh.generation != generation {
			d.refresh.generation = generation
			d.own.generation.Add(1)
		}
	})
	d.own.succeeded()
	return nil
}

// refreshes orders concurrent polls: the result of one that began earlier but ends later
// is outdated and is dropped.
type refreshes struct {
	begun atomic.Int64
	mu    sync.Mutex
	last  int64
	// generation is the database's last one.
	generation int64
}

func (r *refreshes) end(begun int64, store func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if begun > r.last {
		r.last = begun
		store()
	}
}
