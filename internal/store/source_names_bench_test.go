package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/store"
)

// BenchmarkSourceDomains is what a source's list of domains costs, for each domain: read for the
// first time, and again when nothing has changed; a page of the list, and the domains whose
// check is due, from its middle.
func BenchmarkSourceDomains(b *testing.B) {
	for _, place := range slices.Sorted(maps.Keys(places)) {
		for _, count := range []int{1000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", place, count), func(b *testing.B) { listSource(b, places[place](b).open(b), count) })
		}
	}
}

func listSource(b *testing.B, s *store.Store, count int) {
	replace(b, s, manyDomains(10))
	l := newListing(s)
	l.Logger = slog.New(slog.DiscardHandler)
	l.panel.names = func(each func(directory.SourceName) error) error {
		for i := range count {
			name := fmt.Sprintf("s%06d.example", i)
			if err := each(directory.SourceName{Name: name, Domain: directory.SourceDomain{Name: name}}); err != nil {
				return err
			}
		}
		return nil
	}
	read := func() float64 {
		l.at = l.at.Add(time.Hour)
		began := time.Now()
		if failed, err := l.Freshen(b.Context()); err != nil || len(failed) > 0 {
			b.Fatal(failed, err)
		}
		return float64(time.Since(began).Microseconds()) / float64(count)
	}
	first, again := read(), read()
	due, err := s.DueChecks(b.Context(), time.Now(), 10)
	if err != nil || len(due) != 10 {
		b.Fatal(due, err)
	}
	if err := s.PutCheck(b.Context(), doctor.Result{Report: doctor.Report{Domain: due[0]}}); err != nil {
		b.Fatal(err)
	}
	b.Run("page", func(b *testing.B) {
		for b.Loop() {
			page := 0
			for names, err := range s.ListedPages(context.Background()) {
				if err != nil {
					b.Fatal(err)
				}
				if page = len(names); page > 0 {
					break
				}
			}
		}
		b.ReportMetric(first, "first-µs/domain")
		b.ReportMetric(again, "again-µs/domain")
	})
	b.Run("due", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.DueChecks(b.Context(), time.Now(), 10); err != nil {
				b.Fatal(err)
			}
		}
	})
}
