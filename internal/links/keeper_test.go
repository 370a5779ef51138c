package links_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/links"
	"autoconfig/internal/store"
	"autoconfig/settings"
)

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(c.at.Load(), 0).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d.Seconds())) }

func newKeeper(t *testing.T) (*links.Keeper, *clock) {
	t.Helper()
	db, err := store.Open(t.Context(), database.MustParse("sqlite:"+t.TempDir()+"/links.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).Unix())
	return &links.Keeper{Store: db, Secret: []byte("a secret of the test"), Now: c.now}, c
}

func order(address string) links.Order {
	return links.Order{Address: settings.MustAddress(address), Domain: "example.com", By: "staff:eva"}
}

func TestALinkLivesAndEnds(t *testing.T) {
	t.Parallel()
	k, c := newKeeper(t)
	token, l, err := k.Make(t.Context(), order("office@example.com"))
	if err != nil || len(token) != 26 || token != strings.ToLower(token) || l.Uses != 1 || l.ExpiresAt.Sub(l.MadeAt) != links.DefaultValid {
		t.Fatalf("%q %+v %v", token, l, err)
	}
	found, err := k.Find(t.Context(), strings.ToUpper(token))
	if err != nil || found != l || k.StateOf(found) != links.Open {
		t.Fatalf("%+v, want %+v: %v", found, l, err)
	}
	pass, err := k.Use(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if l, _ = k.Find(t.Context(), token); k.StateOf(l) != links.Used {
		t.Errorf("after its use: %+v", l)
	}
	if _, err := k.Use(t.Context(), l); !errors.Is(err, links.ErrSpent) {
		t.Errorf("a second use: %v", err)
	}
	c.advance(links.Window - time.Second)
	if k.AdmittedUntil(l, pass).IsZero() {
		t.Error("the window is closed too early")
	}
	_, other, err := k.Make(t.Context(), order("workshop@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	for name, wrong := range map[string]string{"another link's": pass, "none": "", "unsigned": "9999999999.", "longer": "9" + pass, "no number": "x." + pass} {
		of := l
		if name == "another link's" {
			of = other
		}
		if !k.AdmittedUntil(of, wrong).IsZero() {
			t.Errorf("the pass that is %s lets in", name)
		}
	}
	c.advance(time.Second)
	if !k.AdmittedUntil(l, pass).IsZero() {
		t.Error("the window doesn't close")
	}
}

func TestALinkExpiresAndIsRevoked(t *testing.T) {
	t.Parallel()
	k, c := newKeeper(t)
	o := order("office@example.com")
	o.Uses, o.Valid = 3, time.Hour
	_, l, err := k.Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	pass, err := k.Use(t.Context(), l)
	if err != nil || k.AdmittedUntil(l, pass).IsZero() {
		t.Fatal(err)
	}
	if err := k.Revoke(t.Context(), l, "staff:eva"); err != nil {
		t.Fatal(err)
	}
	l, err = k.Store.Link(t.Context(), l.ID)
	if err != nil || k.StateOf(l) != links.Revoked || l.RevokedBy != "staff:eva" || !k.AdmittedUntil(l, pass).IsZero() {
		t.Errorf("revoked: %+v %v", l, err)
	}
	if _, err := k.Use(t.Context(), l); !errors.Is(err, links.ErrSpent) {
		t.Errorf("used though revoked: %v", err)
	}
	_, l, err = k.Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	c.advance(time.Hour)
	if _, err := k.Use(t.Context(), l); !errors.Is(err, links.ErrSpent) || k.StateOf(l) != links.Expired {
		t.Errorf("used though expired: %v", err)
	}
}

// Of any number of uses at the same time, as many win as there are.
func TestUsesAtTheSameTime(t *testing.T) {
	t.Parallel()
	k, _ := newKeeper(t)
	for _, uses := range []int{1, 3} {
		o := order("office@example.com")
		o.Uses = uses
		_, l, err := k.Make(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var won atomic.Int64
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := k.Use(context.Background(), l); err == nil {
					won.Add(1)
				} else if !errors.Is(err, links.ErrSpent) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != int64(uses) {
			t.Errorf("%d uses, %d won", uses, won.Load())
		}
	}
}

func TestOrdersOfTheSameWordAreOne(t *testing.T) {
	t.Parallel()
	k, _ := newKeeper(t)
	o := order("office@example.com")
	o.IdempotencyKey = "ticket 7"
	first, l, err := k.Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	again, same, err := k.Make(t.Context(), o)
	if err != nil || again != first || same.ID != l.ID || !same.Again || l.Again {
		t.Errorf("%q %+v %v", again, same, err)
	}
	for name, other := range map[string]links.Order{
		"another address": {Address: settings.MustAddress("kiosk@example.com"), Domain: o.Domain, By: o.By, IdempotencyKey: o.IdempotencyKey},
		"another request": {Address: o.Address, Domain: o.Domain, By: o.By, IdempotencyKey: o.IdempotencyKey, Request: "two uses"},
	} {
		if token, got, err := k.Make(t.Context(), other); !errors.Is(err, links.ErrOther) || token != "" || got.ID != "" {
			t.Errorf("%s under the same word: %q %+v %v", name, token, got, err)
		}
	}
	o.By = "staff:otto"
	if other, _, err := k.Make(t.Context(), o); err != nil || other == first {
		t.Errorf("somebody else's: %q %v", other, err)
	}
}

func TestOrdersThatAreRefused(t *testing.T) {
	t.Parallel()
	k, _ := newKeeper(t)
	for name, change := range map[string]func(*links.Order){
		"no address": func(o *links.Order) { o.Address = settings.Address{} },
		"too short":  func(o *links.Order) { o.Valid = time.Second },
		"too long":   func(o *links.Order) { o.Valid = links.MaxValid + 1 },
		"negative":   func(o *links.Order) { o.Uses = -1 },
		"too many":   func(o *links.Order) { o.Uses = links.MaxUses + 1 },
		"long note":  func(o *links.Order) { o.Note = strings.Repeat("ü", links.MaxNote+1) },
		"two lines":  func(o *links.Order) { o.Note = "a\nb" },
	} {
		o := order("office@example.com")
		change(&o)
		if _, _, err := k.Make(t.Context(), o); !errors.Is(err, links.ErrOrder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, token := range []string{"", "x", strings.Repeat("0", 26), strings.Repeat("0", 10_000), "' OR 1=1 --"} {
		if _, err := k.Find(t.Context(), token); !errors.Is(err, links.ErrUnknown) {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestListsAndEvents(t *testing.T) {
	t.Parallel()
	k, c := newKeeper(t)
	var ids []string
	for i, domain := range []string{"example.com", "other.example", "example.com"} {
		o := order("office@" + domain)
		o.Domain, o.Note = domain, string(rune('a'+i))
		_, l, err := k.Make(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.ID)
		c.advance(time.Second)
	}
	for name, f := range map[string]struct {
		filter links.Filter
		want   []string
	}{
		"all":        {links.Filter{Limit: 10}, []string{ids[2], ids[1], ids[0]}},
		"first page": {links.Filter{Limit: 2}, []string{ids[2], ids[1]}},
		"next page":  {links.Filter{Limit: 2, Before: ids[1]}, []string{ids[0]}},
		"a domain":   {links.Filter{Limit: 10, Domains: []string{"other.example"}}, []string{ids[1]}},
		"no domain":  {links.Filter{Limit: 10, Domains: []string{}}, nil},
		"an account": {links.Filter{Limit: 10, Address: "office@other.example"}, []string{ids[1]}},
	} {
		got, err := k.Store.Links(t.Context(), f.filter)
		if err != nil || len(got) != len(f.want) {
			t.Errorf("%s: %d links, %v", name, len(got), err)
			continue
		}
		for i, l := range got {
			if l.ID != f.want[i] {
				t.Errorf("%s: %s at %d, want %s", name, l.ID, i, f.want[i])
			}
		}
	}
	l, err := k.Store.Link(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, device := range []links.Device{links.IPhone, links.IPhone, links.Mac} {
		if err := k.Record(t.Context(), l, links.Opened, device); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Minute)
	}
	events, err := k.Store.LinkEvents(t.Context(), l.ID)
	if err != nil || len(events) != 2 || events[0].Count != 2 || events[0].Last.Sub(events[0].First) != time.Minute || events[1].Device != links.Mac {
		t.Errorf("%+v %v", events, err)
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]links.Device{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1": links.IPhone,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15":                   links.Mac,
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36":                         links.Android,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0":                                                        links.Windows,
		"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0":                                                                  links.Linux,
		"WhatsApp/2.23.20.0 A": links.Preview,
		"Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5": links.Preview,
		"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)":      links.Preview,
		"curl/8.0": links.Other,
		"":         links.Other,
	} {
		if got := links.DeviceOf(agent); got != want {
			t.Errorf("%s: %s", agent, got)
		}
	}
	if links.ParseDevice("mac") != links.Mac || links.ParseDevice("preview") != links.Other || links.ParseDevice("<x>") != links.Other {
		t.Error("chosen devices")
	}
}

// Whatever a browser sends as a pass, only one that was signed lets in.
func FuzzPasses(f *testing.F) {
	k := &links.Keeper{Secret: []byte("a secret of the test"), Now: func() time.Time { return time.Unix(1_700_000_000, 0) }}
	for _, seed := range []string{"", ".", "1.", "99999999999.x", "-1.x", "1e9.x", "99999999999999999999.x"} {
		f.Add(seed, "id")
	}
	f.Fuzz(func(t *testing.T, pass, id string) {
		if until := k.AdmittedUntil(links.Link{ID: id}, pass); !until.IsZero() {
			t.Errorf("%q opens %q until %s", pass, id, until)
		}
	})
}
