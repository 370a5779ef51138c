package store_test

import (
	"fmt"
	"testing"
	"time"

	"autoconfig/policy"
	"autoconfig/settings"
)

// BenchmarkAccount measures a look-up among 100,000 accounts, and how many times
// the floor that is: the same with one account.
func BenchmarkAccount(b *testing.B) {
	many := make([]policy.Account, 100_000)
	for i := range many {
		many[i] = account(fmt.Sprintf("u%06d@example.com", i))
	}
	full, small := open(b, "sqlite:full.db", b.TempDir()), open(b, "sqlite:small.db", b.TempDir())
	began := time.Now()
	replace(b, full, unchecked(many...))
	b.Logf("stored %d accounts in %s", len(many), time.Since(began).Round(time.Millisecond))
	replace(b, small, unchecked(many[0]))
	first := settings.MustAddress("u000000@example.com").Key()

	i := 0
	for b.Loop() {
		if _, err := full.Account(b.Context(), many[i%len(many)].Address.Key()); err != nil {
			b.Fatal(err)
		}
		i += 7919
	}
	began = time.Now()
	for range b.N {
		if _, err := small.Account(b.Context(), first); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(time.Since(began)), "x-floor")
}
