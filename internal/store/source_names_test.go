package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/store"
)

// panelOf is a source that only lists domains.
type panelOf struct {
	directory.Source
	names func(each func(directory.SourceName) error) error
}

func (p *panelOf) Domains(_ context.Context, each func(directory.SourceName) error) error {
	return p.names(each)
}

// lists gives names: D, or D=PRIMARY, or D/PLAN.
func lists(texts ...string) func(func(directory.SourceName) error) error {
	return func(each func(directory.SourceName) error) error {
		for _, text := range texts {
			text, plan, _ := strings.Cut(text, "/")
			name, primary, is := strings.Cut(text, "=")
			if !is {
				primary = name
			}
			if err := each(directory.SourceName{Name: name, Domain: directory.SourceDomain{Name: primary, Plan: plan}}); err != nil {
				return err
			}
		}
		return nil
	}
}

// listing is a lister with its sources and a clock.
type listing struct {
	directory.Lister
	panel, other *panelOf
	at           time.Time
}

func newListing(s *store.Store) *listing {
	l := &listing{panel: &panelOf{names: lists()}, other: &panelOf{names: lists()}, at: time.Unix(1e9, 0)}
	l.Lister = directory.Lister{
		Store: s, Logger: slog.New(slog.DiscardHandler), Holder: "test", Now: func() time.Time { return l.at },
		Sources: []directory.SourceOptions{{Name: "panel", Source: l.panel, Plan: "standard"}, {Name: "other", Source: l.other}},
		HasPlan: func(_ context.Context, plan string) (bool, error) { return plan == "standard", nil },
	}
	return l
}

func (l *listing) freshen(t *testing.T) map[string]error {
	t.Helper()
	l.at = l.at.Add(time.Hour)
	failed, err := l.Freshen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return failed
}

func listed(t *testing.T, s *store.Store) string {
	t.Helper()
	var all []string
	for page, err := range s.ListedPages(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range page {
			text := n.Source + ":" + n.Name
			if n.Domain.Name != n.Name {
				text += "=" + n.Domain.Name
			}
			all = append(all, text)
		}
	}
	return strings.Join(all, " ")
}

// The names of the sources are kept as they were last listed, whatever happens to a
// source, and what is published of a name goes with it.
func TestNamesOfSources(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		replace(t, s, manyDomains(2))
		l := newListing(s)
		want := func(what, names string) {
			t.Helper()
			if got := listed(t, s); got != names {
				t.Errorf("%s: %s\nwant %s", what, got, names)
			}
		}
		l.panel.names = lists("b.example", "a.example", "alias.example=a.example", "d000.example", "more.example=d001.example", "gold.example/gold")
		l.other.names = lists("a.example/standard", "c.example/standard", "planless.example")
		if failed := l.freshen(t); len(failed) != 0 {
			t.Fatal(failed)
		}
		// Ours isn't among them, one without a plan that is there isn't, and the first source has what two have.
		const all = "panel:a.example panel:alias.example=a.example panel:b.example other:c.example panel:more.example=d001.example"
		want("at first", all)
		if aliases, err := s.ListedAliases(t.Context(), []string{"a.example", "b.example"}); err != nil || len(aliases) != 1 || aliases["a.example"][0] != "alias.example" {
			t.Errorf("aliases: %v %v", aliases, err)
		}
		due, err := s.DueChecks(t.Context(), l.at, 100)
		if err != nil || strings.Join(due, " ") != "a.example alias.example also-d000.example also-d001.example b.example c.example d000.example d001.example more.example" {
			t.Errorf("due are %v %v", due, err)
		}
		if err := s.PutCheck(t.Context(), doctor.Result{Report: doctor.Report{Domain: "b.example"}, CheckedAt: l.at, DueAt: l.at.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Checks(t.Context(), []string{"b.example"}, "", 10); err != nil || len(got) != 1 {
			t.Errorf("checks: %v %v", got, err)
		}
		if got, err := s.Checks(t.Context(), []string{"a.example"}, "", 10); err != nil || len(got) != 0 {
			t.Errorf("checks of another domain: %v %v", got, err)
		}
		if err := s.ReplacePACC(t.Context(), doctor.DocumentChange{Before: doctor.Documents{Name: "b.example"}, After: doctor.Documents{Name: "b.example", Served: []byte("{}")}}); err != nil {
			t.Fatal(err)
		}
		replace(t, s, manyDomains(3)) // what belongs to no name of ours goes, and theirs stays
		if d, err := s.PACC(t.Context(), "b.example"); err != nil || string(d.Served) != "{}" {
			t.Errorf("the document went with a change of the site: %+v %v", d, err)
		}

		generation, err := s.NamesGeneration(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l.freshen(t)
		if again, _ := s.NamesGeneration(t.Context()); again != generation {
			t.Error("a list that is the same changes something")
		}
		// It breaks off, after a name that is new: the rest stays.
		down := errors.New("gone away")
		l.panel.names = func(each func(directory.SourceName) error) error {
			_ = lists("new.example")(each)
			return down
		}
		if failed := l.freshen(t); !errors.Is(failed["panel"], down) || failed["other"] != nil {
			t.Errorf("failures: %v", failed)
		}
		want("while it is down", all)
		// Nobody asks again before the list is old.
		l.panel.names = lists()
		l.at = l.at.Add(30 * time.Second)
		if _, err := l.Freshen(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("soon after a failure", all)
		l.panel.names = lists("b.example=a.example", "a.example")
		l.freshen(t)
		want("another list", "panel:a.example panel:b.example=a.example other:c.example")
		l.panel.names = lists("a.example")
		l.freshen(t)
		want("less", "panel:a.example other:c.example")
		if d, err := s.PACC(t.Context(), "b.example"); err != nil || d.Served != nil {
			t.Errorf("a document of a name that is gone: %+v %v", d, err)
		}
		if _, err := s.Check(t.Context(), "b.example"); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("a check of a name that is gone: %v", err)
		}
		l.panel.names = lists()
		l.freshen(t)
		want("what the first doesn't have any more, and the second has", "other:a.example other:c.example")
		l.Sources = l.Sources[:1]
		l.freshen(t)
		want("a source that isn't configured any more", "")
	})
}

// The terms of listed names are those that the directory serves.
func TestTermsOfListedNames(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		replace(t, s, manyDomains(2))
		l := newListing(s)
		l.panel.names = lists("a.example", "alias.example=a.example", "more.example=d001.example")
		l.freshen(t)
		names, err := s.ListedNames(t.Context(), nil, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		published, err := s.ListedDocuments(t.Context(), names, func(directory.ListedName) string { return "standard" })
		if err != nil {
			t.Fatal(err)
		}
		d := directory.New(directory.Options{Store: s, Sources: []directory.SourceOptions{{Name: "panel", Plan: "standard", Source: byList{l.panel}}}, Sleep: func(time.Duration) {}})
		for _, p := range published {
			entry, err := d.Domain(t.Context(), p.Name)
			if err != nil || entry.Terms.Name != p.Terms.Name || fmt.Sprint(entry.Terms.Aliases) != fmt.Sprint(p.Terms.Aliases) ||
				fmt.Sprint(entry.Terms.DefaultSettings(p.Name)) != fmt.Sprint(p.Terms.DefaultSettings(p.Name)) {
				t.Errorf("%s: %+v, and it is served as %+v, %v", p.Name, p.Terms, entry, err)
			}
		}
		if len(published) != 3 {
			t.Errorf("%d names have terms", len(published))
		}
		none, err := s.ListedTerms(t.Context(), names, func(directory.ListedName) string { return "gold" })
		if err != nil || len(none) != 1 || none["more.example"] == nil {
			t.Errorf("terms by a plan that isn't there: %v %v", none, err)
		}
	})
}

// byList finds the domains that it lists.
type byList struct{ *panelOf }

func (b byList) Domain(ctx context.Context, name string) (found directory.SourceDomain, err error) {
	err = directory.ErrNotFound
	_ = b.Domains(ctx, func(n directory.SourceName) error {
		if n.Name == name {
			found, err = n.Domain, nil
		}
		return nil
	})
	return found, err
}

// A page of listed names is found by keys, however many there are.
func TestListedNamesAreFoundByKeys(t *testing.T) {
	onEachPlace(t, func(t *testing.T, p place) {
		s := p.open(t)
		replace(t, s, manyDomains(10))
		l := newListing(s)
		var many []string
		for i := range 3000 {
			many = append(many, fmt.Sprintf("s%04d.example", i))
		}
		l.panel.names = lists(many...)
		l.freshen(t)
		if got := strings.Count(listed(t, s), " ") + 1; got != len(many) {
			t.Errorf("%d names are listed", got)
		}
		bad := regexp.MustCompile(`SCAN s|TEMP B-TREE FOR ORDER|Seq Scan on source_names|filesort`)
		if plan := p.explainer(t)(store.ListedAfter, "s0100.example", 10); bad.MatchString(plan) {
			t.Errorf("a page:\n%s", plan)
		}
		if _, err := s.ListedName(t.Context(), "s0007.example"); err != nil {
			t.Error(err)
		}
	})
}

// A check says which source its domain is from; a domain of our own that a source lists as
// well is ours.
func TestAChecksSourceIsNamed(t *testing.T) {
	onEachPlace(t, func(t *testing.T, p place) {
		s := p.open(t)
		replace(t, s, manyDomains(1))
		ours := "d000.example"
		if _, err := s.Domain(t.Context(), ours); err != nil {
			t.Fatal(err)
		}
		l := newListing(s)
		l.panel.names = lists("theirs.example", ours)
		l.freshen(t)
		want := map[string]string{ours: "", "theirs.example": "panel"}
		for name := range want {
			r := doctor.Result{Report: doctor.Report{Domain: name}, CheckedAt: time.Unix(1e9, 0), DueAt: time.Unix(2e9, 0)}
			if err := s.PutCheck(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		all, err := s.Checks(t.Context(), nil, "", 10)
		if err != nil || len(all) != 2 {
			t.Fatalf("%d checks, %v", len(all), err)
		}
		for _, listed := range all {
			name := listed.Report.Domain
			one, err := s.Check(t.Context(), name)
			if err != nil || one.Source != want[name] || listed.Source != want[name] {
				t.Errorf("%s is from %q, in the list from %q, %v; want %q", name, one.Source, listed.Source, err, want[name])
			}
		}
	})
}
