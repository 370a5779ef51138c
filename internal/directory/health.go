package directory

import "time"

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

// failingFor is how long a question that failed counts for more than that the source
// can be reached.
const failingFor = time.Minute

// health is whether questions have answers.
type health struct {
	ready       bool      // one had
	err         error     // why the last one hadn't; nil if it had
	since       time.Time // when err began
	lastSuccess time.Time
	// unanswered is when a question last failed, if it could be reached since.
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

// failing tells whether a question has failed lately, though the source can be reached.
func (h *health) failing(now time.Time) bool {
	return !h.unanswered.IsZero() && now.Sub(h.unanswered) < failingFor
}
