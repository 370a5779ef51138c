package store_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/policy/policytest"
	"autoconfig/settings"
)

// place is where a database is.
type place struct{ address, folder string }

// places make an empty database of each kind that several processes may use.
var places = map[string]func(t testing.TB) place{
	"sqlite":     func(t testing.TB) place { return place{"sqlite:test.db", t.TempDir()} },
	"postgresql": func(t testing.TB) place { return place{address: servers.PostgreSQL(t).Create(t)} },
	"mariadb":    func(t testing.TB) place { return place{address: servers.MariaDB(t).Create(t)} },
}

func (p place) open(t testing.TB) *store.Store {
	t.Helper()
	return open(t, p.address, p.folder)
}

// try is open without a test.
func (p place) try(ctx context.Context) (*store.Store, error) {
	return store.Open(ctx, database.MustParse(p.address), store.Options{Folder: p.folder, Connections: 4})
}

func open(t testing.TB, address, folder string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), database.MustParse(address), store.Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func onEach(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite memory", func(t *testing.T) {
		t.Parallel()
		test(t, open(t, "sqlite::memory:", ""))
	})
	onEachPlace(t, func(t *testing.T, p place) { test(t, p.open(t)) })
}

// onEachPlace runs a test that opens its database itself.
func onEachPlace(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	for name, empty := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, empty(t))
		})
	}
}

// demo is a small legal site.
func demo(t testing.TB, accounts ...policy.Account) policy.Site {
	t.Helper()
	site := unchecked(accounts...)
	if err := site.Check().Err(); err != nil {
		t.Fatal(err)
	}
	return site
}

func unchecked(accounts ...policy.Account) policy.Site {
	server := func(host string) policy.ServerList { return policy.ServerList{{Host: host}} }
	return policy.Site{
		Providers: []settings.Provider{{ID: "main", Name: "Example Mail"}},
		Plans: []policy.Plan{{Name: "standard", Offer: policy.Offer{Provider: "main", Servers: policy.Servers{
			IMAP: server("imap.example.com"), POP3: server("pop.example.com"), SMTP: server("smtp.example.com"),
		}}}},
		Domains: []policy.Domain{
			{Name: "example.com", Aliases: []string{"example.net", "xn--mller-kva.example"}, Plan: "standard"},
			{Name: "example.org", Plan: "standard"},
		},
		Accounts: accounts,
	}.Normalize()
}

func account(address string, others ...string) policy.Account {
	a := policy.Account{Address: settings.MustAddress(address)}
	for _, other := range others {
		a.Addresses = append(a.Addresses, settings.MustAddress(other))
	}
	return a
}

func replace(t testing.TB, s *store.Store, site policy.Site) {
	t.Helper()
	if err := s.Replace(t.Context(), site); err != nil {
		t.Fatal(err)
	}
}

func stored(t testing.TB, s *store.Store) policy.Site {
	t.Helper()
	site, err := s.Site(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func generation(t fataler, s *store.Store) int64 {
	t.Helper()
	g, err := s.Generation(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

// Whatever legal site is stored after whatever other one, it comes back as it is,
// all look-ups find what it says, and the generation rises if and only if
// anything changed.
func TestAnySiteComesBack(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		before, last := policy.Site{}, int64(0)
		rapid.Check(t, func(t *rapid.T) {
			site := policytest.Site().Draw(t, "site")
			if rapid.Bool().Draw(t, "the same again") && before.ID != "" {
				site = before
			}
			if err := s.Replace(context.Background(), site); err != nil {
				t.Fatal(err)
			}
			got, err := s.Site(context.Background())
			if err != nil || !reflect.DeepEqual(got, inOrder(site)) {
				t.Fatalf("%v, got\n%+v\nwant\n%+v", err, got, site)
			}
			now := generation(t, s)
			if same := reflect.DeepEqual(got, before); same != (now == last) || now < last {
				t.Fatalf("generation %d after %d, the same site: %v", now, last, same)
			}
			before, last = got, now
			lookUpAll(t, s, site)
		})
	})
}

// inOrder has a site's accounts in the order of their keys.
func inOrder(site policy.Site) policy.Site {
	for i := range site.Accounts {
		for j := i; j > 0 && site.Accounts[j].Address.Key() < site.Accounts[j-1].Address.Key(); j-- {
			site.Accounts[j], site.Accounts[j-1] = site.Accounts[j-1], site.Accounts[j]
		}
	}
	if len(site.Accounts) == 0 {
		site.Accounts = nil
	}
	return site
}

func lookUpAll(t fataler, s *store.Store, site policy.Site) {
	t.Helper()
	ctx := context.Background()
	own := map[string]bool{}
	for _, a := range site.Accounts {
		own[a.Address.Domain()] = own[a.Address.Domain()] || a.Protocol != "" || a.Login != "" || len(a.Addresses) > 0
		for _, address := range append([]settings.Address{a.Address}, a.Addresses...) {
			if got, err := s.Account(ctx, address.Key()); err != nil || !reflect.DeepEqual(got, a) {
				t.Errorf("account %s: %v %+v", address, err, got)
			}
			if got, err := s.Lookup(ctx, address.Key()); err != nil || !got.Known || !reflect.DeepEqual(got.Account, a) {
				t.Errorf("what is kept of %s: %v %+v", address, err, got)
			}
		}
	}
	for _, d := range site.Domains {
		if has, err := s.HasOwn(ctx, d.Name); err != nil || has != own[d.Name] {
			t.Errorf("%s has accounts with something of their own: %v %v", d.Name, has, err)
		}
		for _, name := range append([]string{d.Name}, d.Aliases...) {
			want, _ := site.Terms(name)
			if got, err := s.Terms(ctx, name); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("domain %s: %v\n%+v, want\n%+v", name, err, got, want)
			}
			for _, a := range site.Accounts {
				for _, address := range append([]settings.Address{a.Address}, a.Addresses...) {
					if a.Address.Domain() != d.Name {
						continue
					}
					for _, typed := range []string{name, settings.UnicodeDomain(name)} {
						got, err := byDigest(ctx, s, name, digest(address.Local()+"@"+typed))
						if err != nil || !reflect.DeepEqual(got, a) {
							t.Errorf("digest of %s at %s: %v %+v", address, typed, err, got)
						}
					}
				}
			}
		}
	}
}

// byDigest finds an account by a digest.
func byDigest(ctx context.Context, s *store.Store, domain, digest string) (policy.Account, error) {
	kept, err := s.LookupDigest(ctx, domain, digest)
	if err == nil && !kept.Known {
		err = directory.ErrNotFound
	}
	return kept.Account, err
}

func digest(address string) string {
	sum := md5.Sum([]byte(strings.ToLower(address)))
	return hex.EncodeToString(sum[:])
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		replace(t, s, demo(t, account("office@example.com")))
		ctx := t.Context()
		for name, ask := range map[string]func() error{
			"domain":    func() error { _, err := s.Terms(ctx, "other.example"); return err },
			"subdomain": func() error { _, err := s.Terms(ctx, "www.example.com"); return err },
			"account":   func() error { _, err := s.Account(ctx, "nobody@example.com"); return err },
			"digest": func() error {
				_, err := byDigest(ctx, s, "example.com", digest("nobody@example.com"))
				return err
			},
			"digest of elsewhere": func() error {
				_, err := byDigest(ctx, s, "example.org", digest("office@example.com"))
				return err
			},
			"digest asked elsewhere": func() error {
				_, err := byDigest(ctx, s, "other.example", digest("office@example.com"))
				return err
			},
			"no digest": func() error { _, err := byDigest(ctx, s, "example.com", "' OR 1=1 --"); return err },
		} {
			if err := ask(); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestSingleChanges(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		replace(t, s, demo(t, account("office@example.com", "info@example.com"), account("a@example.org")))
		at := generation(t, s)

		boss := account("boss@example.com")
		boss.Login = "00123"
		steps := []struct {
			name string
			do   func() error
			want error
		}{
			{"add", func() error { return s.PutAccount(ctx, boss) }, nil},
			{"put in place", func() error { boss.Name = "Boss"; return s.PutAccount(ctx, boss) }, nil},
			{"an address that is taken", func() error { return s.PutAccount(ctx, account("new@example.com", "info@example.com")) }, store.ErrExists},
			{"a domain that isn't served", func() error { return s.PutAccount(ctx, account("a@other.example")) }, store.ErrNoSuchDomain},
			{"a domain with accounts", func() error { return s.RemoveDomain(ctx, "example.org", false) }, store.ErrHasAccounts},
			{"a domain that isn't there", func() error { return s.RemoveDomain(ctx, "other.example", true) }, store.ErrNoSuchDomain},
			{"a domain", func() error { return s.RemoveDomain(ctx, "example.org", true) }, nil},
			{"an account", func() error { return s.RemoveAccount(ctx, "office@example.com") }, nil},
			{"its other address is free", func() error { return s.PutAccount(ctx, account("new@example.com", "info@example.com")) }, nil},
		}
		for _, step := range steps {
			if err := step.do(); !errors.Is(err, step.want) {
				t.Fatalf("%s: %v, want %v", step.name, err, step.want)
			}
			now := generation(t, s)
			if (now > at) != (step.want == nil) {
				t.Errorf("%s: generation %d after %d", step.name, now, at)
			}
			at = now
			lookUpAll(t, s, stored(t, s))
		}
		want := demo(t, boss, account("new@example.com", "info@example.com"))
		want.ID, want.Domains = stored(t, s).ID, want.Domains[:1]
		if got := stored(t, s); !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	})
}

// An address may go from one account to another in one step, and an alias from
// one domain to another; digests follow.
func TestThingsMove(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		site := demo(t, account("a@example.com", "info@example.com"), account("b@example.com"), account("c@example.org"))
		replace(t, s, site)
		site = demo(t, account("b@example.com", "info@example.com"), account("c@example.org"), account("info2@example.com", "a@example.com"))
		site.Domains[0].Aliases, site.Domains[1].Aliases = nil, []string{"example.net", "xn--mller-kva.example"}
		replace(t, s, site)
		lookUpAll(t, s, stored(t, s))
		if _, err := byDigest(t.Context(), s, "example.net", digest("b@example.net")); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("a digest of the alias that moved away: %v", err)
		}
	})
}

// A change that fails in its middle has not happened.
func TestAFailedChangeChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		replace(t, s, demo(t, account("office@example.com", "info@example.com")))
		before, at := stored(t, s), generation(t, s)

		twice := demo(t, account("z@example.com"), account("office@example.org"))
		twice.Accounts = append(twice.Accounts, account("a@example.com", "z@example.com")) // which a check would refuse
		homeless := demo(t, account("z@example.com"))
		homeless.Accounts = append(homeless.Accounts, account("a@other.example"))
		sameDomain := demo(t)
		sameDomain.Domains = append(sameDomain.Domains, policy.Domain{Name: "example.net", Plan: "standard"})
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		oops := errors.New("oops")
		for name, c := range map[string]struct {
			do   func() error
			want error
		}{
			"an address twice": {func() error { return s.Replace(ctx, twice) }, store.ErrExists},
			"no such domain":   {func() error { return s.Replace(ctx, homeless) }, store.ErrNoSuchDomain},
			"a domain twice":   {func() error { return s.Replace(ctx, sameDomain) }, store.ErrExists},
			"cancelled":        {func() error { return s.Replace(cancelled, demo(t)) }, context.Canceled},
			"the caller's own": {func() error {
				return s.ChangeDomain(ctx, "example.com", func(site *policy.Site) error { site.Domains = nil; site.Accounts[0].Name = "x"; return oops })
			}, oops},
		} {
			if err := c.do(); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
			if got := stored(t, s); !reflect.DeepEqual(got, before) || generation(t, s) != at {
				t.Errorf("%s changed something: %+v", name, got)
			}
		}
	})
}

// The identity is made once and stays; only a site that brings one changes it.
func TestIdentity(t *testing.T) {
	t.Parallel()
	onEachPlace(t, testIdentity)
}

func testIdentity(t *testing.T, p place) {
	first := p.open(t)
	id, err := first.SiteID(t.Context())
	if err != nil || len(id) != 26 {
		t.Fatalf("%q %v", id, err)
	}
	replace(t, first, demo(t))
	if again, err := p.open(t).SiteID(t.Context()); err != nil || again != id {
		t.Errorf("opened again: %q %v, want %q", again, err, id)
	}
	if other, err := open(t, "sqlite::memory:", "").SiteID(t.Context()); err != nil || other == id {
		t.Errorf("another database has the same identity: %q %v", other, err)
	}
	site := demo(t)
	site.ID = "ygkpf2cq5xsrzrjlxbn3gmzuka"
	replace(t, first, site)
	if got := stored(t, first).ID; got != site.ID {
		t.Errorf("%q, want the site's own", got)
	}
}

// A command and a running serve, or two commands, on one database.
func TestTwoStoresOnOneDatabase(t *testing.T) {
	t.Parallel()
	onEachPlace(t, testTwoStores)
}

func testTwoStores(t *testing.T, p place) {
	one, two := p.open(t), p.open(t)
	replace(t, one, demo(t, account("office@example.com")))
	if got := stored(t, two); len(got.Accounts) != 1 || generation(t, two) != generation(t, one) {
		t.Errorf("the other sees %+v", got)
	}
	var group sync.WaitGroup
	for _, s := range []*store.Store{one, two} {
		for _, local := range []string{"a", "b", "c", "d"} {
			group.Go(func() {
				if err := s.PutAccount(t.Context(), account(local+"@example.com")); err != nil {
					t.Errorf("%s: %v", local, err)
				}
				if _, err := s.Site(t.Context()); err != nil {
					t.Errorf("%s: %v", local, err)
				}
			})
		}
	}
	group.Wait()
	if got := stored(t, one); len(got.Accounts) != 5 {
		t.Errorf("%d accounts: %+v", len(got.Accounts), got.Accounts)
	}
}

// Several processes may start at once on a database that isn't there yet.
func TestOpenedAtOnce(t *testing.T) {
	t.Parallel()
	onEachPlace(t, testOpenedAtOnce)
}

func testOpenedAtOnce(t *testing.T, p place) {
	var group sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		group.Go(func() {
			s, err := p.try(t.Context())
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			defer s.Close()
			if ids[i], err = s.SiteID(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("identities %q", ids)
		}
	}
}

func TestTheFileIsNobodyElses(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	open(t, "sqlite:a b?c%20d#e.db", folder) // whatever it is called
	files, err := os.ReadDir(folder)
	if err != nil || len(files) == 0 || files[0].Name() != "a b?c%20d#e.db" {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file.Name(), info.Mode(), err)
		}
	}
}

func TestWrongDatabasesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "text.db"), []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"sqlite:none/x.db": "none/x.db: no such file or directory",
		"sqlite:text.db":   "file is not a database",
		"sqlite:.":         "is a directory",
	} {
		s, err := store.Open(t.Context(), database.MustParse(address), store.Options{Folder: folder})
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
}

// PACC documents come back, go with their domain's name, and make caches ask again
// only when what is served has changed.
// publish puts a name's documents in the place of those that are kept.
func publish(t testing.TB, s *store.Store, after doctor.Documents) {
	t.Helper()
	before, err := s.PACC(t.Context(), after.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ReplacePACC(t.Context(), doctor.DocumentChange{Before: before, After: after}); err != nil {
		t.Fatal(err)
	}
}

// Documents that have been changed since they were read stay; the other names of the
// same page go on.
func TestDocumentsThatHaveBeenChangedStay(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		replace(t, s, demo(t))
		theirs := doctor.Documents{Name: "example.com", Served: []byte("theirs"), Waiting: []byte("next")}
		read, err := s.PACC(t.Context(), "example.com")
		if err != nil {
			t.Fatal(err)
		}
		publish(t, s, theirs)
		other := doctor.Documents{Name: "example.net", Served: []byte("other")}
		err = s.ReplacePACC(t.Context(),
			doctor.DocumentChange{Before: read, After: doctor.Documents{Name: "example.com", Served: []byte("ours")}},
			doctor.DocumentChange{Before: doctor.Documents{Name: "example.net"}, After: other})
		if !errors.Is(err, doctor.ErrDocumentsChanged) || !strings.HasPrefix(err.Error(), "example.com: ") {
			t.Errorf("changed meanwhile: %v", err)
		}
		for _, want := range []doctor.Documents{theirs, other} {
			if got, err := s.PACC(t.Context(), want.Name); err != nil || !got.Equal(want) {
				t.Errorf("%s: %q %q, %v", want.Name, got.Served, got.Waiting, err)
			}
		}
	})
}

func TestDocuments(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		replace(t, s, demo(t))
		at := generation(t, s)
		for _, c := range []struct {
			served, waiting string
			raised          bool
		}{{"one", "", true}, {"one", "two", false}, {"two", "", true}, {"two", "", false}} {
			var waiting []byte
			if c.waiting != "" {
				waiting = []byte(c.waiting)
			}
			publish(t, s, doctor.Documents{Name: "example.net", Served: []byte(c.served), Waiting: waiting})
			kept, err := s.PACC(ctx, "example.net")
			names, namesErr := s.WaitingPACC(ctx)
			if err != nil || namesErr != nil || string(kept.Served) != c.served || string(kept.Waiting) != c.waiting || len(names) == 1 != (c.waiting != "") {
				t.Errorf("%q %q %v %v %v, want %+v", kept.Served, kept.Waiting, names, err, namesErr, c)
			}
			now := generation(t, s)
			if (now > at) != c.raised {
				t.Errorf("%+v: generation %d after %d", c, now, at)
			}
			at = now
		}
		if _, err := s.Document(ctx, "example.com"); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("a name without a document: %v", err)
		}
		site := demo(t)
		site.Domains[0].Aliases = nil
		replace(t, s, site)
		if _, err := s.Document(ctx, "example.net"); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("a name that is gone: %v", err)
		}
	})
}
