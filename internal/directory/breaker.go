package directory

import (
	"errors"
	"time"
)

const (
	// tripAfter is the number of consecutive failures after which the source is left
	// alone for a while: each failure costs a request the timeout.
	tripAfter = 5
	// After each rest one question is let through; rests double up to maxRest.
	minRest = time.Second
	maxRest = 5 * time.Second
)

// errTripped means that the breaker is open.
var errTripped = errors.New("it has failed several times in a row, and is asked again shortly")

// breaker is a circuit breaker: it spares a failing source the questions, and people
// the timeouts. The zero value is closed and lets all questions through.
type breaker struct {
	failures int // in a row
	// retryAt is when the next question is let through; zero while closed.
	retryAt time.Time
	rest    time.Duration
	probing bool // a question was let through and has no outcome yet
}

// allows reports whether a question may be asked. An open breaker lets one through
// at the end of each rest.
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

// failed counts a failure and opens the breaker at the tripAfter-th. Only the failure
// of the question that was let through lengthens the rest: those that were already in
// flight fail together and add no information.
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

// retryNow ends the rest of an open breaker.
func (b *breaker) retryNow(now time.Time) {
	if !b.retryAt.IsZero() {
		b.retryAt = now
	}
}

func (b *breaker) reset() { *b = breaker{} }
