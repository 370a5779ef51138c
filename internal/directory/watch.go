package directory

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// How often things are asked without a request.
const (
	pollEvery = 250 * time.Millisecond
	// pollHearing is how often our own database is asked for changes where it tells
	// of them: the connection may be dead without anybody knowing, and what was
	// changed must be served within a second even so.
	pollHearing = 500 * time.Millisecond
	listenAgain = time.Second
	pingEvery   = 5 * time.Second
	pingDown    = time.Second
)

// Health tells how the last question to our own database went.
func (d *Directory) Health() Health { return d.own.health() }

// Sources tells the same of every source.
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

// Stats adds up all that is cached.
func (d *Directory) Stats() Stats {
	var sum Stats
	sum.add(d.domains.stats(), d.planned.stats(), d.accounts.stats(), d.digests.stats(), d.indexed.stats(), d.uniform.stats(), d.pacc.stats())
	for _, s := range d.sources {
		sum.add(s.accounts.stats(), s.indexed.stats(), s.domains.stats())
	}
	return sum
}

// SourceStats count what was asked of one source, and how it went.
type SourceStats struct {
	Name                   string // "" for our own database
	Asked, Failed, OldOnes int64  // OldOnes: answers that were served though a newer one couldn't be had
	Digests                int    // addresses in the index of digests
	DigestsFull            bool   // the index doesn't hold all
}

// SourceStats are those of our own database and of every source.
func (d *Directory) SourceStats() []SourceStats {
	stats := func(source *upstream) SourceStats {
		return SourceStats{Name: source.name, Asked: source.asked.Load(), Failed: source.failures.Load(), OldOnes: source.servedOld.Load()}
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

// Run asks our own database for changes, and every source whether it is there,
// until ctx ends. What was changed before a question is served after it.
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

// listen lets our own database tell of changes, where it can, and begins again
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

// watch asks a source now and then whether it is there, and more often while it
// isn't: it comes back without anybody's doing.
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

// pause waits, and tells whether ctx goes on.
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

// Refresh asks our own database for changes now.
func (d *Directory) Refresh(ctx context.Context) error {
	begun := d.refresh.begun.Add(1)
	timely, cancel := context.WithTimeout(ctx, d.own.lifetimes.timeout)
	defer cancel()
	generation, err := d.store.Generation(timely)
	if err != nil {
		if ctx.Err() == nil { // else whoever asked went away: nobody's fault
			d.own.failed(err)
		}
		return err
	}
	d.refresh.end(begun, func() {
		// Counted anew here: a database that was restored, or whose replica has taken
		// over and lost its last changes, comes to the same numbers again with others.
		if d.refresh.generation != generation {
			d.refresh.generation = generation
			d.own.generation.Add(1)
		}
	})
	d.own.succeeded()
	return nil
}

// refreshes keep questions for changes apart that run at the same time: what was
// asked for earlier and comes later is old, and must not take back what is known.
type refreshes struct {
	begun atomic.Int64
	mu    sync.Mutex
	last  int64
	// generation is what the database last said.
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
