package server_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/store"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

// counter counts what a request does.
type counter struct {
	mu    sync.Mutex
	times map[string]int64
}

func (c *counter) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times[what]++
}

// countedStore is our own database. Each of its answers to a look-up is one question
// to it, and one document decoded, which store's tests see to.
type countedStore struct {
	*store.Store
	*counter
}

func (c countedStore) Terms(ctx context.Context, name string) (*policy.Terms, error) {
	c.note("domain")
	return c.Store.Terms(ctx, name)
}

func (c countedStore) Lookup(ctx context.Context, key string) (directory.Kept, error) {
	c.note("address")
	return c.Store.Lookup(ctx, key)
}

func (c countedStore) LookupDigest(ctx context.Context, domain, digest string) (directory.Kept, error) {
	c.note("digest")
	return c.Store.LookupDigest(ctx, domain, digest)
}

func (c countedStore) HasOwn(ctx context.Context, domain string) (bool, error) {
	c.note("own")
	return c.Store.HasOwn(ctx, domain)
}

type countedSource struct {
	directory.Source
	*counter
}

func (c countedSource) Account(ctx context.Context, address settings.Address) (policy.Account, error) {
	c.note("source")
	return c.Source.Account(ctx, address)
}

// laboratory is a world whose steps are counted, and whose clock stands still.
type laboratory struct {
	*world
	*counter
	now atomic.Pointer[time.Time]
}

const pairs = 16

// plainAccounts are known and have nothing of their own.
func plainAccounts() []policy.Account {
	var all []policy.Account
	for i := range pairs {
		all = append(all, policy.Account{Address: settings.MustAddress(fmt.Sprintf("known%d@example.com", i)), Name: "A Name"})
	}
	return all
}

func newLaboratory(t *testing.T, g servertest.Ground, outside ...directory.SourceOptions) *laboratory {
	t.Helper()
	l := &laboratory{counter: &counter{times: map[string]int64{}}}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l.now.Store(&now)
	for i := range outside {
		outside[i].Source = countedSource{outside[i].Source, l.counter}
	}
	var d *directory.Directory
	l.world = worldOn(t, g, func(o *servertest.Options) {
		d = directory.New(directory.Options{
			Store: countedStore{o.Links.Store.(*store.Store), l.counter}, Sources: outside, Logger: o.Logger,
			Now: func() time.Time { return *l.now.Load() }, Sleep: func(time.Duration) { l.note("held") },
		})
		o.Directory = d
	})
	l.directory = d
	return l
}

// steps are those of one request.
func (l *laboratory) steps(q question) string {
	l.mu.Lock()
	before := maps.Clone(l.times)
	l.mu.Unlock()
	cache := l.directory.Stats()
	r := do(l.server.Public(false), q.method, q.target, q.body, q.header...)
	after := l.directory.Stats()
	l.mu.Lock()
	defer l.mu.Unlock()
	done := map[string]int64{"hits": after.Hits - cache.Hits, "misses": after.Misses - cache.Misses, "entries": int64(after.Entries - cache.Entries)}
	for what, n := range l.times {
		done[what] = n - before[what]
	}
	return fmt.Sprint(r.StatusCode, done) // a map is printed in order
}

// alike asks the same of an account and of nobody, of others in each format.
func (l *laboratory) alike(t *testing.T, when, known, unknown string) {
	t.Helper()
	for i := range pairs {
		some, none := forAccounts(fmt.Sprintf(known, i)), forAccounts(fmt.Sprintf(unknown, i))
		i %= len(some)
		if a, b := l.steps(some[i]), l.steps(none[i]); a != b || !strings.HasPrefix(a, "200") {
			t.Errorf("%s, %s %s:\nknown   %s\nunknown %s", when, some[i].method, some[i].target, a, b)
		}
	}
}

// An account with nothing of its own takes as many steps as an address that nobody
// has: questions, documents, look-ups in the caches, and entries in them.
func TestAnAccountTakesTheStepsOfNone(t *testing.T) {
	t.Parallel()
	kept := fixedSite(t)
	kept.Accounts = append(kept.Accounts, plainAccounts()...)
	gone, accounts := elsewhere(t, "panel")
	accounts = append(accounts, plainAccounts()...)
	moved := func(open func(t *testing.T) directory.Source) func(t *testing.T) *laboratory {
		return func(t *testing.T) *laboratory {
			l := newLaboratory(t, servertest.Ground{Site: &gone}, directory.SourceOptions{Name: "panel", Source: open(t), Timeout: 20 * time.Second, Stale: time.Minute, Digests: 1000})
			l.run(t)
			testkit.Until(t, func() string { return "the digests aren't read" }, func() bool { return l.directory.SourceStats()[1].Digests > 0 })
			return l
		}
	}
	for name, open := range map[string]func(t *testing.T) *laboratory{
		"sqlite": func(t *testing.T) *laboratory { return newLaboratory(t, servertest.Ground{Site: &kept}) },
		"postgresql": func(t *testing.T) *laboratory {
			return newLaboratory(t, servertest.Ground{Site: &kept, Database: databases.PostgreSQL(t).Create(t)})
		},
		"mariadb": func(t *testing.T) *laboratory {
			return newLaboratory(t, servertest.Ground{Site: &kept, Database: databases.MariaDB(t).Create(t)})
		},
		"sql source": moved(func(t *testing.T) directory.Source { return fileSource(t, accounts) }),
		"ldap source": moved(func(t *testing.T) directory.Source {
			s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: ldapEntries(accounts)})
			return ldapSource(t, s, s.TLSURL, 20*time.Second)
		}),
		"a source, and an account of our own": func(t *testing.T) *laboratory {
			both := gone
			both.Accounts = plainAccounts()
			return newLaboratory(t, servertest.Ground{Site: &both}, directory.SourceOptions{Name: "panel", Source: fileSource(t, nil), Timeout: 20 * time.Second, Stale: time.Minute})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := open(t)
			if err := l.directory.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.steps(forAccounts("warm@example.com")[0]) // the domain's own question
			l.steps(forAccounts("warm@example.net")[0])
			for i, c := range []struct{ known, unknown string }{
				{"known%d@example.com", "nobody%d@example.com"},
				{"KNOWN%d@example.net", "NOBODY%d@example.net"},
				{"known%d+tag@example.com", "nobody%d+tag@example.com"},
				{`"known%d"@example.com`, `"nobody%d"@example.com`},
			} {
				l.alike(t, "for the first time", c.known, c.unknown)
				l.alike(t, "again", c.known, c.unknown)
				later := l.now.Load().Add(time.Minute)
				l.now.Store(&later)
				l.alike(t, "after the life of an answer", c.known, c.unknown)
				if err := l.store.PutAccount(t.Context(), policy.Account{Address: settings.MustAddress(fmt.Sprintf("other%d@example.com", i))}); err != nil {
					t.Fatal(err)
				}
				if err := l.directory.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
				l.steps(forAccounts("warm@example.com")[0])
				l.steps(forAccounts("warm@example.net")[0])
				l.alike(t, "after a change", c.known, c.unknown)
			}
		})
	}
}
