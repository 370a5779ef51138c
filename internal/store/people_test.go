package store_test

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
)

var when = time.Unix(1.7e9, 0).UTC()

func TestLinks(t *testing.T) { onEach(t, testLinks) }

func testLinks(t *testing.T, s *store.Store) {
	ctx := t.Context()
	l := links.Link{ID: "01", Address: "Office@example.com", Domain: "example.com", Language: "de", Note: "für \\ 'x'", MadeBy: "staff:eva", MadeAt: when, ExpiresAt: when.Add(time.Hour), Uses: 3}
	if err := s.PutLink(ctx, []byte{0, 1, 0xff}, "office@example.com", l); err != nil {
		t.Fatal(err)
	}
	if err := s.PutLink(ctx, []byte{2}, "other@example.org", links.Link{ID: "02", Address: "other@example.org", Domain: "example.org", MadeAt: when}); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]func() (links.Link, error){
		"by hash": func() (links.Link, error) { return s.LinkByHash(ctx, []byte{0, 1, 0xff}) },
		"by id":   func() (links.Link, error) { return s.Link(ctx, "01") },
	} {
		if x, err := got(); err != nil || !reflect.DeepEqual(x, l) {
			t.Errorf("%s: %+v %v", name, x, err)
		}
	}
	if _, err := s.LinkByHash(ctx, []byte{9}); !errors.Is(err, links.ErrUnknown) {
		t.Errorf("a hash of nobody's: %v", err)
	}
	for name, c := range map[string]struct {
		filter links.Filter
		want   int
	}{
		"all":            {links.Filter{Limit: 10}, 2},
		"one":            {links.Filter{Limit: 1}, 1},
		"before":         {links.Filter{Before: "02", Limit: 10}, 1},
		"of an address":  {links.Filter{Address: "office@example.com", Limit: 10}, 1},
		"of a domain":    {links.Filter{Domains: []string{"example.org", "x"}, Limit: 10}, 1},
		"of no domain":   {links.Filter{Domains: []string{}, Limit: 10}, 0},
		"of an injected": {links.Filter{Address: "' OR ''='", Limit: 10}, 0},
	} {
		if got, err := s.Links(ctx, c.filter); err != nil || len(got) != c.want {
			t.Errorf("%s: %d, %v", name, len(got), err)
		}
	}
	// Of ten at the same time, as many get a use as there are.
	var used atomic.Int32
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if ok, err := s.UseLink(ctx, "01", when); err != nil {
				t.Error(err)
			} else if ok {
				used.Add(1)
			}
			if err := s.AddLinkEvent(ctx, "01", links.Opened, links.Devices[0], when); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if used.Load() != 3 {
		t.Errorf("%d uses of 3", used.Load())
	}
	if events, err := s.LinkEvents(ctx, "01"); err != nil || len(events) != 1 || events[0].Count != 10 || !events[0].First.Equal(when) {
		t.Errorf("%+v %v", events, err)
	}
	for _, by := range []string{"staff:eva", "staff:otto"} {
		if revoked, err := s.RevokeLink(ctx, "01", by, when.Add(time.Minute)); err != nil || revoked != (by == "staff:eva") {
			t.Fatal(by, revoked, err)
		}
	}
	if got, err := s.Link(ctx, "01"); err != nil || got.RevokedBy != "staff:eva" || got.Used != 3 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestPeople(t *testing.T) { onEach(t, testPeople) }

func testPeople(t *testing.T, s *store.Store) {
	ctx := t.Context()
	eva := staff.Person{ID: "1", Issuer: "", Subject: "eva", Name: "eva", Role: staff.Admin, Domains: []string{"*"}, Password: "x", MadeAt: when}
	if err := s.AddPerson(ctx, eva); err != nil {
		t.Fatal(err)
	}
	again := eva
	again.ID = "2"
	if err := s.AddPerson(ctx, again); !errors.Is(err, staff.ErrExists) {
		t.Errorf("the same once more: %v", err)
	}
	eva.TOTPKey, eva.Role = []byte{0, 0xff}, staff.Staff
	if err := s.ChangePerson(ctx, eva); err != nil {
		t.Fatal(err)
	}
	if got, err := s.PersonBySubject(ctx, "", "eva"); err != nil || !reflect.DeepEqual(got, eva) {
		t.Errorf("%+v %v", got, err)
	}
	if ok, err := s.UseStep(ctx, "1", 7); err != nil || !ok {
		t.Errorf("a new step: %v %v", ok, err)
	}
	if ok, err := s.UseStep(ctx, "1", 7); err != nil || ok {
		t.Errorf("a step that was used: %v %v", ok, err)
	}
	eva.LastTOTPStep = 3 // what was read before the step was used must not take it back
	if err := s.ChangePerson(ctx, eva); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.CountFailure(ctx, "1", 2, when); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Person(ctx, "1"); err != nil || got.LastTOTPStep != 7 || !got.LockedUntil.Equal(when) || got.Failures != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if err := s.ForgiveFailures(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	if all, err := s.People(ctx); err != nil || len(all) != 1 || !all[0].LockedUntil.IsZero() {
		t.Errorf("%+v %v", all, err)
	}
	if err := s.PutSession(ctx, []byte{1, 0}, staff.Session{Person: "1", MadeAt: when, SeenAt: when, Enrolling: true}); err != nil {
		t.Fatal(err)
	}
	for _, seen := range []time.Time{when.Add(time.Hour), when.Add(time.Minute)} { // of two at once, the older one may be the second
		if err := s.RenewSession(ctx, []byte{1, 0}, seen); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Session(ctx, []byte{1, 0}); err != nil || !got.Enrolling || !got.SeenAt.Equal(when.Add(time.Hour)) {
		t.Errorf("%+v %v", got, err)
	}
	if err := s.RemovePerson(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"person":  func() error { _, err := s.Person(ctx, "1"); return err }(),
		"session": func() error { _, err := s.Session(ctx, []byte{1, 0}); return err }(),
		"change":  s.ChangePerson(ctx, eva),
		"renewal": s.RenewSession(ctx, []byte{1, 0}, when.Add(2*time.Hour)),
		"lock":    func() error { _, err := s.LockPerson(ctx, "1"); return err }(),
	} {
		if !errors.Is(err, staff.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	token := staff.Token{ID: "t", Name: "panel", Scopes: []string{"links:read"}, Domains: []string{"example.com"}, MadeBy: "x", MadeAt: when, ExpiresAt: when.Add(time.Hour)}
	if err := s.PutToken(ctx, []byte{3}, token); err != nil {
		t.Fatal(err)
	}
	if got, err := s.TokenByHash(ctx, []byte{3}); err != nil || !reflect.DeepEqual(got, token) {
		t.Errorf("%+v %v", got, err)
	}
	if err := s.RemoveToken(ctx, "t"); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Tokens(ctx); err != nil || len(all) != 0 {
		t.Errorf("%+v %v", all, err)
	}
}

// Work is one replica's: of ten that want it, one gets it, and keeps it until its
// time is over.
func TestLeasesWantedAtOnce(t *testing.T) { onEach(t, testLeasesAtOnce) }

func testLeasesAtOnce(t *testing.T, s *store.Store) {
	ctx := t.Context()
	var got atomic.Int32
	var holder atomic.Value
	var group sync.WaitGroup
	for i := range 10 {
		group.Go(func() {
			name := string(rune('a' + i))
			if ok, err := s.TakeLease(ctx, "work", name, when, when.Add(time.Minute)); err != nil {
				t.Error(err)
			} else if ok {
				got.Add(1)
				holder.Store(name)
			}
		})
	}
	group.Wait()
	if got.Load() != 1 {
		t.Fatalf("%d have it", got.Load())
	}
	for _, c := range []struct {
		holder string
		now    time.Time
		want   bool
	}{
		{"somebody", when.Add(time.Second), false},
		{holder.Load().(string), when.Add(time.Second), true}, // renewed until 1:01
		{"somebody", when.Add(time.Minute), false},
		{"somebody", when.Add(2 * time.Minute), true},
		{holder.Load().(string), when.Add(2 * time.Minute), false},
	} {
		if ok, err := s.TakeLease(ctx, "work", c.holder, c.now, c.now.Add(time.Minute)); err != nil || ok != c.want {
			t.Errorf("%s at %s: %v %v", c.holder, c.now, ok, err)
		}
	}
}
