package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"autoconfig/internal/database"
	"autoconfig/internal/links"
	"autoconfig/internal/store"
	"autoconfig/internal/webhook"
	"autoconfig/settings"
)

// scene is a service with links, and a receiver.
type scene struct {
	*clock
	*receiver
	keeper *links.Keeper
	file   string
	store  *store.Store
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{clock: &clock{}, file: t.TempDir() + "/hooks.db"}
	s.clock.at.Store(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).Unix())
	s.receiver = newReceiver(t, s.clock)
	s.store = s.open(t)
	s.keeper = &links.Keeper{Store: s.store, Secret: []byte("a secret of the test"), Now: s.now, Tell: true}
	return s
}

func (s *scene) open(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), database.MustParse("sqlite:"+s.file), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// sender is a replica's.
func (s *scene) sender(t *testing.T, db *store.Store, holder string) *webhook.Sender {
	return &webhook.Sender{
		Store: db, Endpoint: webhook.Endpoint{URL: s.URL, Key: key(t), Client: s.Client()}, Holder: holder, Now: s.now,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func (s *scene) link(t *testing.T) links.Link {
	t.Helper()
	_, l, err := s.keeper.Make(t.Context(), links.Order{
		Address: settings.MustAddress("office@example.com"), Domain: "example.com", By: "token:panel", Note: "ticket 7",
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (s *scene) opened(t *testing.T) links.Link {
	t.Helper()
	l := s.link(t)
	if err := s.keeper.Record(t.Context(), l, links.Opened, links.Mac); err != nil {
		t.Fatal(err)
	}
	return l
}

func once(t *testing.T, s *webhook.Sender) {
	t.Helper()
	if err := s.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// description is the notice's in the description of the API.
func description(t *testing.T) *openapi3.Schema {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	notice := document.Webhooks["link"].Post.RequestBody.Value.Content["application/json"].Schema.Value
	if len(notice.Properties["type"].Value.Enum) != len(links.NoticeKinds) {
		t.Errorf("openapi.json names the types %v", notice.Properties["type"].Value.Enum)
	}
	return notice
}

func TestEachKindIsToldOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	sender := s.sender(t, s.store, "a")
	counted := map[string]int{}
	sender.Count = func(kind links.Kind, outcome string) { counted[string(kind)+" "+outcome]++ }
	used, unused := s.opened(t), s.link(t)
	began := s.now()
	if _, err := s.keeper.Use(t.Context(), used); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, kind := range []links.Kind{links.Opened, links.Shown, links.Download} {
			if err := s.keeper.Record(t.Context(), used, kind, links.IPhone); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.keeper.Revoke(t.Context(), used, "staff:eva"); err != nil {
			t.Fatal(err)
		}
		s.advance(time.Minute)
		once(t, sender)
	}
	s.advance(links.DefaultValid)
	once(t, sender)
	once(t, sender)
	described := description(t)
	var kinds, ids []string
	for _, c := range s.got() {
		var value any
		if err := errors.Join(json.Unmarshal([]byte(c.body), &value), described.VisitJSON(value)); err != nil {
			t.Errorf("%s isn't as openapi.json says: %v", c.body, err)
		}
		kinds, ids = append(kinds, c.kind), append(ids, c.id)
		want, at := used.ID, began
		if c.kind == "link.expired" {
			want, at = unused.ID, unused.ExpiresAt
		}
		if !strings.Contains(c.body, `"link":"`+want+`"`) || !c.at.Equal(at) {
			t.Errorf("%+v, want link %s at %s", c, want, at)
		}
		if strings.Contains(c.body, "office") || strings.Contains(c.body, "ticket") {
			t.Errorf("it tells of the person: %s", c.body)
		}
	}
	slices.Sort(kinds)
	if want := []string{"link.expired", "link.opened", "link.profile", "link.revoked", "link.settings", "link.used"}; !slices.Equal(kinds, want) {
		t.Errorf("told %q, want %q", kinds, want)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 6 {
		t.Errorf("ids %q", ids)
	}
	for _, kind := range links.NoticeKinds {
		if counted[string(kind)+" sent"] != 1 {
			t.Errorf("counted %v", counted)
		}
	}
}

// The id stays, the time is that of the attempt, and between attempts the receiver has its rest.
func TestAReceiverThatFailsTwice(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	sender := s.sender(t, s.store, "a")
	answers := []int{500, 0, 204, 204}
	s.answer = func(call) int {
		status := answers[0]
		answers = answers[1:]
		return status
	}
	s.opened(t)
	s.opened(t)
	began := s.now()
	var sent []time.Duration
	var ids []string
	for range 40 { // seconds
		once(t, sender)
		for _, c := range s.got() {
			sent, ids = append(sent, c.sent.Sub(began)), append(ids, c.id)
		}
		s.advance(time.Second)
	}
	// The first fails; after five seconds the other is tried and fails; after ten more both arrive.
	if want := []time.Duration{0, 5 * time.Second, 15 * time.Second, 15 * time.Second}; !slices.Equal(sent, want) {
		t.Errorf("sent at %v, want %v", sent, want)
	}
	if len(ids) != 4 || ids[0] == ids[1] || ids[2] != ids[0] || ids[3] != ids[1] {
		t.Errorf("ids %q", ids)
	}
	if all, err := s.store.NoticeSummary(t.Context(), s.now()); err != nil || all.Waiting != 0 {
		t.Errorf("%+v %v", all, err)
	}
}

func TestAReceiverAsksForTime(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.answer = func(call) int { return http.StatusTooManyRequests }
	for asked, want := range map[string]time.Duration{"120": 2 * time.Minute, "1": 5 * time.Second, "99999999999": time.Hour} {
		sender := s.sender(t, s.store, "a")
		s.header.Set("Retry-After", asked)
		s.opened(t)
		once(t, sender)
		s.advance(want - time.Second)
		s.opened(t)
		once(t, sender)
		if n := len(s.got()); n != 1 {
			t.Errorf("%s: %d calls before its time", asked, n)
		}
		s.advance(time.Second)
		once(t, sender)
		if n := len(s.got()); n != 1 {
			t.Errorf("%s: %d calls at its time", asked, n)
		}
		s.advance(24 * time.Hour)
	}
}

func TestTwoWorkersTellOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	const n = 20
	for range n {
		s.opened(t)
	}
	var group sync.WaitGroup
	for _, holder := range []string{"a", "b"} {
		sender := s.sender(t, s.open(t), holder)
		group.Go(func() {
			if err := sender.Once(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	ids := map[string]int{}
	for _, c := range s.got() {
		ids[c.id]++
	}
	if len(ids) != n {
		t.Errorf("%d told of %d", len(ids), n)
	}
	for id, times := range ids {
		if times != 1 {
			t.Errorf("%s was told %d times", id, times)
		}
	}
}

// What was done before a process ended is told by the next one: also if it ended in the middle of telling.
func TestNothingIsLostWithAProcess(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.opened(t)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	db := s.open(t)
	dead, stop := context.WithCancel(t.Context())
	arrived := make(chan struct{})
	s.answer = func(call) int {
		stop() // the service is told to end while the receiver works
		<-arrived
		return http.StatusNoContent
	}
	if err := s.sender(t, db, "a").Once(dead); err != nil {
		t.Error(err)
	}
	close(arrived)
	s.answer = func(call) int { return http.StatusNoContent }
	first := s.got()
	once(t, s.sender(t, db, "b"))
	again := s.got()
	if len(first) != 1 || len(again) != 1 || first[0].id != again[0].id {
		t.Errorf("%+v, then %+v", first, again)
	}
	// One that is killed tells nobody that it has ended.
	s.keeper.Store = db
	s.opened(t)
	if _, found, err := db.ClaimNotice(t.Context(), "killed", s.now(), s.now().Add(2*time.Minute)); err != nil || !found {
		t.Fatal(found, err)
	}
	sender := s.sender(t, db, "b")
	once(t, sender)
	if calls := s.got(); len(calls) != 0 {
		t.Errorf("told while another one may be telling: %+v", calls)
	}
	s.advance(3 * time.Minute)
	once(t, sender)
	if calls := s.got(); len(calls) != 1 {
		t.Errorf("lost: %+v", calls)
	}
}

func TestWhatCannotBeToldIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	sender := s.sender(t, s.store, "a")
	outcomes := map[string]int{}
	sender.Count = func(_ links.Kind, outcome string) { outcomes[outcome]++ }
	s.answer = func(call) int { return http.StatusFound }
	s.opened(t)
	began := s.now()
	var last call
	for s.now().Sub(began) < 40*time.Hour {
		once(t, sender)
		if calls := s.got(); len(calls) > 0 {
			if last.id != "" && calls[0].kind == last.kind && calls[0].sent.Sub(last.sent) > 2*time.Hour+5*time.Minute {
				t.Errorf("%s after %s", calls[0].sent, last.sent)
			}
			if calls[0].kind == "link.opened" {
				last = calls[0]
			}
		}
		if all, err := s.store.NoticeSummary(t.Context(), s.now()); err != nil || all.Waiting > 0 && all.Reason != "the webhook answers 302 Found" {
			t.Fatalf("%+v %v", all, err)
		}
		s.advance(5 * time.Minute)
	}
	if after := last.sent.Sub(began); after < 24*time.Hour || after > 26*time.Hour {
		t.Errorf("given up after %s", after)
	}
	if outcomes["given_up"] != 1 || outcomes["later"] < 15 {
		t.Errorf("%v", outcomes)
	}
	// Whoever says that it doesn't want it at all isn't told again.
	gone := newScene(t)
	gone.answer = func(call) int { return http.StatusGone }
	gone.opened(t)
	sender = gone.sender(t, gone.store, "a")
	for range 10 {
		once(t, sender)
		gone.advance(time.Hour)
	}
	if calls := gone.got(); len(calls) != 1 {
		t.Errorf("%+v", calls)
	}
}

func TestTheSenderEnds(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	sender := s.sender(t, s.store, "a")
	tick := make(chan time.Time)
	sender.Tick = tick
	s.opened(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- sender.Run(ctx) }()
	tick <- time.Time{}
	tick <- time.Time{} // taken once the first was worked on
	stop()
	if err := <-ended; err != nil || len(s.got()) != 1 {
		t.Error(err)
	}
}
