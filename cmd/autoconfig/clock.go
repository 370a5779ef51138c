package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"autoconfig/internal/operator"
	"autoconfig/internal/staff"
)

// The bounds of a clock.
const (
	// jumpLeast is what a clock must be set by to be spoken of.
	jumpLeast = 10 * time.Minute
	// believedAfter is how long nothing is removed because of a clock that was set: long
	// enough for somebody to see it.
	believedAfter = 24 * time.Hour
)

// clock holds the wall clock against the steady one, which nobody can set.
type clock struct {
	read func() (wall time.Time, steady time.Duration)

	mu      sync.Mutex
	wall    time.Time // at the time steady, when it was believed
	steady  time.Duration
	set     bool // it was set since then, and that was seen at the time seen
	seen    time.Duration
	started bool
}

func newClock() *clock {
	began := time.Now()
	return &clock{read: func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(began) // Round takes the steady reading away
	}}
}

// jump is by how much the wall clock was set, 0 if it wasn't or is believed again.
func (c *clock) jump() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, steady := c.read()
	if !c.started {
		c.started, c.wall, c.steady = true, wall, steady
	}
	by := wall.Sub(c.wall) - (steady - c.steady)
	switch {
	case by.Abs() < jumpLeast:
		c.set = false
		return 0
	case !c.set:
		c.set, c.seen = true, steady
	case steady-c.seen >= believedAfter:
		c.set, c.wall, c.steady = false, wall, steady
		return 0
	}
	return by
}

// entries are the latest of the audit log.
type entries interface {
	Entries(ctx context.Context, f staff.EntryFilter) ([]staff.Entry, error)
}

// judgeClock says what is wrong with the clock: that it was set while we looked, and
// that it is before what has happened already.
func judgeClock(ctx context.Context, c *clock, built time.Time, log entries) (all []operator.Problem) {
	now, _ := c.read()
	const remedy = "see that the time is synchronised (timedatectl); certificates, links and sessions are judged by it"
	add := func(code operator.ProblemCode, severity operator.Severity, format string, args ...any) {
		all = append(all, operator.Problem{Code: code, Severity: severity, Where: "clock", What: fmt.Sprintf(format, args...), Remedy: remedy})
	}
	if by := c.jump(); by != 0 {
		way := "ahead"
		if by < 0 {
			way = "back"
		}
		add(operator.ClockJumped, operator.Warning, "this machine's clock was set %s by %s, or it was suspended; for a day, nothing that is kept for a time is removed", way, by.Abs().Round(time.Minute))
	}
	if now.Before(built) {
		add(operator.ClockWrong, operator.Error, "this machine's clock says %s, when this program wasn't made yet", now.UTC().Format("2006-01-02 15:04 UTC"))
		return all
	}
	latest, err := log.Entries(ctx, staff.EntryFilter{Limit: 1})
	if err == nil && len(latest) == 1 && latest[0].At.After(now.Add(jumpLeast)) {
		add(operator.ClockWrong, operator.Error, "this machine's clock says %s, and the audit log has an entry of %s: one of them was written by a wrong clock",
			now.UTC().Format("2006-01-02 15:04 UTC"), latest[0].At.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return all
}

// builtAt is when the program's source was last changed; the zero time if nobody
// knows.
func builtAt() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			at, _ := time.Parse(time.RFC3339, s.Value) // else the zero time
			return at
		}
	}
	return time.Time{}
}
