package directory_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// slowly is a source that takes its time, by what it knows.
type slowly struct {
	*panel
	known, unknown time.Duration
}

func (s slowly) Account(ctx context.Context, address settings.Address) (policy.Account, error) {
	account, err := s.panel.Account(ctx, address)
	if err == nil {
		time.Sleep(s.known)
	} else {
		time.Sleep(s.unknown)
	}
	return account, err
}

// Whatever a source takes for what it knows and for what it doesn't, the answers come
// at the same step, also to those who ask meanwhile; what is kept comes at once.
func TestASourcesOwnTimeIsNotSeen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ known, unknown, want time.Duration }{
		{3 * time.Millisecond, time.Millisecond, 10 * time.Millisecond},
		{time.Millisecond, 9 * time.Millisecond, 10 * time.Millisecond},
		{19 * time.Millisecond, 11 * time.Millisecond, 20 * time.Millisecond},
		{50 * time.Millisecond, 79 * time.Millisecond, 80 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPanel()
			h := withPanel(t, p, func(o *directory.Options) {
				o.Now = time.Now
				o.Sources[0].Source = slowly{p, c.known, c.unknown}
			})
			if _, err := h.Domain(t.Context(), "example.com"); err != nil {
				t.Fatal(err)
			}
			for _, address := range []string{"plain@example.com", "nobody@example.com"} {
				began := time.Now()
				var group sync.WaitGroup
				for i := range 5 {
					group.Go(func() {
						time.Sleep(time.Duration(i) * 2 * time.Millisecond)
						h.found(t, address)
						if took := time.Since(began); took != c.want {
							t.Errorf("%+v: %s came after %s", c, address, took)
						}
					})
				}
				group.Wait()
				began = time.Now()
				if h.found(t, address); time.Since(began) != 0 {
					t.Errorf("%s is held though it is kept", address)
				}
			}
		})
	}
}

// All sources are asked at once, also for an account of our own: none of them is the
// reason for another time.
func TestAllSourcesAreAskedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second, third := newPanel(), newPanel(), newPanel()
		first.accounts = map[string]policy.Account{"first@example.com": {Address: settings.MustAddress("first@example.com")}}
		third.accounts = map[string]policy.Account{"third@example.com": {Address: settings.MustAddress("third@example.com")}}
		h := withPanel(t, nil, func(o *directory.Options) {
			o.Now = time.Now
			o.Sources = []directory.SourceOptions{
				{Name: "first", Source: slowly{first, 15 * time.Millisecond, 5 * time.Millisecond}},
				{Name: "second", Source: slowly{second, 35 * time.Millisecond, 35 * time.Millisecond}},
				{Name: "third", Source: slowly{third, 5 * time.Millisecond, 15 * time.Millisecond}},
			}
		})
		if _, err := h.Domain(t.Context(), "example.com"); err != nil {
			t.Fatal(err)
		}
		for _, address := range []string{"office@example.com", "first@example.com", "plain@example.com", "third@example.com", "nobody@example.com"} {
			began := time.Now()
			h.found(t, address)
			if took := time.Since(began); took != 40*time.Millisecond {
				t.Errorf("%s took %s", address, took)
			}
		}
	})
}

// A crowd of other names pushes known and unknown ones out alike.
func TestKnownAndUnknownOnesGiveWayAlike(t *testing.T) {
	t.Parallel()
	s := newFakeStore(t)
	for i := range 150 {
		s.site.Accounts = append(s.site.Accounts, policy.Account{Address: settings.MustAddress(fmt.Sprintf("known%d@example.com", i))})
	}
	h := &house{source: s, Directory: directory.New(directory.Options{Store: s, MaxEntries: 300, Logger: slog.New(slog.DiscardHandler)})}
	ask := func(name string, i int) (asked int64) {
		t.Helper()
		before := s.asked.Load()
		if _, err := h.look(t.Context(), fmt.Sprintf("%s%d@example.com", name, i)); err != nil {
			t.Fatal(err)
		}
		return s.asked.Load() - before
	}
	for i := range 150 {
		ask("known", i)
		ask("nobody", i)
	}
	for i := range 3000 {
		ask("other", i)
	}
	var known, unknown int64
	for i := range 150 {
		known += ask("known", i)
		unknown += ask("nobody", i)
	}
	// If each goes by chance, their difference is 9 by its standard deviation.
	if known+unknown == 0 || known-unknown > 60 || unknown-known > 60 {
		t.Errorf("of 150 each, %d known and %d unknown ones were pushed out", known, unknown)
	}
}
