package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"autoconfig/internal/post"
	"autoconfig/internal/store"
)

var messagesAt = time.Unix(1_790_000_000, 0).UTC()

// putMessages keeps n messages that are due, to different people.
func putMessages(t *testing.T, s *store.Store, n int, change ...func(*post.Message)) (ids []string) {
	t.Helper()
	for i := range n {
		m := post.Message{
			ID: fmt.Sprintf("m%03d", i), Kind: post.Welcome, Address: "Office@example.com", Domain: "example.com", To: fmt.Sprintf("P%d@home.test", i),
			Language: "de", Link: "l1", MadeBy: "token:panel", MadeAt: messagesAt, State: post.Queued, DueAt: messagesAt,
		}
		for _, f := range change {
			f(&m)
		}
		if err := s.PutMessage(t.Context(), "office@example.com", fmt.Sprintf("p%d@home.test", i), m, []byte{0, 1, 255}); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	return ids
}

// Each message is given to one holder, whatever the database; once its last bytes are on
// their way, nobody gets it to send.
func TestMessagesAreHandedOverOnce(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		ctx, s := t.Context(), p.open(t)
		putMessages(t, s, 12)
		now, until := messagesAt.Add(time.Second), messagesAt.Add(time.Minute)
		var mu sync.Mutex
		claimed := map[string]int{}
		var group sync.WaitGroup
		for _, holder := range []string{"a", "b", "c"} {
			group.Go(func() {
				for {
					m, body, found, err := s.ClaimMessage(ctx, holder, now, until)
					if err != nil || !found {
						if err != nil {
							t.Error(err)
						}
						return
					}
					mine, err := s.HandOver(ctx, m.ID, holder, now)
					twice, other := s.HandOver(ctx, m.ID, holder, now)
					if err != nil || other != nil || !mine || twice || !bytes.Equal(body, []byte{0, 1, 255}) || m.State != post.Queued {
						t.Errorf("%+v %v %v %v %v %x", m, mine, twice, err, other, body)
					}
					mu.Lock()
					claimed[m.ID]++
					mu.Unlock()
				}
			})
		}
		group.Wait()
		if len(claimed) != 12 || slices.Max(slices.Collect(values(claimed))) != 1 {
			t.Errorf("claimed %v", claimed)
		}
		// All holders are gone: what they were handing over is unclear, and isn't theirs.
		after := until.Add(time.Second)
		m, _, found, err := s.ClaimMessage(ctx, "d", after, after.Add(time.Minute))
		if err != nil || !found || m.State != post.Unclear {
			t.Fatalf("%+v %v %v", m, found, err)
		}
		if mine, err := s.HandOver(ctx, m.ID, "d", after); err != nil || mine {
			t.Errorf("what is unclear is sent again: %v %v", mine, err)
		}
		late := m
		late.State = post.Sent
		for _, holder := range []string{"a", "b", "c"} {
			if err := s.PutOutcome(ctx, holder, late); err != nil {
				t.Fatal(err)
			}
		}
		m.State, m.Tries, m.Reason, m.DoneAt, m.DueAt = post.Unclear, 1, "no answer\tcame", after, time.Time{}
		if err := s.PutOutcome(ctx, "d", m); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Message(ctx, m.ID); err != nil || got != m {
			t.Errorf("%+v, want %+v: %v", got, m, err)
		}
		if _, err := s.Message(ctx, "nope"); !errors.Is(err, post.ErrUnknown) {
			t.Error(err)
		}
	})
}

func values(m map[string]int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for _, n := range m {
			if !yield(n) {
				return
			}
		}
	}
}

// A message that failed comes again when it is due, with what it says; one whose holder
// got stuck before the last bytes, too.
func TestMessagesComeAgain(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		putMessages(t, s, 1)
		m, _, _, err := s.ClaimMessage(ctx, "a", messagesAt, messagesAt.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, found, err := s.ClaimMessage(ctx, "b", messagesAt, messagesAt.Add(time.Minute)); err != nil || found {
			t.Errorf("claimed twice: %v %v", found, err)
		}
		late := messagesAt.Add(2 * time.Minute) // a got stuck
		if mine, err := s.HandOver(ctx, m.ID, "a", late); err != nil || mine {
			t.Errorf("handed over after its time: %v %v", mine, err)
		}
		if m, _, _, err = s.ClaimMessage(ctx, "b", late, late.Add(time.Minute)); err != nil || m.State != post.Queued {
			t.Fatalf("%+v %v", m, err)
		}
		if _, err := s.HandOver(ctx, m.ID, "b", late); err != nil {
			t.Fatal(err)
		}
		m.Tries, m.DueAt, m.Reason = 1, late.Add(time.Hour), "450 later"
		if err := s.PutOutcome(ctx, "b", m); err != nil {
			t.Fatal(err)
		}
		if _, _, found, _ := s.ClaimMessage(ctx, "b", late.Add(time.Minute), late.Add(time.Hour)); found {
			t.Error("it comes before it is due")
		}
		again, body, found, err := s.ClaimMessage(ctx, "c", late.Add(time.Hour), late.Add(2*time.Hour))
		if err != nil || !found || again.State != post.Queued || again.Tries != 1 || len(body) != 3 {
			t.Errorf("%+v %v %v %x", again, found, err, body)
		}
	})
}

// What is counted before a message is taken, and what lists show.
func TestMessagesAreCountedAndListed(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ids := putMessages(t, s, 3)
		count := func(by, key, to string, at time.Time) post.Count {
			n, err := s.CountMessages(ctx, by, key, to, at)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := count("token:panel", "office@example.com", "p1@home.test", messagesAt); n != (post.Count{By: 3, Recipient: 1, Queued: 3, Welcomed: 3}) {
			t.Errorf("%+v", n)
		}
		if n := count("token:panel", "x@example.com", "p1@home.test", messagesAt.Add(2*time.Hour)); n != (post.Count{Recipient: 1, Queued: 3}) {
			t.Errorf("two hours later: %+v", n)
		}
		if n := count("staff:eva", "x@example.com", "p1@home.test", messagesAt.Add(25*time.Hour)); n != (post.Count{Queued: 3}) {
			t.Errorf("a day later: %+v", n)
		}
		for name, c := range map[string]struct {
			filter post.Filter
			want   []string
		}{
			"all":        {post.Filter{Limit: 9}, []string{ids[2], ids[1], ids[0]}},
			"a page":     {post.Filter{Limit: 1, Before: ids[2]}, []string{ids[1]}},
			"a mailbox":  {post.Filter{Limit: 9, Address: "office@example.com", Link: "l1", Kind: post.Welcome, State: post.Queued}, []string{ids[2], ids[1], ids[0]}},
			"no domain":  {post.Filter{Limit: 9, Domains: []string{}}, nil},
			"a domain":   {post.Filter{Limit: 1, Domains: []string{"example.com"}}, []string{ids[2]}},
			"other kind": {post.Filter{Limit: 9, Kind: post.SetupLink}, nil},
			"sent":       {post.Filter{Limit: 9, State: post.Sent}, nil},
		} {
			got, err := s.Messages(ctx, c.filter)
			var have []string
			for _, m := range got {
				have = append(have, m.ID)
			}
			if err != nil || !slices.Equal(have, c.want) {
				t.Errorf("%s: %q, want %q: %v", name, have, c.want, err)
			}
		}
		if all, err := s.MessageSummary(ctx); err != nil || all.Queued != 3 || !all.Oldest.Equal(messagesAt) {
			t.Errorf("%+v %v", all, err)
		}
		// Forgetting somebody removes what is about them and what went to them.
		if _, err := s.Forget(ctx, formsOf("p1@home.test"), "forgotten-1", messagesAt, false); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Messages(ctx, post.Filter{Limit: 9}); err != nil || len(got) != 2 {
			t.Errorf("%+v %v", got, err)
		}
		if _, err := s.Forget(ctx, formsOf("office@example.com"), "forgotten-2", messagesAt, false); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Messages(ctx, post.Filter{Limit: 9}); err != nil || len(got) != 0 {
			t.Errorf("%+v %v", got, err)
		}
		putMessages(t, s, 2, func(m *post.Message) {
			if m.ID == "m001" {
				m.MadeAt = messagesAt.Add(time.Hour)
			}
		})
		if err := s.Expire(ctx, store.Expiry{Links: messagesAt.Add(time.Minute)}, messagesAt); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Messages(ctx, post.Filter{Limit: 9}); err != nil || len(got) != 1 || got[0].ID != "m001" {
			t.Errorf("after its time: %+v %v", got, err)
		}
	})
}
