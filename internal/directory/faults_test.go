package directory_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// halfway answers when it is asked whether it is there, and fails the questions
// that a test chooses.
type halfway struct {
	*panel
	account func(address string) error
	search  error
}

func (h *halfway) Account(ctx context.Context, address settings.Address) (policy.Account, error) {
	h.mu.Lock()
	account := h.account
	h.mu.Unlock()
	if account != nil {
		if err := account(address.Key()); err != nil {
			h.asked.Add(1)
			return policy.Account{}, err
		}
	}
	return h.panel.Account(ctx, address)
}

func (h *halfway) Search(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error) {
	if h.search != nil {
		return nil, h.search
	}
	return h.panel.Search(ctx, text, domains, limit)
}

func withHalfway(t testing.TB, x *halfway, change ...func(*directory.Options)) *house {
	return withPanel(t, x.panel, append([]func(*directory.Options){func(o *directory.Options) {
		o.Now = time.Now
		o.Outside[0].Outside = x
	}}, change...)...)
}

func running(t *testing.T, h *house) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = h.Run(ctx) })
	return func() { cancel(); group.Wait() }
}

// A source whose query fails is down, though the server behind it answers: it
// isn't up again each time that somebody has asked whether it is there.
func TestASourceThatIsThereAndFailsItsQuestionsStaysDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("there is no table mailbox")
		x := &halfway{panel: newPanel()}
		var log bytes.Buffer
		h := withHalfway(t, x, func(o *directory.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		defer running(t, h)()
		x.set(func() { x.account = func(string) error { return broken } })
		for i := range 600 { // for a minute, ten a second
			_, _ = h.look(t.Context(), "boss@example.com")
			if s := h.Sources()[0]; s.Err == nil {
				t.Fatalf("it is up after %d00 ms", i)
			}
			time.Sleep(100 * time.Millisecond)
		}
		// It rests between the questions.
		if n := h.SourceStats()[1].Failed; n > 80 {
			t.Errorf("it was asked %d times in a minute", n)
		}
		x.set(func() { x.account = nil })
		time.Sleep(6 * time.Second) // it rests for five at most
		h.want(t, "boss@example.com", "boss@example.com true pop3")
		if s := h.Sources()[0]; s.Err != nil {
			t.Errorf("still down: %v", s.Err)
		}
		if n := strings.Count(log.String(), "can't be asked"); n != 1 {
			t.Errorf("it was said %d times:\n%s", n, log.String())
		}
	})
}

// It comes back also where nobody asks it anything.
func TestASourceWhoseQuestionFailedComesBackWithoutOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := &halfway{panel: newPanel(), account: func(string) error { return errors.New("a lock wasn't got") }}
		h := withHalfway(t, x)
		defer running(t, h)()
		_, _ = h.look(t.Context(), "boss@example.com")
		x.set(func() { x.account = nil })
		time.Sleep(2 * time.Minute)
		if s := h.Sources()[0]; s.Err != nil {
			t.Errorf("still down: %v", s.Err)
		}
	})
}

// Where some questions fail and others don't, the log says so now and then, not
// for each of them.
func TestASourceThatFailsNowAndThenDoesNotFillTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := &halfway{panel: newPanel(), account: func(address string) error {
			if strings.HasPrefix(address, "bad") {
				return errors.New("a value can't be read")
			}
			return nil
		}}
		var log bytes.Buffer
		h := withHalfway(t, x, func(o *directory.Options) {
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			o.Outside[0].Fresh = time.Millisecond
		})
		for range 100 {
			_, _ = h.look(t.Context(), "bad@example.com")
			_, _ = h.look(t.Context(), "boss@example.com")
			time.Sleep(time.Second)
		}
		if n := strings.Count(log.String(), "\n"); n > 6 {
			t.Errorf("%d lines in 100 seconds:\n%s", n, log.String())
		}
	})
}

// A search that takes too long is the searcher's trouble: the accounts behind it
// are found as before.
func TestAFailedSearchDoesNotTakeTheSourceDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := &halfway{panel: newPanel(), search: context.DeadlineExceeded}
		h := withHalfway(t, x)
		for range 10 {
			if _, failed, err := h.Search(t.Context(), "boss", nil, 10); err != nil || len(failed) != 1 || failed[0] != "panel" {
				t.Fatalf("%v %v", failed, err)
			}
		}
		if s := h.Sources()[0]; s.Err != nil {
			t.Errorf("down: %v", s.Err)
		}
		h.want(t, "boss@example.com", "boss@example.com true pop3")
		if n := h.SourceStats()[1].Failed; n != 10 {
			t.Errorf("%d failures are counted", n)
		}
	})
}
