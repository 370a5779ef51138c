package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/store"
)

func TestChecksAreKeptAndDue(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		replace(t, s, demo(t))
		at := generation(t, s)
		now := time.Unix(1e9, 0).UTC()
		due, err := s.DueChecks(ctx, now, 10)
		if err != nil || len(due) != 4 {
			t.Fatalf("at first all are due: %v %v", due, err)
		}
		days := 7
		first := doctor.Result{
			Report:    doctor.Report{Domain: "example.com", Served: true, CertificateDays: &days, Findings: []doctor.Finding{{Code: doctor.HostMissing, Severity: doctor.Error, Subject: "x", Records: []doctor.Record{{Name: "a.", Type: "A", TTL: 1, Data: "192.0.2.1"}}}}},
			CheckedAt: now, DueAt: now.Add(time.Hour), Failures: 2,
		}
		if err := s.PutCheck(ctx, first); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Check(ctx, "example.com"); err != nil || !reflect.DeepEqual(got, first) {
			t.Errorf("%v\n%+v, want\n%+v", err, got, first)
		}
		if _, err := s.Check(ctx, "example.org"); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("never checked: %v", err)
		}
		if due, err := s.DueChecks(ctx, now, 10); err != nil || len(due) != 3 {
			t.Errorf("due: %v %v", due, err)
		}
		if due, err := s.DueChecks(ctx, now.Add(time.Hour), 10); err != nil || len(due) != 4 || due[3] != "example.com" {
			t.Errorf("due later: %v %v", due, err)
		}
		second := first
		second.Report.Domain, second.Report.Findings = "example.org", []doctor.Finding{}
		if err := s.PutCheck(ctx, second); err != nil {
			t.Fatal(err)
		}
		if page, err := s.Checks(ctx, nil, "example.com", 10); err != nil || len(page) != 1 || page[0].Report.Domain != "example.org" {
			t.Errorf("the second page: %+v %v", page, err)
		}
		if generation(t, s) != at {
			t.Error("a check makes caches ask again")
		}
		site := demo(t)
		site.Domains = site.Domains[:1]
		replace(t, s, site)
		if all, err := s.Checks(ctx, nil, "", 10); err != nil || len(all) != 1 {
			t.Errorf("a domain that is gone: %+v %v", all, err)
		}
		if r, err := s.Check(ctx, "example.org"); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("what is kept of a domain that is gone: %+v %v", r, err)
		}
	})
}

func TestLeases(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		now := time.Unix(1e9, 0)
		for i, c := range []struct {
			holder string
			after  time.Duration
			want   bool
		}{{"one", 0, true}, {"two", time.Second, false}, {"one", 30 * time.Second, true}, {"two", time.Minute, false}, {"two", 3 * time.Minute, true}, {"one", 3 * time.Minute, false}} {
			at := now.Add(c.after)
			if got, err := s.TakeLease(t.Context(), "checks", c.holder, at, at.Add(time.Minute)); err != nil || got != c.want {
				t.Errorf("%s: %v %v", fmt.Sprint(i, c), got, err)
			}
		}
	})
}

// What a clock that was a day ahead has written holds nobody up for a day.
func TestAClockThatWasAheadHoldsNothingUp(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		at := time.Unix(1_800_000_000, 0).UTC()
		tomorrow := at.Add(24 * time.Hour)
		replace(t, s, demo(t))
		if got, err := s.TakeLease(t.Context(), "checks", "ahead", tomorrow, tomorrow.Add(time.Minute)); err != nil || !got {
			t.Fatal(got, err)
		}
		if got, err := s.TakeLease(t.Context(), "checks", "right", at, at.Add(time.Minute)); err != nil || !got {
			t.Errorf("the lease of a clock that was ahead is kept: %v %v", got, err)
		}
		all, err := s.DueChecks(t.Context(), at, 100)
		if err != nil || len(all) == 0 {
			t.Fatal(all, err)
		}
		for _, name := range all {
			if err := s.PutCheck(t.Context(), doctor.Result{Report: doctor.Report{Domain: name}, CheckedAt: tomorrow, DueAt: tomorrow.Add(24 * time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		if due, err := s.DueChecks(t.Context(), at, 100); err != nil || len(due) != len(all) {
			t.Errorf("%v are due, of %v: %v", due, all, err)
		}
	})
}
