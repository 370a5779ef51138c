package directory

import "time"

// Health reports whether a source answers.
type Health struct {
	// Name is "" for our own database.
	Name string
	// Ready is set once a source has answered.
	Ready bool
	// Err is why the source hasn't answered since Since; nil if it does.
	Err   error
	Since time.Time
}

// failingFor is how long a failed question outweighs a successful ping.
const failingFor = time.Minute

// health records how the last questions went.
type health struct {
	ready       bool      // a question was answered
	err         error     // of the last question; nil if it was answered
	since       time.Time // when err began
	lastSuccess time.Time
	// unanswered is when a question last failed; zero if the source was unreachable since.
	unanswered time.Time
}

func (h *health) failed(err error, now time.Time) {
	if h.err == nil {
		h.since = now
	}
	h.err = err
	h.unanswered = now
}

func (h *health) succeeded(now time.Time) {
	*h = health{ready: true, since: h.since, lastSuccess: now}
}

// failing reports whether a question has failed lately although the source is reachable.
func (h *health) failing(now time.Time) bool {
	return !h.unanswered.IsZero() && now.Sub(h.unanswered) < failingFor
}
