package store_test

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/certificates"
	"autoconfig/internal/store"
)

// The rows of certificates on each kind of database: names are wanted once, one replica
// works on a row at a time, and others learn what was issued.
func TestRowsOfCertificates(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		ctx, s, now := t.Context(), p.open(t), time.Unix(1_790_000_000, 0).UTC()
		replace(t, s, demo(t))
		for range 2 {
			if err := s.WantSpecialNames(ctx, now, []string{"autoconfig.", "autodiscover."}); err != nil {
				t.Fatal(err)
			}
			own := certificates.Certificate{Name: "setup.example.org", Class: certificates.Own}
			if err := s.WantCertificates(ctx, now, own); err != nil {
				t.Fatal(err)
			}
		}
		names := func(domains []string) (all []string) {
			for c, err := range s.AllCertificates(ctx, domains) {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, c.Name+" "+c.Domain)
			}
			return all
		}
		if got := names(nil); len(got) != 9 || !slices.Contains(got, "autodiscover.example.net example.com") || !slices.Contains(got, "setup.example.org ") {
			t.Errorf("%q", got)
		}
		if got := names([]string{"example.org"}); !slices.Equal(got, []string{"autoconfig.example.org example.org", "autodiscover.example.org example.org"}) {
			t.Errorf("of a domain: %q", got)
		}

		var got atomic.Int32
		var group sync.WaitGroup
		var mu sync.Mutex
		claimed := map[string]int{}
		for _, holder := range []string{"a", "b", "c"} {
			group.Go(func() {
				for {
					c, found, err := s.ClaimCertificate(ctx, certificates.Ahead, false, holder, now, now.Add(time.Minute))
					if err != nil || !found {
						if err != nil {
							t.Error(err)
						}
						return
					}
					got.Add(1)
					mu.Lock()
					claimed[c.Name]++
					mu.Unlock()
					c.Chain, c.Key, c.NotAfter, c.RenewAt, c.DueAt = []byte("chain of "+c.Name), []byte{0, 1, 255}, now.Add(time.Hour), now.Add(time.Minute), now.Add(time.Minute)
					if err := s.PutCertificate(ctx, holder, c); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if got.Load() != 8 || len(claimed) != 8 {
			t.Errorf("claimed %v", claimed)
		}
		changed, mark, err := s.CertificatesSince(ctx, 0)
		if err != nil || len(changed) != 8 || mark < 8 {
			t.Errorf("%q %d %v", changed, mark, err)
		}
		if again, next, err := s.CertificatesSince(ctx, mark); err != nil || again != nil || next != mark {
			t.Errorf("%q %d %v", again, next, err)
		}
		c, err := s.Certificate(ctx, "autoconfig.example.org")
		if err != nil || !bytes.Equal(c.Key, []byte{0, 1, 255}) || !c.NotAfter.Equal(now.Add(time.Hour)) || !c.HasOne() {
			t.Errorf("%+v %v", c, err)
		}
		// A renewal that fails keeps what there is; somebody who lost the lease writes nothing.
		later := now.Add(2 * time.Minute)
		c, found, err := s.ClaimCertificate(ctx, certificates.Ahead, true, "a", later, later.Add(time.Minute))
		if err != nil || !found {
			t.Fatal(found, err)
		}
		c.Failures, c.Code, c.Reason, c.DueAt = 1, certificates.Limited, "too many", later.Add(time.Hour)
		lost := c
		lost.Chain = []byte("another")
		if err := s.PutCertificate(ctx, "b", lost); err != nil {
			t.Fatal(err)
		}
		if kept, err := s.Certificate(ctx, c.Name); err != nil || kept.Failures != 0 || string(kept.Chain) != "chain of "+c.Name {
			t.Errorf("who lost the lease has written %+v, %v", kept, err)
		}
		if err := s.PutCertificate(ctx, "a", c); err != nil {
			t.Fatal(err)
		}
		if kept, err := s.Certificate(ctx, c.Name); err != nil || kept.Reason != "too many" || string(kept.Chain) != "chain of "+c.Name {
			t.Errorf("%+v %v", kept, err)
		}
		sum, err := s.CertificateSummary(ctx, later)
		if want := (certificates.Summary{Valid: 8, Wanted: 1, Unrenewed: 1, First: now.Add(time.Hour)}); err != nil || sum != want {
			t.Errorf("%+v %v", sum, err)
		}
		// Names of a domain that is gone go with it; the service's own stay.
		if err := s.RemoveDomain(ctx, "example.org", true); err != nil {
			t.Fatal(err)
		}
		own := certificates.Certificate{Name: "setup.example.org", Class: certificates.Own}
		if err := s.AskCertificate(ctx, later.AddDate(10, 0, 0), own, false); err != nil { // by a clock that is ahead
			t.Fatal(err)
		}
		if err := s.WantSpecialNames(ctx, later, []string{"autoconfig.", "autodiscover."}); err != nil {
			t.Fatal(err)
		}
		if kept, err := s.Certificate(ctx, own.Name); err != nil || !kept.DueAt.Equal(later) {
			t.Errorf("what a clock that was ahead has put off is due at %v: %v", kept.DueAt, err)
		}
		if got := names(nil); len(got) != 7 {
			t.Errorf("afterwards: %q", got)
		}
	})
}

// Orders are counted for their limits, and a restored backup has the certificates, which
// replicas then read again.
func TestOrdersAndBackupsOfCertificates(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		ctx, s, now := t.Context(), p.open(t), time.Unix(1_790_000_000, 0).UTC()
		for i := range 5 {
			class, domain := certificates.Ahead, "a.example"
			if i > 2 {
				class, domain = certificates.Asked, "b.example"
			}
			if err := s.AddOrder(ctx, domain, class, now.Add(time.Duration(i)*time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		a := "a.example"
		for want, count := range map[int]func() (int, error){
			5: func() (int, error) { return s.Orders(ctx, nil, 0, now.Add(-time.Hour)) },
			3: func() (int, error) { return s.Orders(ctx, &a, 0, now.Add(-time.Hour)) },
			2: func() (int, error) { return s.Orders(ctx, nil, certificates.Asked, now.Add(-time.Hour)) },
			1: func() (int, error) { return s.Orders(ctx, nil, 0, now.Add(3*time.Minute)) },
		} {
			if got, err := count(); err != nil || got != want {
				t.Errorf("%d orders, want %d: %v", got, want, err)
			}
		}
		challenge := certificates.Challenge{Kind: "http-01", Token: "t", KeyAuthorization: "t.k"}
		if err := s.PutChallenge(ctx, "autoconfig.a.example", challenge, now); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Challenge(ctx, "autoconfig.a.example"); err != nil || got != challenge {
			t.Errorf("%+v %v", got, err)
		}
		for _, account := range []string{"first", "second"} {
			if err := s.PutACMEAccount(ctx, "https://acme.example/dir", []byte(account)); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.ACMEAccount(ctx, "https://acme.example/dir"); err != nil || string(got) != "first" {
			t.Errorf("%s %v", got, err)
		}
		if err := s.WantCertificates(ctx, now, certificates.Certificate{Name: "setup.example.org", Class: certificates.Own}); err != nil {
			t.Fatal(err)
		}
		c, _, err := s.ClaimCertificate(ctx, certificates.Own, false, "a", now, now.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		c.Chain, c.Key = []byte("chain"), []byte{0, 255}
		if err := s.PutCertificate(ctx, "a", c); err != nil {
			t.Fatal(err)
		}
		_, mark, err := s.CertificatesSince(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if _, err := s.Backup(ctx, &file, store.BackupOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Restore(ctx, &file, store.RestoreOptions{Replace: true}); err != nil {
			t.Fatal(err)
		}
		names, next, err := s.CertificatesSince(ctx, mark)
		if err != nil || !slices.Equal(names, []string{"setup.example.org"}) || next <= mark {
			t.Errorf("after a restore: %q %d %v", names, next, err)
		}
		if got, err := s.Certificate(ctx, "setup.example.org"); err != nil || !bytes.Equal(got.Key, []byte{0, 255}) {
			t.Errorf("%+v %v", got, err)
		}
	})
}
