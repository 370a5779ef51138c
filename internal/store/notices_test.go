package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"autoconfig/internal/links"
	"autoconfig/internal/store"
	"autoconfig/internal/webhook"
	"autoconfig/settings"
)

// putTold keeps a notice that was sent and one that waits.
func putTold(t *testing.T, s *store.Store) {
	t.Helper()
	putNotices(t, s, 2)
	d, found, err := s.ClaimNotice(t.Context(), "a", messagesAt, messagesAt.Add(time.Minute))
	if err != nil || !found {
		t.Fatal(found, err)
	}
	d.State, d.Tries, d.DoneAt, d.DueAt, d.Reason = webhook.Sent, 2, messagesAt, time.Time{}, "é; '\n"
	allGood(t, s.PutDelivery(t.Context(), "a", d))
}

// putNotices keeps n notices that are due, each twice.
func putNotices(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for i := range 2 * n {
		notice := links.Notice{Link: fmt.Sprintf("l%03d", i/2), Domain: "example.com", Kind: links.Opened, Number: 1, At: messagesAt.Add(time.Duration(i%2) * time.Hour)}
		if err := s.PutNotice(t.Context(), notice); err != nil {
			t.Fatal(err)
		}
	}
}

// Each notice is kept once, and given to one holder, whatever the database. When a holder is gone,
// another one gets it.
func TestNoticesAreGivenToOneHolder(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		ctx, s := t.Context(), p.open(t)
		putNotices(t, s, 12)
		now, until := messagesAt.Add(time.Second), messagesAt.Add(time.Minute)
		if _, found, err := s.ClaimNotice(ctx, "early", messagesAt.Add(-time.Second), until); err != nil || found {
			t.Errorf("claimed before it is due: %v %v", found, err)
		}
		var mu sync.Mutex
		claimed := map[string]int{}
		var group sync.WaitGroup
		for _, holder := range []string{"a", "b", "c"} {
			group.Go(func() {
				for {
					d, found, err := s.ClaimNotice(ctx, holder, now, until)
					if err != nil || !found {
						if err != nil {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					claimed[d.ID()]++
					mu.Unlock()
				}
			})
		}
		group.Wait()
		if len(claimed) != 12 || slices.Max(slices.Collect(values(claimed))) != 1 {
			t.Errorf("claimed %v", claimed)
		}
		after := until.Add(time.Second) // all holders are gone
		d, found, err := s.ClaimNotice(ctx, "d", after, after.Add(time.Minute))
		if err != nil || !found || d.State != webhook.Queued || !d.At.Equal(messagesAt) {
			t.Fatalf("%+v %v %v", d, found, err)
		}
		late := d
		late.State = webhook.GivenUp
		for _, holder := range []string{"a", "b", "c"} {
			allGood(t, s.PutDelivery(ctx, holder, late))
		}
		if all, err := s.NoticeSummary(ctx, after); err != nil || all.Waiting != 12 {
			t.Errorf("what isn't a holder's any more was ended by it: %+v %v", all, err)
		}
		d.Tries, d.DueAt, d.Reason = 1, after.Add(time.Minute), "the webhook answers 500"
		allGood(t, s.PutDelivery(ctx, "d", d))
		for i := range 11 {
			other, found, err := s.ClaimNotice(ctx, "e", after, after.Add(time.Minute))
			if err != nil || !found || other.ID() == d.ID() {
				t.Fatalf("%d: %+v %v %v", i, other, found, err)
			}
			other.State, other.DueAt, other.DoneAt = webhook.Sent, time.Time{}, after
			allGood(t, s.PutDelivery(ctx, "e", other))
		}
		if all, err := s.NoticeSummary(ctx, after); err != nil || all != (webhook.Summary{Waiting: 1, Oldest: messagesAt, Reason: d.Reason}) {
			t.Errorf("%+v %v", all, err)
		}
		if all, err := s.NoticeSummary(ctx, messagesAt.Add(-time.Second)); err != nil || all.Waiting != 0 {
			t.Errorf("what hasn't happened waits: %+v %v", all, err)
		}
		again, found, err := s.ClaimNotice(ctx, "f", d.DueAt, d.DueAt.Add(time.Minute))
		if err != nil || !found || again != d {
			t.Errorf("%+v, want %+v: %v %v", again, d, found, err)
		}
	})
}

// noticesOf are the notices that wait until a time, as kind and number; they are then sent.
func noticesOf(t *testing.T, s *store.Store, id string, now time.Time) (kinds []string) {
	t.Helper()
	for {
		d, found, err := s.ClaimNotice(t.Context(), "x", now, now.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			slices.Sort(kinds)
			return kinds
		}
		d.State = webhook.Sent
		allGood(t, s.PutDelivery(t.Context(), "x", d))
		if d.Link == id && d.Domain == "example.com" {
			kinds = append(kinds, fmt.Sprint(d.Kind, d.Number))
		}
	}
}

// What has happened to a link is kept to be told, in the transaction of the act; what hasn't isn't.
func TestActsOnLinksLeaveNotices(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx, now := t.Context(), messagesAt
		k := &links.Keeper{Store: s, Secret: []byte("x"), Tell: true, Now: func() time.Time { return now }}
		order := links.Order{Address: settings.MustAddress("office@example.com"), Domain: "example.com", By: "staff:eva", Uses: 2, Note: "a note"}
		link := func() links.Link {
			t.Helper()
			_, l, err := k.Make(ctx, order)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		want := func(what string, l links.Link, at time.Time, kinds ...string) {
			t.Helper()
			if got := noticesOf(t, s, l.ID, at); !slices.Equal(got, kinds) {
				t.Errorf("%s: %q, want %q", what, got, kinds)
			}
		}
		l := link()
		want("made", l, l.ExpiresAt.Add(-time.Second))
		allGood(t, k.Record(ctx, l, links.Opened, links.Preview))
		want("previewed", l, now)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if _, err := k.Use(ctx, l); err != nil && !errors.Is(err, links.ErrSpent) {
					t.Error(err)
				}
				for _, device := range []links.Device{links.IPhone, links.Mac} {
					for _, kind := range []links.Kind{links.Opened, links.Shown, links.Download} {
						if err := k.Record(ctx, l, kind, device); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		group.Wait()
		want("used by four at once", l, now, "opened1", "profile1", "settings1", "used1", "used2")
		events, err := s.LinkEvents(ctx, l.ID)
		for i := range events {
			if want := 4; err == nil && events[i].Device != links.Preview && events[i].Count != want {
				t.Errorf("%+v, want a count of %d", events[i], want)
			}
		}
		if err != nil || len(events) != 7 {
			t.Errorf("%+v %v", events, err)
		}
		allGood(t, k.Revoke(ctx, l, "staff:eva"), k.Revoke(ctx, l, "staff:eva"), k.Record(ctx, l, links.Opened, links.Linux))
		want("revoked", l, now, "revoked1")
		want("at its end, though it was used", l, l.ExpiresAt)

		unused, revoked := link(), link()
		allGood(t, k.Revoke(ctx, revoked, "staff:eva"))
		want("revoked before its end", revoked, now, "revoked1")
		want("not yet at its end", unused, unused.ExpiresAt.Add(-time.Second))
		want("never used", unused, unused.ExpiresAt, "expired1")

		failed, oops := link(), errors.New("oops")
		err = s.Together(ctx, func(ctx context.Context) error {
			_, err := k.Use(ctx, failed)
			return errors.Join(err, k.Revoke(ctx, failed, "staff:eva"), oops)
		})
		if !errors.Is(err, oops) {
			t.Error(err)
		}
		want("an act that failed", failed, now)
		k.Tell = false
		silent := link()
		if _, err := k.Use(ctx, silent); err != nil {
			t.Error(err)
		}
		allGood(t, k.Record(ctx, silent, links.Opened, links.Mac), k.Revoke(ctx, silent, "staff:eva"))
		want("nobody is told", silent, silent.ExpiresAt)
	})
}

// A notice is kept as long as its link, and forgotten with its person, whose links end.
func TestNoticesGoWithTheirLinks(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx, now := t.Context(), messagesAt
		k := &links.Keeper{Store: s, Secret: []byte("x"), Tell: true, Now: func() time.Time { return now }}
		link := func(address string) links.Link {
			_, l, err := k.Make(ctx, links.Order{Address: settings.MustAddress(address), Domain: "example.com", By: "staff:eva"})
			allGood(t, err, k.Record(ctx, l, links.Opened, links.Mac))
			return l
		}
		open, ended, other := link("office@example.com"), link("office@example.com"), link("workshop@example.com")
		allGood(t, k.Revoke(ctx, ended, "staff:eva"))
		if _, err := s.Forget(ctx, formsOf("office@example.com"), "forgotten-1", now, true); err != nil {
			t.Fatal(err)
		}
		left := map[string]string{}
		for {
			d, found, err := s.ClaimNotice(ctx, "x", now.AddDate(1, 0, 0), now.AddDate(1, 0, 1))
			if err != nil {
				t.Fatal(err)
			} else if !found {
				break
			}
			left[d.Link] += string(d.Kind) + " "
		}
		if left[open.ID] != "revoked " || left[ended.ID] != "" || left[other.ID] != "opened expired " {
			t.Errorf("%q", left)
		}
		keep := store.Expiry{Links: now, Audit: now, Overrides: now}
		allGood(t, s.Expire(ctx, keep, now), s.PutNotice(ctx, links.Notice{Link: other.ID, Domain: "example.com", Kind: links.Opened, Number: 1, At: now}))
		if all, err := s.NoticeSummary(ctx, now); err != nil || all.Waiting != 2 { // the revocation, and what was opened
			t.Errorf("%+v %v", all, err)
		}
		keep.Links = now.AddDate(0, 0, 2)
		allGood(t, s.Expire(ctx, keep, now))
		if all, err := s.NoticeSummary(ctx, now.AddDate(1, 0, 0)); err != nil || all.Waiting != 0 {
			t.Errorf("kept for ever: %+v %v", all, err)
		}
	})
}
