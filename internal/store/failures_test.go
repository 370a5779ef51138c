package store_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"autoconfig/internal/store"
)

// Each failure takes its time after the one before it; of a clock that was wrong,
// nothing stays.
func TestFailuresOfClients(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		const each = 1500 * time.Millisecond
		client, other := bytes.Repeat([]byte{0xff, 0}, 8), bytes.Repeat([]byte{1}, 16)
		add := func(now time.Time) {
			t.Helper()
			if err := s.AddFailure(t.Context(), "link", client, now, now.Add(time.Minute), each); err != nil {
				t.Fatal(err)
			}
		}
		want := func(what string, kind string, client []byte, want time.Time) {
			t.Helper()
			if at, err := s.ForgivenAt(t.Context(), kind, client); err != nil || !at.Equal(want) {
				t.Errorf("%s: %s, want %s: %v", what, at, want, err)
			}
		}
		want("none", "link", client, time.Time{})
		add(now)
		want("one", "link", client, now.Add(each))
		add(now)
		want("two at once", "link", client, now.Add(2*each))
		add(now.Add(each))
		want("a third, while one isn't forgiven", "link", client, now.Add(3*each))
		add(now.Add(time.Minute))
		want("after all were forgiven", "link", client, now.Add(time.Minute+each))
		add(now.Add(-time.Hour))
		want("the clock was an hour ahead", "link", client, now.Add(-time.Hour+each))
		want("of another kind", "token", client, time.Time{})
		want("another client", "link", other, time.Time{})
		if err := s.Expire(context.Background(), store.Expiry{}, now); err != nil {
			t.Fatal(err)
		}
		want("forgiven", "link", client, time.Time{})
		add(now.AddDate(0, 0, 2))
		if err := s.Expire(context.Background(), store.Expiry{}, now); err != nil {
			t.Fatal(err)
		}
		want("from the day after tomorrow", "link", client, time.Time{})
	})
}
