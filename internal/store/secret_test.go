package store_test

import (
	"errors"
	"testing"
	"time"

	"autoconfig/internal/certificates"
	"autoconfig/internal/store"
)

// A database knows its secret_file from the first use on; with another one, what was
// sealed is given up only when somebody says so.
func TestASecretIsKnown(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx, now := t.Context(), time.Unix(1_800_000_000, 0)
		for _, mark := range []string{"first", "first", "other"} {
			if known, err := s.KnowSecret(ctx, mark); err != nil || known != "first" {
				t.Fatalf("with %s it belongs to %q, %v", mark, known, err)
			}
		}
		const name, directory = "autoconfig.example.org", "https://acme.example/directory"
		wanted := certificates.Certificate{Name: name, Domain: "example.org", Class: certificates.Ahead, DueAt: now}
		allGood(t,
			s.PutACMEAccount(ctx, directory, []byte("sealed")),
			s.WantCertificates(ctx, now, wanted))
		c, mine, err := s.ClaimCertificate(ctx, wanted.Class, false, "a", now, now.Add(time.Minute))
		if err != nil || !mine {
			t.Fatal(mine, err)
		}
		c.Chain, c.Key = []byte("chain"), []byte("sealed")
		c.NotAfter, c.RenewAt, c.DueAt = now.Add(90*24*time.Hour), now.Add(60*24*time.Hour), now.Add(60*24*time.Hour)
		allGood(t, s.PutCertificate(ctx, "a", c), s.TakeSecret(ctx, "other", now))
		if known, err := s.KnowSecret(ctx, "first"); err != nil || known != "other" {
			t.Errorf("it belongs to %q, %v", known, err)
		}
		if _, err := s.ACMEAccount(ctx, directory); !errors.Is(err, certificates.ErrNone) {
			t.Errorf("the account stays: %v", err)
		}
		if c, mine, err := s.ClaimCertificate(ctx, wanted.Class, false, "b", now, now.Add(time.Minute)); err != nil || !mine || c.Name != name || c.HasOne() {
			t.Errorf("the certificate isn't wanted anew: %+v, %v, %v", c, mine, err)
		}
	})
}

func allGood(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
