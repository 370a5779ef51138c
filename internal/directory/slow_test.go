package directory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/settings"
)

// Of many requests that have an older answer, the first waits for a newer one; the
// others don't, as long as none comes.
func TestOneWaitForASourceThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		h := withPanel(t, p, func(o *directory.Options) { o.Now = time.Now })
		asked := []string{"boss@example.com", "plain@example.com", "far@example.com"}
		for _, address := range asked {
			h.found(t, address)
		}
		time.Sleep(10 * time.Minute)
		p.set(func() { p.hang = true })
		began := time.Now()
		for _, address := range asked {
			if !h.found(t, address).Known {
				t.Errorf("%s isn't known any more", address)
			}
		}
		if took := time.Since(began); took < 300*time.Millisecond || took > 400*time.Millisecond {
			t.Errorf("three requests took %s", took)
		}
		p.set(func() { p.hang = false })
		time.Sleep(30 * time.Second)
		h.found(t, "boss@example.com") // which mends it
		synctest.Wait()
		before := h.SourceStats()[1].OldOnes
		h.found(t, "plain@example.com")
		if n := h.SourceStats()[1].OldOnes - before; n != 0 {
			t.Error("an older answer, though the source is well")
		}
	})
}

// A crowd that fails at once, since the source has just gone, doesn't make it
// rest for longer than one would: it is back a second after it is.
func TestACrowdDoesNotMakeASourceRestForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		h := withPanel(t, p, func(o *directory.Options) { o.Now = time.Now })
		if _, err := h.Domain(t.Context(), "example.com"); err != nil {
			t.Fatal(err)
		}
		p.set(func() { p.down = errors.New("connection refused") })
		var crowd sync.WaitGroup
		for i := range 100 {
			crowd.Go(func() { _, _ = h.look(t.Context(), fmt.Sprintf("n%d@example.com", i)) })
		}
		crowd.Wait()
		p.set(func() { p.down = nil })
		if _, err := h.look(t.Context(), "boss@example.com"); err == nil {
			t.Error("it doesn't rest at all")
		}
		time.Sleep(time.Second)
		h.want(t, "boss@example.com", "boss@example.com true pop3")
	})
}

// late is a source whose answer about changes a test can hold up.
type late struct {
	*fakeStore
	hold chan chan struct{}
}

func (l *late) Generation(ctx context.Context) (int64, error) {
	generation, err := l.fakeStore.Generation(ctx)
	select {
	case gate := <-l.hold:
		<-gate
	default:
	}
	return generation, err
}

// Two questions for changes run at the same time: the answer that is older, and
// comes later, doesn't bring back what is old.
func TestALateAnswerTakesNothingBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &late{fakeStore: newFakeStore(t), hold: make(chan chan struct{}, 1)}
		h := &house{source: l.fakeStore, Directory: directory.New(directory.Options{Store: l})}
		if err := h.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.want(t, "office@example.com", "office@example.com true pop3")
		gate := make(chan struct{})
		l.hold <- gate
		done := make(chan error)
		go func() { done <- h.Refresh(t.Context()) }()
		synctest.Wait()
		l.set(func(s *fakeStore) { s.site.Accounts[0].Protocol = settings.IMAP; s.generation++ })
		if err := h.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		close(gate)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		h.want(t, "office@example.com", "office@example.com true imap")
	})
}
