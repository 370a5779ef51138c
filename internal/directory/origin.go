package directory

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// life is how long answers are good. Zero fresh means as long as the generation
// stays.
type life struct {
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

// The breaker.
const (
	// tripAfter is how many failures in a row end the questions for a while: each
	// costs somebody the time-out.
	tripAfter             = 5
	retryLeast, retryMost = time.Second, 5 * time.Second
	// flightsMost bounds the questions that are on their way to one source.
	flightsMost = 256
	// unansweredFor is how long a question that failed counts for more than that the
	// source can be reached.
	unansweredFor = time.Minute
	// tellAgain is how often the log says that a source can't be asked: one that fails
	// some questions and answers others would fill it.
	tellAgain = time.Minute
)

var errBusy = fmt.Errorf("%d look-ups are waiting for it already", flightsMost)

// errTripped means that it isn't asked for the moment.
var errTripped = errors.New("it has failed several times in a row, and is asked again shortly")

// origin is one place that answers come from, and how it fares.
type origin struct {
	name       string
	life       life
	now        func() time.Time
	sleep      func(time.Duration) // time.Sleep if nil
	logger     *slog.Logger
	generation atomic.Int64
	ready      atomic.Bool // it could be asked at least once
	inFlight   atomic.Int64
	asked      atomic.Int64
	failures   atomic.Int64
	servedOld  atomic.Int64

	down atomic.Bool // err != nil, without the lock
	// slow says that a request has waited for an answer in vain, and that there was
	// none since.
	slow atomic.Bool
	mu   sync.Mutex
	err  error
	// since is when it began to fail, good when it could last be asked.
	since, good time.Time
	inARow      int
	retryAt     time.Time // zero while it isn't tripped
	retry       time.Duration
	probing     bool      // a question was let through to find out whether it is there
	complained  time.Time // when it was last said that an answer can't be used
	// unanswered is when a question last failed, if it could be reached since.
	unanswered time.Time
	// told says that the log knows that it can't be asked, toldAt since when it last
	// has.
	told   bool
	toldAt time.Time
}

// Health is whether a source can be asked.
type Health struct {
	// Name is "" for our own database.
	Name string
	// Ready says that it could be asked at least once.
	Ready bool
	// Err is why it can't be asked now, since Since; nil if it can.
	Err   error
	Since time.Time
}

func (o *origin) health() Health {
	o.mu.Lock()
	defer o.mu.Unlock()
	return Health{Name: o.name, Ready: o.ready.Load(), Err: o.err, Since: o.since}
}

// enter tells whether a question may be asked now; leave must follow it.
func (o *origin) enter() error {
	if o.down.Load() {
		if err := o.tripped(); err != nil {
			return err
		}
	}
	if o.inFlight.Add(1) > flightsMost {
		o.inFlight.Add(-1)
		return errBusy
	}
	o.asked.Add(1)
	return nil
}

func (o *origin) leave() { o.inFlight.Add(-1) }

// tripped lets one question through each time that its rest is over.
func (o *origin) tripped() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if o.retryAt.IsZero() {
		return nil
	}
	if now.Before(o.retryAt) {
		return fmt.Errorf("%w: %w", errTripped, o.err)
	}
	o.retryAt, o.probing = now.Add(o.retry), true
	return nil
}

func (o *origin) failed(err error) {
	o.failures.Add(1)
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if o.err == nil {
		o.since = now
	}
	if !o.told && (o.toldAt.IsZero() || now.Sub(o.toldAt) >= tellAgain) {
		o.told, o.toldAt = true, now
		o.logger.Error("a source can't be asked; the last good answers serve on", "source", o.shown(), "error", err)
	}
	o.err, o.unanswered = err, now
	o.down.Store(true)
	switch o.inARow++; {
	case o.inARow < tripAfter:
	case o.retryAt.IsZero():
		o.retry, o.retryAt = retryLeast, now.Add(retryLeast)
	case o.probing:
		// Only the question that was let through makes the rest longer: a crowd whose
		// questions were on their way fails at once, and says nothing new.
		o.probing = false
		o.retry = min(2*o.retry, retryMost)
		o.retryAt = now.Add(o.retry)
	}
}

func (o *origin) succeeded() {
	o.ready.Store(true)
	o.slow.Store(false)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.good = o.now()
	if o.told {
		o.told = false
		o.logger.Info("a source can be asked again", "source", o.shown(), "after", o.good.Sub(o.since))
	}
	o.err, o.inARow, o.retry, o.retryAt, o.probing, o.unanswered = nil, 0, 0, time.Time{}, false, time.Time{}
	o.down.Store(false)
}

// reached notes that it answers when it is asked whether it is there. That doesn't
// mend a question that failed: it is up when one has an answer, and the next one is
// let through. Where nobody asks any more, it is up after a while.
func (o *origin) reached() {
	o.mu.Lock()
	now := o.now()
	failing := !o.unanswered.IsZero() && now.Sub(o.unanswered) < unansweredFor
	if failing && !o.retryAt.IsZero() {
		o.retryAt = now
	}
	o.mu.Unlock()
	if !failing {
		o.succeeded()
	}
}

// unreachable notes that it doesn't even answer that. What has failed before may
// have had the same reason.
func (o *origin) unreachable(err error) {
	o.failed(err)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unanswered = time.Time{}
}

// unusable says that what it answered can't be served, once a minute: strangers
// can ask for it as often as they like.
func (o *origin) unusable(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := o.now(); o.complained.IsZero() || now.Sub(o.complained) >= time.Minute {
		o.complained = now
		o.logger.Error("what a source says can't be served", "source", o.shown(), "error", err)
	}
}

// shown is the name as people know it.
func (o *origin) shown() string {
	if o.name == "" {
		return "database"
	}
	return o.name
}

// hurried is how long a request waits for a newer answer where the last one to do so
// has waited in vain: more than the first step, before which there is none.
const hurried = 3 * firstStep

// patience is how long a request waits where it has an older answer. It may have
// to ask several times, and others come: only the first wait is the whole one.
func (o *origin) patience() time.Duration {
	if o.slow.Load() {
		return min(hurried, o.life.patience)
	}
	return o.life.patience
}

// firstStep is when the answer of a source is let go at the earliest, counted from
// the question. The next steps are each twice as far.
const firstStep = 10 * time.Millisecond

// hold keeps an answer back until the next step after the question. A source takes
// its own time for what it knows and for what it doesn't; of that, only the step can
// be seen. Steps that grow leave few borders between them, where a small difference
// would fall on both sides.
func (o *origin) hold(asked time.Time) {
	took := o.now().Sub(asked)
	step := firstStep
	for step < took {
		step *= 2
	}
	sleep := o.sleep
	if sleep == nil {
		sleep = time.Sleep
	}
	sleep(step - max(took, 0))
}

// lastGood is when it could last be asked.
func (o *origin) lastGood() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.good
}
