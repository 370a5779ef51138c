package directory

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// lifetimes are how long answers are good. Zero fresh means as long as the generation
// stays.
type lifetimes struct {
	fresh time.Duration
	// stale is how long an older answer serves on while there is no newer one, from
	// when it was got or, for one that the generation keeps, from when the source
	// could last be asked.
	stale time.Duration
	// patience is how long a request waits for a newer answer where it has an older
	// one that will do.
	patience time.Duration
	// timeout bounds one look-up. It doesn't end with the request that began it:
	// others may wait for the same answer.
	timeout time.Duration
}

// maxFlights bounds the questions that are on their way to one upstream.
const maxFlights = 256

var errBusy = fmt.Errorf("%d look-ups are waiting for it already", maxFlights)

// upstream is one place that answers come from: our own database or a source. It
// counts the questions, and puts together what they tell: [health], [breaker] and what
// the log says of it.
type upstream struct {
	name       string // "" for our own database
	lifetimes  lifetimes
	now        func() time.Time
	sleep      func(time.Duration) // time.Sleep if nil
	logger     *slog.Logger
	generation atomic.Int64

	inFlight  atomic.Int64
	asked     atomic.Int64
	failures  atomic.Int64
	servedOld atomic.Int64
	down      atomic.Bool // health.err != nil, without the lock
	// slow says that a request has waited for an answer in vain, and that there was
	// none since.
	slow atomic.Bool

	mu         sync.Mutex
	state      health
	breaker    breaker
	outage     outageLog
	complaints damper
	discards   damper
}

// health is that of [Directory.Health].
func (u *upstream) health() Health {
	u.mu.Lock()
	defer u.mu.Unlock()
	return Health{Name: u.name, Ready: u.state.ready, Err: u.state.err, Since: u.state.since}
}

// enter tells whether a question may be asked now; leave must follow it.
func (u *upstream) enter() error {
	if u.down.Load() {
		if err := u.tripped(); err != nil {
			return err
		}
	}
	if u.inFlight.Add(1) > maxFlights {
		u.inFlight.Add(-1)
		return errBusy
	}
	u.asked.Add(1)
	return nil
}

func (u *upstream) leave() { u.inFlight.Add(-1) }

func (u *upstream) tripped() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.breaker.allows(u.now()) {
		return fmt.Errorf("%w: %w", errTripped, u.state.err)
	}
	return nil
}

// failed notes a question that had no answer.
func (u *upstream) failed(err error) {
	u.failures.Add(1)
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.now()
	if u.outage.begins(now) {
		u.logger.Error("a source can't be asked; the last good answers serve on", "source", u.label(), "error", err)
	}
	u.state.failed(err, now)
	u.breaker.failed(now)
	u.down.Store(true)
}

// succeeded notes a question that had one.
func (u *upstream) succeeded() {
	u.slow.Store(false)
	u.mu.Lock()
	defer u.mu.Unlock()
	now := u.now()
	if u.outage.ends() {
		u.logger.Info("a source can be asked again", "source", u.label(), "after", now.Sub(u.state.since))
	}
	u.state.succeeded(now)
	u.breaker.reset()
	u.down.Store(false)
}

// reached notes that it answers when it is asked whether it is there. That doesn't
// mend a question that failed: it is up when one has an answer, and the next one is
// let through. Where nobody asks any more, it is up after a while.
func (u *upstream) reached() {
	u.mu.Lock()
	now := u.now()
	failing := u.state.failing(now)
	if failing {
		u.breaker.retryNow(now)
	}
	u.mu.Unlock()
	if !failing {
		u.succeeded()
	}
}

// unreachable notes that it doesn't even answer that. What has failed before may
// have had the same reason.
func (u *upstream) unreachable(err error) {
	u.failed(err)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.state.unanswered = time.Time{}
}

// complain says that an answer can't be served, once in a while: strangers can ask for
// it as often as they like.
func (u *upstream) complain(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.complaints.allows(u.now()) {
		u.logger.Error("what a source says can't be served", "source", u.label(), "error", err)
	}
}

// discarded says that a source has accounts that were meant to count and don't, once
// in a while. Whose they are stands in no log.
func (u *upstream) discarded(err error) {
	var d Discarded
	if !errors.As(err, &d) || !d.Fault {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.discards.allows(u.now()) {
		u.logger.Warn("a source has an account that can't be used, and so isn't known; ask for it: autoconfig source check "+u.label()+" --address ADDRESS",
			"source", u.label(), "reason", d.Why)
	}
}

// label is the name as people know it.
func (u *upstream) label() string {
	if u.name == "" {
		return "database"
	}
	return u.name
}

// lastSuccess is when it could last be asked.
func (u *upstream) lastSuccess() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state.lastSuccess
}
