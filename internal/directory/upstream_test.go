package directory

import (
	"errors"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestABreakerTripsAndTriesAgain(t *testing.T) {
	t.Parallel()
	var b breaker
	now := noon
	for range tripAfter - 1 {
		b.failed(now)
		if !b.allows(now) {
			t.Fatalf("tripped after %d failures", b.failures)
		}
	}
	b.failed(now)
	for _, rest := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		b.failed(now) // one of the crowd, which makes the rest no longer
		if b.allows(now.Add(rest - 1)) {
			t.Errorf("asked within %s", rest)
		}
		now = now.Add(rest)
		if !b.allows(now) || b.allows(now) {
			t.Errorf("not exactly one question after %s", rest)
		}
		b.failed(now)
	}
	b.retryNow(now)
	if !b.allows(now) || b.allows(now) {
		t.Error("not exactly one question once it can be reached")
	}
	b.reset()
	b.retryNow(now)
	if b != (breaker{}) || !b.allows(now) || !b.allows(now) {
		t.Errorf("%+v after an answer", b)
	}
}

func TestHealthKnowsSinceWhen(t *testing.T) {
	t.Parallel()
	var h health
	first, second := errors.New("first"), errors.New("second")
	h.failed(first, noon)
	h.failed(second, noon.Add(time.Second))
	if h.err != second || !h.since.Equal(noon) || h.ready || !h.lastSuccess.IsZero() { //nolint:errorlint // that very one
		t.Errorf("%+v", h)
	}
	if !h.failing(noon.Add(failingFor)) || h.failing(noon.Add(time.Second+failingFor)) {
		t.Error("a failure counts for another time than a minute")
	}
	h.succeeded(noon.Add(2 * time.Second))
	if h.err != nil || !h.ready || h.failing(noon.Add(2*time.Second)) || !h.lastSuccess.Equal(noon.Add(2*time.Second)) {
		t.Errorf("%+v", h)
	}
	h.failed(first, noon.Add(time.Hour))
	if !h.since.Equal(noon.Add(time.Hour)) || !h.ready {
		t.Errorf("%+v", h)
	}
}

func TestAnOutageIsSaidOnceInAWhile(t *testing.T) {
	t.Parallel()
	var l outageLog
	for _, c := range []struct {
		after  time.Duration
		begins bool // or ends
		said   bool
	}{
		{0, true, true},
		{time.Second, true, false}, // it goes on
		{2 * time.Second, false, true},
		{3 * time.Second, true, false},  // the next one, too soon
		{4 * time.Second, false, false}, // of which nothing was said
		{logEvery, true, true},
		{3 * logEvery, true, false}, // it goes on for long
		{3*logEvery + 1, false, true},
		{3*logEvery + 2, false, false},
	} {
		said := l.ends
		if c.begins {
			said = func() bool { return l.begins(noon.Add(c.after)) }
		}
		if got := said(); got != c.said {
			t.Errorf("after %s: %v", c.after, got)
		}
	}
}
