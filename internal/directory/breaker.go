package directory

import (
	"errors"
	"time"
)

const (
	// tripAfter is how many failures in a row end the questions for a while: each
	// costs somebody the time-out.
	tripAfter = 5
	// The first rest and the longest one, after each of which one question is tried.
	minRest = time.Second
	maxRest = 5 * time.Second
)

// errTripped means that it isn't asked for the moment.
var errTripped = errors.New("it has failed several times in a row, and is asked again shortly")

// breaker spares a source that fails its questions, and people the wait for them. The
// zero value is closed: it lets all questions through.
type breaker struct {
	failures int // in a row
	// retryAt is when the next question is let through; zero while all are.
	retryAt time.Time
	rest    time.Duration
	probing bool // one was let through, and has no outcome yet
}

// allows tells whether a question may be asked: of a breaker that has tripped, one
// each time that its rest is over.
func (b *breaker) allows(now time.Time) bool {
	switch {
	case b.retryAt.IsZero():
		return true
	case now.Before(b.retryAt):
		return false
	}
	b.retryAt = now.Add(b.rest)
	b.probing = true
	return true
}

// failed trips after some failures in a row. Only the question that was let through
// makes the rest longer: a crowd whose questions were on their way fails at once, and
// says nothing new.
func (b *breaker) failed(now time.Time) {
	b.failures++
	switch {
	case b.failures < tripAfter:
		return
	case b.retryAt.IsZero():
		b.rest = minRest
	case b.probing:
		b.probing = false
		b.rest = min(2*b.rest, maxRest)
	default:
		return
	}
	b.retryAt = now.Add(b.rest)
}

// retryNow lets the next question through, if it has tripped.
func (b *breaker) retryNow(now time.Time) {
	if !b.retryAt.IsZero() {
		b.retryAt = now
	}
}

func (b *breaker) reset() { *b = breaker{} }
