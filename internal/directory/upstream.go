package directory

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// lifetimes are how long answers last. If fresh is 0, an answer is fresh until the
// generation changes.
type lifetimes struct {
	fresh time.Duration
	// stale is how long an older answer is served if no newer one can be had. It counts
	// from when the answer was fetched or, if fresh is 0, from when the upstream last
	// answered.
	stale time.Duration
	// patience is how long a request that has an older answer waits for a newer one.
	patience time.Duration
	// timeout bounds one look-up, which outlives the request that began it: others may
	// wait for the same answer.
	timeout time.Duration
}

// maxFlights bounds the questions in flight to one upstream.
const maxFlights = 256

var errBusy = fmt.Errorf("%d look-ups are waiting for it already", maxFlights)

// upstream is our own database or a source. It counts the questions to it, and keeps its
// [health], its [breaker] and what is logged about it.
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
	down      atomic.Bool // state.err != nil, without the lock
	// slow is set when a request has waited in vain, until the next answer.
	slow atomic.Bool

	mu         sync.Mutex
	state      health
	breaker    breaker
	outage     outageLog
	complaints damper
	discards   damper
}

// health returns a snapshot for [Directory.Health].
func (u *upstream) health() Health {
	u.mu.Lock()
	defer u.mu.Unlock()
	return Health{Name: u.name, Ready: u.state.ready, Err: u.state.err, Since: u.state.since}
}

// enter admits a question, or says why not. leave must follow it.
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

// failed records a question that wasn't answered.
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

// succeeded records a question that was answered.
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

// reached records a successful ping. If a question failed lately, the upstream counts as
// up only when the next question, which is let through at once, is answered. If nobody
// asks any more, it counts as up after failingFor.
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

// unreachable records a failed ping, which may also explain earlier failures.
func (u *upstream) unreachable(err error) {
	u.failed(err)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.state.unanswered = time.Time{}
}

// complain logs that an answer can't be served, at most once per logEvery, as anybody can
// ask for it as often as they like.
func (u *upstream) complain(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.complaints.allows(u.now()) {
		u.logger.Error("what a source says can't be served", "source", u.label(), "error", err)
	}
}

// discarded logs, at most once per logEvery, that a source has a record that was meant to
// be an account and isn't. The log doesn't name it: an address is personal data.
func (u *upstream) discarded(err error) {
	var d Discarded
	if !errors.As(err, &d) || !d.Fault {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.discards.allows(u.now()) {
		u.logger.Warn("a source has an account that can't be used, and so isn't known; ask for it: "+
			"autoconfig source check "+u.label()+" --address ADDRESS", "source", u.label(), "reason", d.Why)
	}
}

// label is the name that people know.
func (u *upstream) label() string {
	if u.name == "" {
		return "database"
	}
	return u.name
}

// lastSuccess is when the upstream last answered.
func (u *upstream) lastSuccess() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state.lastSuccess
}
