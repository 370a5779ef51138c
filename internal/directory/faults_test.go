package directory_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
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
		o.Sources[0].Source = x
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
		for i := range 1800 { // for three minutes, ten a second
			_, _ = h.look(t.Context(), "boss@example.com")
			time.Sleep(100 * time.Millisecond) // it may be asked whether it is there
			if s := h.Sources()[0]; s.Err == nil {
				t.Fatalf("it is up after %d00 ms", i)
			}
		}
		// It rests between the questions.
		if n := h.SourceStats()[1].Failed; n > 3*80 {
			t.Errorf("it was asked %d times in three minutes", n)
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
			o.Sources[0].Fresh = time.Millisecond
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

// A mailbox is what the first that knows it says, also for those who typed an
// alias that only a later source knows: or one account had two protocols.
func TestAnAliasLeadsToTheMailboxThatItsAddressLeadsTo(t *testing.T) {
	t.Parallel()
	address := settings.MustAddress
	for name, c := range map[string]struct {
		arrange func(h *house, staff *panel)
		source  string
	}{
		"our own database knows it": {func(h *house, _ *panel) {
			h.source.site.Accounts = append(h.source.site.Accounts, policy.Account{Address: address("plain@example.com"), Protocol: settings.POP3})
		}, ""},
		"an earlier source knows it": {func(_ *house, staff *panel) {
			staff.accounts["plain@example.com"] = policy.Account{Address: address("plain@example.com"), Protocol: settings.POP3}
		}, "staff"},
		"an earlier source knows it, and our own database has an override": {func(h *house, staff *panel) {
			staff.accounts["plain@example.com"] = policy.Account{Address: address("plain@example.com"), Protocol: settings.IMAP}
			h.source.overrides = map[string]policy.Override{"plain@example.com": {Address: address("plain@example.com"), Protocol: settings.POP3}}
		}, "staff"},
		"nobody else knows it": {func(_ *house, _ *panel) {}, "panel"},
	} {
		staff, p := &panel{accounts: map[string]policy.Account{}}, newPanel()
		for _, alias := range []string{"easy@example.com", "easy@example.org"} {
			p.accounts[alias] = policy.Account{Address: address("plain@example.com"), Addresses: []settings.Address{address(alias)}}
		}
		h := withPanel(t, p, func(o *directory.Options) {
			o.Sources = append([]directory.SourceOptions{{Name: "staff", Source: staff}}, o.Sources...)
		})
		c.arrange(h, staff)
		want := h.found(t, "plain@example.com")
		for _, typed := range []string{"easy@example.com", "easy@example.org"} {
			got := h.found(t, typed)
			if !slices.Contains(got.Account.Addresses, address(typed)) {
				t.Errorf("%s: %s isn't among %v", name, typed, got.Account.Addresses)
			}
			if !got.Known || got.Source != c.source || got.Account.Address != want.Account.Address || got.Account.Protocol != want.Account.Protocol || got.Home.Name != "example.com" {
				t.Errorf("%s: %s leads to %+v, the mailbox is %+v", name, typed, got.Account, want.Account)
			}
		}
	}
}

// Sources that lead to each other lead to nobody.
func TestAliasesInACircle(t *testing.T) {
	t.Parallel()
	address := settings.MustAddress
	staff, p := &panel{accounts: map[string]policy.Account{}}, newPanel()
	p.accounts["a@example.com"] = policy.Account{Address: address("b@example.com")}
	p.accounts["b@example.com"] = policy.Account{Address: address("a@example.com")}
	h := withPanel(t, p, func(o *directory.Options) {
		o.Sources = append([]directory.SourceOptions{{Name: "staff", Source: staff}}, o.Sources...)
	})
	if found := h.found(t, "a@example.com"); found.Known || found.Account.Address != address("a@example.com") {
		t.Errorf("%+v", found)
	}
}

// Where the mailbox's own domain asks other sources, they decide whether there is
// such an account.
func TestAnAliasLeadsNowhereWhereItsHomeDoesNotAskTheSource(t *testing.T) {
	t.Parallel()
	h := withPanel(t, newPanel())
	h.source.site.Domains[1].Sources = []string{}
	if found := h.found(t, "target@example.org"); found.Known {
		t.Fatalf("%+v", found)
	}
	if found := h.found(t, "far@example.com"); found.Known || found.Home.Name != "example.com" {
		t.Errorf("%+v", found)
	}
}

// A source may know another name of a domain of ours: it is that domain.
func TestAnAliasThatASourceKnowsOfADomainOfOurs(t *testing.T) {
	t.Parallel()
	p := newPanel()
	p.domains = map[string]directory.SourceDomain{"example.org": {Name: "example.org"}, "example.test": {Name: "example.org"}}
	h := withPanel(t, p, func(o *directory.Options) { o.Sources[0].Plan = "hosted" })
	entry, err := h.Domain(t.Context(), "example.test")
	if err != nil {
		t.Fatal(err)
	}
	if entry.Name != "example.test" || entry.Terms.Name != "example.org" || entry.Terms.Policy.Default != settings.POP3 || !entry.Terms.Has("example.test") {
		t.Errorf("%+v", entry.Terms)
	}
	got, want := h.found(t, "target@example.test"), h.found(t, "target@example.org")
	for _, f := range []directory.Found{got, want} {
		if s, _ := f.Personal(settings.MustAddress("target@example.org")); s.Incoming.Host != "pop.example.org" {
			t.Errorf("%+v", s.Incoming)
		}
	}
	if entry, err = h.Domain(t.Context(), "example.org"); err != nil || entry.Terms.Has("example.test") {
		t.Errorf("the domain itself has changed: %v", err)
	}
}

// listing lists the accounts of a panel while the panel can be asked.
type listing struct{ *panel }

func (l listing) Walk(_ context.Context, each func(policy.Account) error) error {
	for _, address := range []string{"x@example.test", "boss@example.com"} {
		if err := each(policy.Account{Address: settings.MustAddress(address)}); err != nil {
			return err
		}
	}
	return nil
}

// One domain whose plan is missing doesn't keep the others out of the index.
func TestTheIndexOfDigestsLeavesOutADomainThatCannotBeServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		p.domains = map[string]directory.SourceDomain{"example.test": {Name: "example.test", Plan: "gone"}}
		h := withPanel(t, p, func(o *directory.Options) {
			o.Now = time.Now
			o.Sources[0].Source, o.Sources[0].Digests = listing{p}, 100
		})
		defer running(t, h)()
		synctest.Wait()
		if n := h.SourceStats()[1].Digests; n == 0 {
			t.Error("nobody is in the index")
		}
	})
}
