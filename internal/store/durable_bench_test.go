package store_test

import (
	"testing"
	"time"

	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/settings"
)

// What a person's action costs that is on the disk when it is acknowledged. The
// folder of temporary files must be on the disk in question (TMPDIR).
func BenchmarkAcknowledged(b *testing.B) {
	s := open(b, "sqlite:test.db", b.TempDir())
	replace(b, s, demo(b))
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	k := &links.Keeper{Store: s, Secret: []byte("x"), Now: func() time.Time { return now }}
	_, l, err := k.Make(b.Context(), links.Order{Address: settings.MustAddress("office@example.com"), Domain: "example.com", By: "staff:eva", Uses: 1})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.AddPerson(b.Context(), staff.Person{ID: "p1", Subject: "eva", Name: "eva", Role: staff.Admin, Domains: []string{"*"}, MadeAt: now}); err != nil {
		b.Fatal(err)
	}
	b.Run("code of a second factor", func(b *testing.B) {
		for step := range b.N {
			if _, err := s.UseStep(b.Context(), "p1", now.UnixNano()+int64(step)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("link noted", func(b *testing.B) {
		for range b.N {
			if err := s.AddLinkEvent(b.Context(), l.ID, links.Opened, links.IPhone, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("entry of the audit log", func(b *testing.B) {
		for range b.N {
			if err := s.AddEntry(b.Context(), staff.Entry{At: now, Actor: "staff:eva", Action: "link made"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
