package post

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/textproto"
	"strings"
	"time"

	"autoconfig/internal/queue"
	"autoconfig/internal/seal"
)

// Sender hands over what waits. Each message is given to one holder at a time, and once
// its last bytes are on their way nobody sends it again.
type Sender struct {
	Store  Store
	Server Server
	Secret []byte
	// Holder names this process among the replicas.
	Holder string
	// GiveUp is how long a message is tried: a day if 0.
	GiveUp time.Duration
	// Count hears of what came of each try; nil for nobody.
	Count  func(kind Kind, outcome string)
	Logger *slog.Logger
	// Now is time.Now, and Tick every second, if nil.
	Now  func() time.Time
	Tick <-chan time.Time

	failures int // of the server, in a row
	resume   time.Time
}

const (
	sendEvery = time.Second
	// sendLease is longer than any conversation about one message.
	sendLease = 5 * time.Minute
	// A message is tried again after a minute, which doubles; the server, after it failed,
	// after ten seconds, which double too.
	firstPause, longestPause = time.Minute, 2 * time.Hour
	firstRest, longestRest   = 10 * time.Second, 10 * time.Minute
)

// Run works until ctx ends. A message whose handing over has begun is ended first.
func (s *Sender) Run(ctx context.Context) error {
	queue.Work(ctx, s.Tick, sendEvery, s.Once, func(err error) { s.Logger.Error("messages can't be sent", "error", err) })
	return nil
}

// Once sends what is due now, over one connection.
func (s *Sender) Once(ctx context.Context) error {
	if s.now().Before(s.resume) {
		return nil
	}
	var open *session
	defer func() {
		if open != nil {
			open.close()
		}
	}()
	for ctx.Err() == nil {
		m, sealed, found, err := s.Store.ClaimMessage(ctx, s.Holder, s.now(), s.now().Add(sendLease))
		if err != nil || !found {
			return err
		}
		if open, err = s.send(ctx, open, m, sealed); err != nil {
			return err
		}
		if s.now().Before(s.resume) {
			return nil
		}
	}
	return nil
}

// send hands one message over, and gives the session if it can be used for another one.
func (s *Sender) send(run context.Context, open *session, m Message, sealed []byte) (*session, error) {
	ctx := context.WithoutCancel(run) // what has come of it is noted also when the service ends
	if m.State == Unclear {           // another process ended in the middle of it
		return open, s.end(ctx, m, Unclear, "the last bytes were sent, but the service ended before the answer came")
	}
	plain, err := s.open(m, sealed)
	if err != nil {
		return open, s.end(ctx, m, GivenUp, err.Error())
	}
	if open == nil {
		if open, err = s.Server.open(run); err != nil && run.Err() != nil {
			return nil, s.Store.PutOutcome(ctx, s.Holder, m) // nobody has tried
		} else if err != nil {
			return nil, s.rest(ctx, m, err)
		}
		s.failures = 0
	}
	came, why := open.give(m.To, plain, func() (bool, error) {
		return s.Store.HandOver(ctx, m.ID, s.Holder, s.now())
	})
	switch {
	case came == taken:
		err = s.end(ctx, m, Sent, "")
	case came == refused:
		err = s.end(ctx, m, Refused, words(why))
	case came == nobodyKnows:
		err = s.end(ctx, m, Unclear, "the last bytes were sent, but no answer came: "+words(why))
	case why == nil: // somebody else has it by now
		return open, open.again()
	default:
		err = s.later(ctx, m, s.now().Add(queue.Pause(firstPause, longestPause, m.Tries)), why)
	}
	if err != nil || open.again() != nil {
		open.close()
		return nil, err
	}
	return open, nil
}

func (s *Sender) open(m Message, sealed []byte) ([]byte, error) {
	waiting, err := newSeal(s.Secret)
	if err != nil {
		return nil, err
	}
	plain, err := waiting.Open(sealed, m.ID)
	if err != nil {
		err = fmt.Errorf("its text can't be read: %w", err)
	}
	return plain, err
}

// newSeal is for messages that wait: a setup link in one works for whoever reads it.
func newSeal(secret []byte) (seal.Seal, error) {
	return seal.New(secret, "autoconfig messages that wait")
}

// end notes what finally came of a message.
func (s *Sender) end(ctx context.Context, m Message, state State, reason string) error {
	m.State, m.Tries, m.DoneAt, m.DueAt, m.Reason = state, m.Tries+1, s.now(), time.Time{}, queue.Reason(reason)
	s.count(m.Kind, string(state))
	if state != Sent {
		s.Logger.Warn("a message wasn't sent", "message", m.ID, "kind", string(m.Kind), "state", string(state),
			"error", m.Reason)
	}
	return s.Store.PutOutcome(ctx, s.Holder, m)
}

// later has a message tried again, or gives it up.
func (s *Sender) later(ctx context.Context, m Message, at time.Time, why error) error {
	if s.now().Sub(m.MadeAt) >= cmp.Or(s.GiveUp, 24*time.Hour) {
		return s.end(ctx, m, GivenUp, words(why))
	}
	s.count(m.Kind, "later")
	m.Tries, m.DueAt, m.Reason = m.Tries+1, at, queue.Reason(words(why))
	return s.Store.PutOutcome(ctx, s.Holder, m)
}

// rest leaves the server alone for a while: it can't be reached, or doesn't let us in.
func (s *Sender) rest(ctx context.Context, m Message, why error) error {
	s.resume = s.now().Add(queue.Pause(firstRest, longestRest, s.failures))
	if s.failures == 0 {
		s.Logger.Error("the mail server can't be used; messages wait", "error", why)
	}
	s.failures++
	return s.later(ctx, m, s.resume, why)
}

func (s *Sender) count(kind Kind, outcome string) {
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

// words are an error's, with the server's answer as it was said.
func words(err error) string {
	if answer := (*textproto.Error)(nil); errors.As(err, &answer) {
		return strings.Replace(err.Error(), answer.Error(), fmt.Sprintf("%03d %s", answer.Code, answer.Msg), 1)
	}
	return err.Error()
}
