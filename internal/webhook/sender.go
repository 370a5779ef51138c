package webhook

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"autoconfig/internal/links"
	"autoconfig/internal/queue"
)

// Sender tells what waits. Each notice is given to one holder at a time. If a process ends in the middle of telling
// one, another tells it again, under the same id: a program may be told twice, but not by two at once.
type Sender struct {
	Store    Store
	Endpoint Endpoint
	// Holder names this process among the replicas.
	Holder string
	// GiveUp is how long a notice is tried: a day if 0.
	GiveUp time.Duration
	// Count hears of what came of each try: the state, or "later"; nil for nobody.
	Count  func(kind links.Kind, outcome string)
	Logger *slog.Logger
	// Now is time.Now, and Tick every second, if nil.
	Now  func() time.Time
	Tick <-chan time.Time

	failures int // of the receiver, in a row
	resume   time.Time
}

const (
	sendEvery = time.Second
	// sendLease is longer than any attempt.
	sendLease = 2 * time.Minute
	// A notice is tried again after ten seconds, which double; so does the rest that the receiver is given
	// after it failed.
	firstPause, longestPause = 10 * time.Second, 2 * time.Hour
	firstRest, longestRest   = 5 * time.Second, 10 * time.Minute
	// longestAsked bounds what Retry-After asks for.
	longestAsked = time.Hour
)

// Run works until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	queue.Work(ctx, s.Tick, sendEvery, s.Once, func(err error) {
		s.Logger.Error("the links' webhook can't be told", "error", err)
	})
	return nil
}

// Once tells what is due now.
func (s *Sender) Once(ctx context.Context) error {
	for ctx.Err() == nil && !s.now().Before(s.resume) {
		d, found, err := s.Store.ClaimNotice(ctx, s.Holder, s.now(), s.now().Add(sendLease))
		if err != nil || !found {
			return err
		}
		if err := s.tell(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sender) tell(run context.Context, d Delivery) error {
	body, err := d.body()
	if err != nil {
		return err
	}
	why := s.Endpoint.Post(run, d.ID(), s.now(), body)
	ctx := context.WithoutCancel(run) // what has come of it is stored also when the service ends
	switch {
	case why == nil:
		s.failures = 0
		return s.end(ctx, d, Sent, nil)
	case run.Err() != nil: // nobody knows: it is told again
		return s.Store.PutDelivery(ctx, s.Holder, d)
	}
	s.rest(why)
	gone := (*Refusal)(nil) // 410 says that such notices aren't wanted any more
	if errors.As(why, &gone) && gone.Status == http.StatusGone || s.now().Sub(d.At) >= cmp.Or(s.GiveUp, 24*time.Hour) {
		return s.end(ctx, d, GivenUp, why)
	}
	s.count(d.Kind, "later")
	d.DueAt = s.now().Add(queue.Pause(firstPause, longestPause, d.Tries))
	d.Tries, d.Reason = d.Tries+1, reason(why)
	return s.Store.PutDelivery(ctx, s.Holder, d)
}

// end stores what finally came of a notice.
func (s *Sender) end(ctx context.Context, d Delivery, state State, why error) error {
	d.State, d.Tries, d.DoneAt, d.DueAt, d.Reason = state, d.Tries+1, s.now(), time.Time{}, reason(why)
	s.count(d.Kind, string(state))
	if why != nil {
		s.Logger.Warn("the links' webhook wasn't told", "notice", d.ID(), "error", d.Reason)
	}
	return s.Store.PutDelivery(ctx, s.Holder, d)
}

// rest leaves a receiver that fails alone for a while, as long as it asks for.
func (s *Sender) rest(why error) {
	asked := (*Refusal)(nil)
	rest := queue.Pause(firstRest, longestRest, s.failures)
	if errors.As(why, &asked) {
		rest = max(rest, min(asked.After, longestAsked))
	}
	if s.failures == 0 {
		s.Logger.Error("the links' webhook can't be told; it is tried again", "error", reason(why))
	}
	s.resume = s.now().Add(rest)
	s.failures++
}

func (s *Sender) count(kind links.Kind, outcome string) {
	if s.Count != nil {
		s.Count(kind, outcome)
	}
}

func (s *Sender) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// reason is why a try failed; "" for none.
func reason(why error) string {
	if why == nil {
		return ""
	}
	return queue.Reason(why.Error())
}
