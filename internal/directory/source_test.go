package directory_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// panel is a source outside whose faults a test chooses.
type panel struct {
	mu       sync.Mutex
	accounts map[string]policy.Account // by every address that leads to one
	domains  map[string]directory.SourceDomain
	down     error
	// hang makes every question wait for its end.
	hang  bool
	asked atomic.Int64
	walks atomic.Int64
}

func (p *panel) set(change func()) { p.mu.Lock(); defer p.mu.Unlock(); change() }

func (p *panel) ask(ctx context.Context) error {
	p.asked.Add(1)
	p.mu.Lock()
	hang, down := p.hang, p.down
	p.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return down
}

func (p *panel) Account(ctx context.Context, address settings.Address) (policy.Account, error) {
	if err := p.ask(ctx); err != nil {
		return policy.Account{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a, found := p.accounts[address.Key()]; found {
		return a, nil
	}
	return policy.Account{}, directory.ErrNotFound
}

func (p *panel) Domain(ctx context.Context, name string) (directory.SourceDomain, error) {
	if len(p.domains) == 0 {
		return directory.SourceDomain{}, directory.ErrNotFound
	}
	if err := p.ask(ctx); err != nil {
		return directory.SourceDomain{}, err
	}
	if d, found := p.domains[name]; found {
		return d, nil
	}
	return directory.SourceDomain{}, directory.ErrNotFound
}

func (p *panel) Search(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error) {
	if err := p.ask(ctx); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []policy.Account
	for key, a := range p.accounts {
		if key == a.Address.Key() && strings.Contains(key, text) && len(found) < limit && (domains == nil || slices.Contains(domains, a.Address.Domain())) {
			found = append(found, a)
		}
	}
	return found, nil
}

func (p *panel) Domains(ctx context.Context, each func(directory.SourceName) error) error {
	if err := p.ask(ctx); err != nil {
		return err
	}
	for name, domain := range p.domains {
		if err := each(directory.SourceName{Name: name, Domain: domain}); err != nil {
			return err
		}
	}
	return nil
}

func (p *panel) Walk(_ context.Context, each func(policy.Account) error) error {
	p.walks.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down != nil {
		return p.down
	}
	for key, a := range p.accounts {
		if key != a.Address.Key() {
			continue
		}
		if err := each(a); err != nil {
			return err
		}
	}
	return nil
}

func (p *panel) Ping(ctx context.Context) error { return p.ask(ctx) }
func (p *panel) Close() error                   { return nil }

// newPanel has boss (POP3, with a login, also known as chef), plain (nothing of its
// own) and far, an alias of a mailbox in example.org.
func newPanel() *panel {
	boss := policy.Account{Address: settings.MustAddress("boss@example.com"), Name: "The Boss", Login: "b1", Protocol: settings.POP3, Addresses: []settings.Address{settings.MustAddress("chef@example.com")}}
	far := policy.Account{Address: settings.MustAddress("target@example.org"), Addresses: []settings.Address{settings.MustAddress("far@example.com")}}
	return &panel{accounts: map[string]policy.Account{
		"boss@example.com": boss, "chef@example.com": boss,
		"plain@example.com":  {Address: settings.MustAddress("plain@example.com"), Name: "Plain"},
		"target@example.org": far, "far@example.com": far,
	}}
}

// withPanel is a house with example.org beside example.com, and a panel.
func withPanel(t testing.TB, p *panel, change ...func(*directory.Options)) *house {
	t.Helper()
	h := &house{source: newFakeStore(t)}
	h.source.site.Plans = []policy.Plan{{Name: "hosted", Offer: h.source.site.Domains[0].Offer}}
	org := policy.Domain{Name: "example.org", Offer: h.source.site.Domains[0].Offer}
	org.Policy.Default = settings.POP3
	org.Servers.POP3 = policy.ServerList{{Host: "pop.example.org"}}
	h.source.site.Domains = append(h.source.site.Domains, org)
	h.source.site = h.source.site.Normalize()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	h.now.Store(&now)
	options := directory.Options{
		Store: h.source, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return *h.now.Load() },
		Sources: []directory.SourceOptions{{Name: "panel", Source: p}},
	}
	for _, f := range change {
		f(&options)
	}
	h.Directory = directory.New(options)
	if err := h.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) found(t testing.TB, address string) directory.Found {
	t.Helper()
	typed := settings.MustAddress(address)
	entry, err := h.Domain(t.Context(), typed.Domain())
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	found, err := h.Lookup(t.Context(), entry, typed)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return found
}

func TestOurOwnDatabaseIsAskedFirstThenTheSources(t *testing.T) {
	t.Parallel()
	first, second := newPanel(), newPanel()
	office := settings.MustAddress("office@example.com")
	first.accounts = map[string]policy.Account{"office@example.com": {Address: office, Protocol: settings.IMAP}}
	second.accounts["office@example.com"] = policy.Account{Address: office, Protocol: settings.IMAP}
	h := withPanel(t, nil, func(o *directory.Options) {
		o.Sources = []directory.SourceOptions{{Name: "first", Source: first}, {Name: "second", Source: second}}
	})
	for address, want := range map[string]string{
		"office@example.com":   ` pop3`, // our own
		"boss@example.com":     "second pop3",
		"BOSS+tag@example.net": "second pop3", // an alias domain, a tag
		"chef@example.com":     "second pop3",
		"nobody@example.com":   " ",
	} {
		found := h.found(t, address)
		if got := found.Source + " " + string(found.Account.Protocol); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if found := h.found(t, "chef@example.com"); found.Account.Address.String() != "boss@example.com" || found.Account.Login != "b1" {
		t.Errorf("an alias leads to %+v", found.Account)
	}
}

func TestADomainChoosesItsSources(t *testing.T) {
	t.Parallel()
	p := newPanel()
	for name, c := range map[string]struct {
		sources []string
		known   bool
		err     error
	}{
		"nothing said":       {nil, true, nil},
		"this one":           {[]string{"panel"}, true, nil},
		"none":               {[]string{}, false, nil},
		"one that isn't set": {[]string{"ldap", "panel"}, false, directory.ErrUnusable},
	} {
		h := withPanel(t, p)
		h.source.site.Domains[0].Sources = c.sources
		entry, err := h.Domain(t.Context(), "example.com")
		if err != nil {
			t.Fatal(err)
		}
		found, err := h.Lookup(t.Context(), entry, settings.MustAddress("boss@example.com"))
		if !errors.Is(err, c.err) || found.Known != c.known {
			t.Errorf("%s: %v %v", name, found.Known, err)
		}
		if h.Health().Err != nil {
			t.Errorf("%s: our own database is said to be down", name)
		}
		if uniform, err := h.Uniform(t.Context(), entry); uniform || !errors.Is(err, c.err) {
			t.Errorf("%s: uniform %v %v", name, uniform, err)
		}
	}
}

// An account's override is shown, is served after a tick, and holds also
// while the account's source is down.
func TestOverridesReplaceWhatASourceSays(t *testing.T) {
	t.Parallel()
	p := newPanel()
	h := withPanel(t, p)
	h.want(t, "boss@example.com", "boss@example.com true pop3")
	h.want(t, "boss+x@example.com", "boss@example.com true pop3")
	p.set(func() { p.down = errors.New("down") })
	override := policy.Override{Address: settings.MustAddress("boss@example.com"), Protocol: settings.IMAP, Devices: policy.SeveralDevices, Note: "ticket"}
	h.source.set(func(s *fakeStore) {
		s.overrides = map[string]policy.Override{"boss@example.com": override, "office@example.com": {Address: settings.MustAddress("office@example.com"), Protocol: settings.IMAP}}
		s.generation++
	})
	if err := h.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"boss@example.com", "boss+x@example.com"} {
		found := h.found(t, address)
		if found.Account.Protocol != settings.IMAP || found.Account.Devices != policy.SeveralDevices || found.Account.Login != "b1" || found.Override != override {
			t.Errorf("%s: %+v", address, found)
		}
	}
	h.want(t, "office@example.com", "office@example.com true imap") // left from when it was elsewhere
}

// An answer is good for its time; near its end it is fetched anew while the old
// one serves. It is the same for what isn't found.
func TestAnswersOfASourceLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		h := withPanel(t, p, func(o *directory.Options) { o.Now = time.Now })
		asks := func(address string, want int64) {
			t.Helper()
			before := p.asked.Load()
			h.found(t, address)
			time.Sleep(10 * time.Millisecond) // what is fetched meanwhile is held till then
			synctest.Wait()
			if n := p.asked.Load() - before; n != want {
				t.Errorf("%s asks %d times, want %d", address, n, want)
			}
		}
		for _, address := range []string{"plain@example.com", "nobody@example.com"} {
			asks(address, 1)
			time.Sleep(47 * time.Second)
			asks(address, 0)
			time.Sleep(2 * time.Second)
			asks(address, 1) // for the next one
			time.Sleep(40 * time.Second)
			asks(address, 0)
			time.Sleep(time.Minute)
			asks(address, 1)
		}
		time.Sleep(50 * time.Second)
		p.set(func() {
			for _, address := range []string{"plain@example.com", "nobody@example.com"} {
				p.accounts[address] = policy.Account{Address: settings.MustAddress(address), Protocol: settings.POP3}
			}
		})
		for _, address := range []string{"plain@example.com", "nobody@example.com"} {
			time.Sleep(10 * time.Second)
			h.found(t, address)
			time.Sleep(10 * time.Millisecond)
			h.want(t, address, address+" true pop3")
		}
	})
}

func TestASourceThatIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		h := withPanel(t, p, func(o *directory.Options) { o.Now = time.Now; o.Sources[0].Stale = time.Hour })
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		group.Go(func() { _ = h.Run(ctx) })
		h.want(t, "boss@example.com", "boss@example.com true pop3")
		h.want(t, "nobody@example.com", "nobody@example.com false ")
		down := errors.New("connection refused")
		p.set(func() { p.down = down })
		time.Sleep(30 * time.Minute)
		h.want(t, "boss@example.com", "boss@example.com true pop3")
		h.want(t, "nobody@example.com", "nobody@example.com false ")
		h.want(t, "office@example.com", "office@example.com true pop3") // our own needs no source
		if _, err := h.look(t.Context(), "never.asked@example.com"); !errors.Is(err, down) {
			t.Errorf("what was never asked: %v", err)
		}
		if s := h.Sources(); len(s) != 1 || s[0].Name != "panel" || !errors.Is(s[0].Err, down) || h.Health().Err != nil {
			t.Errorf("health %+v, our own %+v", s, h.Health())
		}
		// It is left in peace: a hundred requests don't ask it a hundred times.
		before := p.asked.Load()
		for range 100 {
			_, _ = h.look(t.Context(), "never.asked@example.com")
		}
		if n := p.asked.Load() - before; n > 1 {
			t.Errorf("asked %d times while it was down", n)
		}
		time.Sleep(time.Hour)
		if _, err := h.look(t.Context(), "boss@example.com"); !errors.Is(err, down) {
			t.Errorf("after the time for old answers: %v", err)
		}
		// It comes back without a request.
		p.set(func() { p.down = nil })
		time.Sleep(20 * time.Second)
		if s := h.Sources(); s[0].Err != nil {
			t.Errorf("still %v", s[0].Err)
		}
		h.want(t, "boss@example.com", "boss@example.com true pop3")
		h.want(t, "never.asked@example.com", "never.asked@example.com false ")
		if stats := h.SourceStats(); stats[1].Name != "panel" || stats[1].OldOnes < 2 || stats[1].Failed == 0 {
			t.Errorf("%+v", stats)
		}
	})
}

// Where there is an older answer, a source that hangs costs a third of a second,
// and nothing once it is known to hang; where there is none, its time-out.
func TestASourceThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		h := withPanel(t, p, func(o *directory.Options) { o.Now = time.Now })
		h.want(t, "boss@example.com", "boss@example.com true pop3")
		time.Sleep(10 * time.Minute)
		p.set(func() { p.hang = true })
		took := func(what func()) time.Duration { began := time.Now(); what(); return time.Since(began) }
		if d := took(func() { h.want(t, "boss@example.com", "boss@example.com true pop3") }); d != 300*time.Millisecond {
			t.Errorf("a kept answer took %s", d)
		}
		if d := took(func() {
			if _, err := h.look(t.Context(), "never@example.com"); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}); d != 2*time.Second {
			t.Errorf("no answer took %s", d)
		}
		for i := range 5 {
			_, _ = h.look(t.Context(), fmt.Sprintf("n%d@example.com", i))
		}
		if d := took(func() { _, _ = h.look(t.Context(), "never.again@example.com") }); d != 0 {
			t.Errorf("a source that is known to hang took %s", d)
		}
	})
}

func TestSimultaneousMissesAskASourceOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		h := withPanel(t, p, func(o *directory.Options) { o.Now = time.Now })
		if _, err := h.Domain(t.Context(), "example.com"); err != nil {
			t.Fatal(err)
		}
		p.hang = true
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { _, _ = h.look(t.Context(), "boss@example.com") })
		}
		group.Wait()
		if n := p.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		// Different ones are bounded as well.
		p.asked.Store(0)
		for i := range 1000 {
			group.Go(func() { _, _ = h.look(t.Context(), fmt.Sprintf("n%d@example.com", i)) })
		}
		group.Wait()
		if n := p.asked.Load(); n > 256 {
			t.Errorf("%d questions at once", n)
		}
	})
}

// An alias may lead to a mailbox in another domain of ours: its decision and its
// servers are that domain's. Where either domain shows only its default to
// everybody, it leads nowhere in public.
func TestAnAliasLeadsAcrossDomains(t *testing.T) {
	t.Parallel()
	far := settings.MustAddress("far@example.com")
	for name, c := range map[string]struct {
		quiet func(*policy.Site)
		host  string
	}{
		"both speak":     {func(*policy.Site) {}, "pop.example.org"},
		"typed is quiet": {func(s *policy.Site) { s.Domains[0].PublicAnswers = policy.PublicDefault }, "imap.example.com"},
		"home is quiet":  {func(s *policy.Site) { s.Domains[1].PublicAnswers = policy.PublicDefault }, "imap.example.com"},
	} {
		h := withPanel(t, newPanel())
		c.quiet(&h.source.site)
		found := h.found(t, "far@example.com")
		if !found.Known || found.Home.Name != "example.org" || found.Entry.Name != "example.com" || found.Account.Address.String() != "target@example.org" {
			t.Fatalf("%s: %+v", name, found)
		}
		public, _ := found.Public(far)
		personal, _ := found.Personal(far)
		if public.Incoming.Host != c.host || public.Domain != "example.com" {
			t.Errorf("%s: in public %+v", name, public)
		}
		if personal.Incoming.Host != "pop.example.org" || personal.IncomingLogin.Literal != "target@example.org" || personal.Typed != far {
			t.Errorf("%s: in person %+v", name, personal)
		}
		if c.host == "imap.example.com" && public.IncomingLogin.Literal != "far@example.com" {
			t.Errorf("%s: the login leaks: %+v", name, public.IncomingLogin)
		}
	}
	// To a domain that isn't ours, it leads nowhere.
	h := withPanel(t, newPanel())
	h.source.site.Domains = h.source.site.Domains[:1]
	if found := h.found(t, "far@example.com"); found.Known {
		t.Errorf("%+v", found)
	}
}

// An account of a source that has nothing of its own can't be told from one that
// isn't there.
func TestAPlainAccountLooksLikeNone(t *testing.T) {
	t.Parallel()
	h := withPanel(t, newPanel())
	plain, nobody := settings.MustAddress("plain@example.com"), settings.MustAddress("nobody@example.com")
	a, _ := h.found(t, "plain@example.com").Public(plain)
	b, _ := h.found(t, "nobody@example.com").Public(nobody)
	shown := func(s settings.Settings) string {
		return strings.ReplaceAll(strings.ReplaceAll(fmt.Sprintf("%+v", s), "plain", "X"), "nobody", "X")
	}
	if shown(a) != shown(b) {
		t.Errorf("\n%s\n%s", shown(a), shown(b))
	}
}

func TestDomainsOfASource(t *testing.T) {
	t.Parallel()
	p := newPanel()
	p.domains = map[string]directory.SourceDomain{
		"hosted.example": {Name: "hosted.example"}, "alias.example": {Name: "hosted.example", Plan: "hosted"},
		"gold.example": {Name: "gold.example", Plan: "gold"}, "example.com": {Name: "example.com", Plan: "gold"},
	}
	user := policy.Account{Address: settings.MustAddress("user@hosted.example"), Protocol: settings.POP3}
	p.accounts["user@hosted.example"] = user
	h := withPanel(t, p, func(o *directory.Options) { o.Sources[0].Plan = "hosted" })
	for _, address := range []string{"user@hosted.example", "User+x@alias.example"} {
		found := h.found(t, address)
		typed := settings.MustAddress(address)
		s, _ := found.Public(typed)
		if found.Account.Address.String() != "user@hosted.example" || s.Incoming.Host != "pop.example.com" || s.Domain != typed.Domain() {
			t.Errorf("%s: %+v %+v", address, found.Account, s)
		}
	}
	if entry, err := h.Domain(t.Context(), "example.com"); err != nil || entry.Terms.Servers.IMAP[0].Host != "imap.example.com" {
		t.Errorf("our own site comes first: %v", err)
	}
	if _, err := h.Domain(t.Context(), "gold.example"); !errors.Is(err, directory.ErrUnusable) {
		t.Errorf("a plan that isn't there: %v", err)
	}
	if _, err := h.Domain(t.Context(), "other.example"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}
	// Without a plan there are no servers to tell of: not served, and the operator is told why.
	_, err := withPanel(t, p).Domain(t.Context(), "hosted.example")
	if without := (directory.Planless{}); !errors.Is(err, directory.ErrNotFound) || !errors.As(err, &without) || without.Source != "panel" {
		t.Errorf("without a plan: %v", err)
	}
	if h.Health().Err != nil || h.Sources()[0].Err != nil {
		t.Error("somebody is said to be down")
	}
	// A changed plan is served after a tick.
	h.source.set(func(s *fakeStore) {
		s.site.Plans[0].Servers.POP3 = policy.ServerList{{Host: "new.example.com"}}
		s.generation++
	})
	if err := h.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, _ := h.found(t, "user@hosted.example").Public(user.Address); s.Incoming.Host != "new.example.com" {
		t.Errorf("%+v", s.Incoming)
	}
	p.set(func() { p.down = errors.New("down") })
	if _, err := h.Domain(t.Context(), "never.example"); err == nil || errors.Is(err, directory.ErrNotFound) {
		t.Errorf("whether it is there can't be known: %v", err)
	}
}

// The index finds digests of addresses, aliases and alias domains, in that domain
// only; a miss asks as often as a hit, and the index is bounded.
func TestDigestsOfASource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		h := withPanel(t, p, func(o *directory.Options) { o.Now = time.Now; o.Sources[0].Digests = 100 })
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		group.Go(func() { _ = h.Run(ctx) })
		synctest.Wait()
		by := func(domain, address string) (directory.Found, error) {
			t.Helper()
			entry, err := h.Domain(t.Context(), domain)
			if err != nil {
				t.Fatal(err)
			}
			sum := md5.Sum([]byte(address))
			return h.ByDigest(t.Context(), entry, hex.EncodeToString(sum[:]))
		}
		for _, c := range [][3]string{
			{"example.com", "boss@example.com", "boss@example.com"},
			{"example.net", "boss@example.net", "boss@example.com"},
			{"example.com", "chef@example.com", "boss@example.com"},
			{"example.com", "far@example.com", "target@example.org"},
			{"example.org", "target@example.org", "target@example.org"},
		} {
			if found, err := by(c[0], c[1]); err != nil || found.Account.Address.String() != c[2] {
				t.Errorf("%v: %+v %v", c, found.Account, err)
			}
		}
		for _, c := range [][2]string{{"example.com", "nobody@example.com"}, {"example.org", "boss@example.com"}, {"example.com", "target@example.org"}} {
			for _, asks := range []int64{1, 0} {
				panel, own := p.asked.Load(), h.source.asked.Load()
				if found, err := by(c[0], c[1]); !errors.Is(err, directory.ErrNotFound) {
					t.Errorf("%v: %+v %v", c, found.Account, err)
				}
				if n, m := p.asked.Load()-panel, h.source.asked.Load()-own; n != asks || m != 2*asks {
					t.Errorf("%v asks the source %d times, our own database %d times", c, n, m)
				}
			}
		}
		// What was added is found after the next reading; while it is down, the last one stays.
		p.set(func() {
			p.accounts["new@example.com"] = policy.Account{Address: settings.MustAddress("new@example.com"), Protocol: settings.POP3}
		})
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		if _, err := by("example.com", "new@example.com"); err != nil {
			t.Error(err)
		}
		p.set(func() { p.down = errors.New("down") })
		time.Sleep(time.Hour)
		if s := h.SourceStats()[1]; s.Digests == 0 || s.DigestsFull {
			t.Errorf("%+v", s)
		}
	})
}

func TestTheIndexOfDigestsIsBoundedAndCanBeOff(t *testing.T) {
	t.Parallel()
	for most, full := range map[int]bool{0: false, 5: true, 1000: false} {
		synctest.Test(t, func(t *testing.T) {
			p := newPanel()
			h := withPanel(t, p, func(o *directory.Options) { o.Now = time.Now; o.Sources[0].Digests = most })
			ctx, cancel := context.WithCancel(t.Context())
			var group sync.WaitGroup
			defer group.Wait()
			defer cancel()
			group.Go(func() { _ = h.Run(ctx) })
			synctest.Wait()
			if s := h.SourceStats()[1]; s.Digests > most || s.DigestsFull != full || (p.walks.Load() > 0) != (most > 0) {
				t.Errorf("at most %d: %+v, read %d times", most, s, p.walks.Load())
			}
		})
	}
}

func TestSearchGoesThroughAllSources(t *testing.T) {
	t.Parallel()
	broken := newPanel()
	broken.down = errors.New("down")
	p := newPanel()
	p.accounts["office@example.com"] = policy.Account{Address: settings.MustAddress("office@example.com"), Name: "the same as ours"}
	h := withPanel(t, p, func(o *directory.Options) {
		o.Sources = append(o.Sources, directory.SourceOptions{Name: "broken", Source: broken})
	})
	h.source.overrides = map[string]policy.Override{"plain@example.com": {Protocol: settings.POP3}}
	show := func(accounts []policy.Account) string {
		var all []string
		for _, a := range accounts {
			all = append(all, a.Address.String()+" "+string(a.Protocol))
		}
		return strings.Join(all, ", ")
	}
	for _, c := range []struct {
		text    string
		domains []string
		limit   int
		want    string
	}{
		{"example", nil, 10, "boss@example.com pop3, office@example.com pop3, plain@example.com pop3, target@example.org "},
		{"example", nil, 2, ""},
		{"example", []string{"example.org"}, 10, "target@example.org "},
		{"example", []string{}, 10, ""},
		{"nothing", nil, 10, ""},
	} {
		got, failed, err := h.Search(t.Context(), c.text, c.domains, c.limit)
		if err != nil || !slices.Equal(failed, []string{"broken"}) || len(got) > c.limit || c.limit == 10 && show(got) != c.want {
			t.Errorf("%+v: %s, failed %v, %v", c, show(got), failed, err)
		}
	}
	h.source.set(func(s *fakeStore) { s.down = errors.New("our own is down") })
	if _, _, err := h.Search(t.Context(), "x", nil, 1); err == nil {
		t.Error("a search without our own database")
	}
}

// A database that tells of changes is believed at once; when it has lost the
// connection, it is asked as often as the others, and listened to again.
func TestChangesAreHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.source.told = make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		group.Go(func() { _ = h.Run(ctx) })
		synctest.Wait()
		h.want(t, "office@example.com", "office@example.com true pop3")
		remove := func() { h.source.set(func(s *fakeStore) { s.site.Accounts = nil; s.generation++ }) }
		restore := func() {
			h.source.set(func(s *fakeStore) { s.site.Accounts = newFakeStore(t).site.Accounts; s.generation++ })
		}
		remove()
		h.source.told <- nil
		synctest.Wait()
		h.want(t, "office@example.com", "office@example.com false ")
		restore() // and nobody tells: the connection is dead
		time.Sleep(time.Second + 250*time.Millisecond)
		h.want(t, "office@example.com", "office@example.com true pop3")
		h.source.told <- errors.New("connection lost")
		synctest.Wait()
		remove()
		time.Sleep(251 * time.Millisecond)
		h.want(t, "office@example.com", "office@example.com false ")
		time.Sleep(time.Second) // it listens again
		restore()
		h.source.told <- nil
		synctest.Wait()
		h.want(t, "office@example.com", "office@example.com true pop3")
	})
}
