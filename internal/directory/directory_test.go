package directory_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

// house is a directory over a fake source, asked for one domain.
type house struct {
	*directory.Directory
	source *fakeStore
	now    atomic.Pointer[time.Time]
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{source: newFakeStore(t)}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h.now.Store(&now)
	h.Directory = directory.New(directory.Options{Store: h.source, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return *h.now.Load() }})
	if err := h.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) pass(d time.Duration) { now := h.now.Load().Add(d); h.now.Store(&now) }

// look finds an address and says what is known of it.
func (h *house) look(ctx context.Context, address string) (string, error) {
	typed := settings.MustAddress(address)
	entry, err := h.Domain(ctx, typed.Domain())
	if err != nil {
		return "", err
	}
	found, err := h.Lookup(ctx, entry, typed)
	return fmt.Sprint(found.Account.Address, " ", found.Known, " ", found.Account.Protocol), err
}

func (h *house) want(t *testing.T, address, want string) {
	t.Helper()
	if got, err := h.look(t.Context(), address); err != nil || got != want {
		t.Errorf("%s: %q %v, want %q", address, got, err, want)
	}
}

func TestAddressesLeadToTheirAccount(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.source.site.Accounts = append(h.source.site.Accounts, policy.Account{Address: settings.MustAddress("a+b@example.com")})
	for address, want := range map[string]string{
		"office@example.com":     "office@example.com true pop3",
		"OFFICE@Example.net":     "office@example.com true pop3",
		"office+tag@example.com": "office@example.com true pop3",
		`"office"@example.com`:   "office@example.com true pop3",
		"a+b@example.com":        "a+b@example.com true ", // the address itself comes before the one without a tag
		"a+c@example.com":        "a@example.com false ",
		"nobody@example.net":     "nobody@example.com false ",
	} {
		h.want(t, address, want)
	}
	if _, err := h.Domain(t.Context(), "other.example"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("a domain that isn't served: %v", err)
	}
}

func TestAnswersAreKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for range 3 {
		h.want(t, "office@example.com", "office@example.com true pop3")
		h.want(t, "nobody@example.com", "nobody@example.com false ") // what isn't there as well
		if _, err := h.Domain(t.Context(), "other.example"); !errors.Is(err, directory.ErrNotFound) {
			t.Error(err)
		}
	}
	if asked := h.source.asked.Load(); asked != 4 {
		t.Errorf("asked %d times for two domains and two accounts", asked)
	}
	if s := h.Stats(); s.Misses != 4 || s.Hits != 11 || s.Entries != 4 {
		t.Errorf("%+v", s)
	}
}

// A hundred that want the same at once ask once; one that gives up doesn't end it
// for the others.
func TestSimultaneousMissesAskOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		if _, err := h.Domain(t.Context(), "example.com"); err != nil {
			t.Fatal(err)
		}
		answer := make(chan struct{})
		h.source.during = func(context.Context) { <-answer }
		before := h.source.asked.Load()
		impatient, giveUp := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for i := range 100 {
			group.Go(func() { h.want(t, "office@example.com", "office@example.com true pop3") })
			if i == 0 {
				synctest.Wait() // this one asks, the others wait for it
			}
		}
		group.Go(func() {
			if _, err := h.look(impatient, "office@example.com"); !errors.Is(err, context.Canceled) {
				t.Errorf("the one that gave up: %v", err)
			}
		})
		synctest.Wait()
		giveUp()
		synctest.Wait()
		close(answer)
		group.Wait()
		if asked := h.source.asked.Load() - before; asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// A source that doesn't answer costs a request five seconds, not for ever.
func TestASourceThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.source.during = func(ctx context.Context) { <-ctx.Done() }
		began := time.Now()
		if _, err := h.look(t.Context(), "office@example.com"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an answer out of nothing: %v", err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestAChangeIsServedAfterTheNextQuestion(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.want(t, "office@example.com", "office@example.com true pop3")
	h.want(t, "nobody@example.com", "nobody@example.com false ")
	entry, err := h.Domain(t.Context(), "example.com")
	if err != nil {
		t.Fatal(err)
	}
	uniform(t, h, entry, false)
	h.source.set(func(s *fakeStore) {
		s.site.Accounts = []policy.Account{{Address: settings.MustAddress("nobody@example.com")}}
		s.generation++
	})
	h.want(t, "office@example.com", "office@example.com true pop3") // nobody asked yet
	if err := h.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.want(t, "office@example.com", "office@example.com false ")
	h.want(t, "nobody@example.com", "nobody@example.com true ")
	uniform(t, h, entry, true)
	if again, err := h.Domain(t.Context(), "example.com"); err != nil || again == entry {
		t.Errorf("the old entry, with its forms: %v", err)
	}
}

// A database that is restored, or whose replica takes over without the last changes,
// comes to the same generation again, with other answers.
func TestAGenerationThatComesTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	changed := func(generation int64, protocol settings.Protocol) {
		t.Helper()
		h.source.set(func(s *fakeStore) {
			s.site.Accounts = []policy.Account{{Address: settings.MustAddress("office@example.com"), Protocol: protocol}}
			s.generation = generation
		})
		if err := h.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	changed(7, settings.POP3)
	h.want(t, "office@example.com", "office@example.com true pop3")
	changed(6, settings.IMAP) // nobody asks
	changed(7, settings.IMAP)
	h.want(t, "office@example.com", "office@example.com true imap")
}

func uniform(t *testing.T, h *house, entry *directory.Entry, want bool) {
	t.Helper()
	if got, err := h.Uniform(t.Context(), entry); err != nil || got != want {
		t.Errorf("uniform: %v %v, want %v", got, err, want)
	}
}

func TestRulesMakeADomainNotUniform(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.source.site.Accounts = nil
	h.source.site.Domains[0].Policy.Rules = []policy.Rule{{Name: "x", Protocol: settings.POP3}}
	entry, err := h.Domain(t.Context(), "example.com")
	if err != nil {
		t.Fatal(err)
	}
	uniform(t, h, entry, false)
}

// What is changed while the old answer is on its way isn't hidden by it.
func TestAnAnswerOvertakenByAChangeIsNotKept(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.source.during = func(context.Context) {
		h.source.during = nil
		h.source.set(func(s *fakeStore) { s.site.Accounts = nil; s.generation++ })
		if err := h.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	}
	h.want(t, "office@example.com", "office@example.com true pop3") // the old answer was begun first
	h.want(t, "office@example.com", "office@example.com false ")
}

func TestTheLastGoodAnswerServesWhileTheSourceIsDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.want(t, "office@example.com", "office@example.com true pop3")
	h.want(t, "nobody@example.com", "nobody@example.com false ")
	down := errors.New("no route to the database")
	h.source.set(func(s *fakeStore) { s.generation++ })
	if err := h.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.source.set(func(s *fakeStore) { s.down = down })

	h.pass(time.Hour)
	h.want(t, "office@example.com", "office@example.com true pop3")
	h.want(t, "nobody@example.com", "nobody@example.com false ")
	if _, err := h.look(t.Context(), "never.asked@example.com"); !errors.Is(err, down) {
		t.Errorf("what was never asked: %v", err)
	}
	if health := h.Health(); !health.Ready || !errors.Is(health.Err, down) || !health.Since.Equal(*h.now.Load()) {
		t.Errorf("health %+v", health)
	}
	h.pass(24 * time.Hour)
	if _, err := h.look(t.Context(), "office@example.com"); !errors.Is(err, down) {
		t.Errorf("after a day: %v", err)
	}

	h.source.set(func(s *fakeStore) { s.down, s.site.Accounts = nil, nil })
	if err := h.Refresh(t.Context()); err != nil { // which Run does all the time
		t.Fatal(err)
	}
	h.want(t, "office@example.com", "office@example.com false ")
	if health := h.Health(); health.Err != nil {
		t.Errorf("health %+v", health)
	}
}

func TestNotReadyBeforeTheFirstAnswer(t *testing.T) {
	t.Parallel()
	s := newFakeStore(t)
	s.down = errors.New("down")
	d := directory.New(directory.Options{Store: s, Logger: slog.New(slog.DiscardHandler)})
	if err := d.Refresh(t.Context()); !errors.Is(err, s.down) || d.Health().Ready {
		t.Errorf("%v %+v", err, d.Health())
	}
	s.set(func(s *fakeStore) { s.down = nil })
	if err := d.Refresh(t.Context()); err != nil || !d.Health().Ready {
		t.Errorf("%v %+v", err, d.Health())
	}
}

func TestDigestsFindTheAccount(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	entry, err := h.Domain(t.Context(), "example.com")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if found, err := h.ByDigest(t.Context(), entry, "office@example.com"); err != nil || !found.Known || found.Account.Protocol != settings.POP3 {
			t.Errorf("%+v %v", found, err)
		}
		if _, err := h.ByDigest(t.Context(), entry, "nobody"); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	}
}

// Strangers who ask for a great many names push hardly anything out that is asked
// for again and again.
func TestTheCacheIsBounded(t *testing.T) {
	t.Parallel()
	s := newFakeStore(t)
	d := directory.New(directory.Options{Store: s, MaxEntries: 200, Logger: slog.New(slog.DiscardHandler)})
	h := &house{Directory: d, source: s}
	stranger, asked, missed := 0, 0, int64(0)
	for range 100 {
		for i := range 40 {
			before := s.asked.Load()
			if _, err := h.look(t.Context(), fmt.Sprintf("regular%d@example.com", i)); err != nil {
				t.Fatal(err)
			}
			asked++
			missed += s.asked.Load() - before
		}
		for range 200 {
			stranger++
			if _, err := h.look(t.Context(), fmt.Sprintf("n%d@example.com", stranger)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := h.Stats().Entries; n > 250 {
		t.Errorf("%d entries", n)
	}
	if missed > int64(asked)/10 { // 40 of them the first time
		t.Errorf("of %d questions for the same 40 names between %d others, %d went to the database", asked, stranger, missed)
	}
}

// Over the real store: what another connection to the same file changed is served
// after one tick.
func TestAChangeInTheStoreIsServedAfterATick(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	open := func() *store.Store {
		s, err := store.Open(t.Context(), database.MustParse("sqlite:test.db"), store.Options{Folder: folder})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	served, command := open(), open()
	if err := command.Replace(t.Context(), newFakeStore(t).site); err != nil {
		t.Fatal(err)
	}
	tick := make(chan time.Time)
	h := &house{Directory: directory.New(directory.Options{Store: served, Tick: tick, Logger: slog.New(slog.DiscardHandler)})}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.Run(ctx) }()
	ticks := func() { tick <- time.Time{}; tick <- time.Time{} } // the second is taken when the first is done
	ticks()
	h.want(t, "office@example.com", "office@example.com true pop3")
	if err := command.RemoveAccount(t.Context(), "office@example.com"); err != nil {
		t.Fatal(err)
	}
	ticks()
	h.want(t, "office@example.com", "office@example.com false ")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// With its own clock, Run serves a change within a second.
func TestAChangeIsServedWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if err := h.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		h.want(t, "office@example.com", "office@example.com true pop3")
		for range 10 {
			h.source.set(func(s *fakeStore) { s.site.Accounts, s.generation = nil, s.generation+1 })
			time.Sleep(time.Second)
			h.want(t, "office@example.com", "office@example.com false ")
			h.source.set(func(s *fakeStore) { s.site.Accounts, s.generation = newFakeStore(t).site.Accounts, s.generation+1 })
			time.Sleep(time.Second - 7*time.Millisecond)
			h.want(t, "office@example.com", "office@example.com true pop3")
		}
		cancel()
		group.Wait()
	})
}

func TestDocumentsAreFoundByTheNameThatIsAsked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, want := range map[string]error{"example.com": nil, "example.net": directory.ErrNotFound} {
		entry, err := h.Domain(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if text, err := h.Document(t.Context(), entry); !errors.Is(err, want) || want == nil && string(text) != "document" {
				t.Errorf("%s: %q %v", name, text, err)
			}
		}
	}
	if asked := h.source.asked.Load(); asked != 4 {
		t.Errorf("asked %d times", asked)
	}
}
