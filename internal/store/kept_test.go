package store_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

// What is asked for is taken only if it is what was found: not the neighbour, at
// whichever end of the tables, and whether or not they hold anything.
func TestANeighbourIsNotTheOneWhoWasAskedFor(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		override := func(address string) policy.Override {
			return policy.Override{Address: settings.MustAddress(address), Protocol: settings.POP3, Note: "n", ChangedBy: "eva", ChangedAt: time.Unix(1, 0)}
		}
		look := func(key string) string {
			t.Helper()
			kept, err := s.Lookup(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			got := kept.Account.Address.String()
			if kept.Known != (got != "") {
				t.Errorf("%s: %+v", key, kept)
			}
			if kept.Override != nil {
				got += " under " + kept.Override.Address.String()
			}
			return got
		}
		all := []string{"a@example.com", "aa@example.com", "m@example.com", "mm@example.com", "z@example.com", "zz@example.com", "\U0010ffff@example.com", "!@example.com"}
		site := demo(t)
		replace(t, s, site)
		for _, key := range all {
			if got := look(key); got != "" {
				t.Errorf("nothing is there, and %s is %q", key, got)
			}
		}
		if kept, err := s.LookupDigest(t.Context(), "example.com", digest("m@example.com")); err != nil || kept.Known || kept.Override != nil {
			t.Errorf("%+v %v", kept, err)
		}
		for _, o := range []policy.Override{override("aa@example.com"), override("m@example.com"), override("mm@example.com")} {
			if err := s.PutOverride(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		if got := look("mm@example.com"); got != " under mm@example.com" {
			t.Errorf("an override, and no accounts at all: %q", got)
		}
		site.Accounts = []policy.Account{account("aa@example.com"), account("m@example.com", "x@example.com"), account("z@example.com")}
		replace(t, s, site)
		for key, want := range map[string]string{
			"a@example.com": "", "!@example.com": "", "aa@example.com": "aa@example.com under aa@example.com", "ab@example.com": "",
			"m@example.com": "m@example.com under m@example.com", "x@example.com": "m@example.com under m@example.com", "mm@example.com": " under mm@example.com",
			"z@example.com": "z@example.com", "zz@example.com": "", "\U0010ffff@example.com": "",
		} {
			if got := look(key); got != want {
				t.Errorf("%s: %q, want %q", key, got, want)
			}
		}
		for i := range 50 { // on all sides of the three digests
			address := fmt.Sprintf("n%d@example.com", i)
			if kept, err := s.LookupDigest(t.Context(), "example.com", digest(address)); err != nil || kept.Known || kept.Override != nil {
				t.Errorf("%s: %+v %v", address, kept, err)
			}
		}
		if kept, err := s.LookupDigest(t.Context(), "example.com", digest("x@example.com")); err != nil || !kept.Known || kept.Override == nil {
			t.Errorf("%+v %v", kept, err)
		}
	})
}

// No question goes through a table: each step is one look into an index, the same
// for what is there and what isn't.
func TestALookUpReadsIndexesOnly(t *testing.T) {
	onEachPlace(t, func(t *testing.T, p place) {
		s := p.open(t)
		var accounts []policy.Account
		for i := range 2000 {
			accounts = append(accounts, account(fmt.Sprintf("n%d@example.com", i)))
		}
		replace(t, s, demo(t, accounts...))
		for i := range 500 {
			o := policy.Override{Address: settings.MustAddress(fmt.Sprintf("o%d@example.com", i)), Note: "n"}
			if err := s.PutOverride(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		explain := p.explainer(t)
		for name, plan := range map[string]string{
			"key":    explain(store.KeptByKey, "n7@example.com", "n7@example.com", "n7@example.com"),
			"digest": explain(store.KeptByDigest, []byte("0123456789abcdef"), "example.com"),
		} {
			bad := regexp.MustCompile(`SCAN (x|a|o|m|addresses|overrides)\b|TEMP B-TREE|Seq Scan on (addresses|accounts|overrides|digests)|Sort|filesort|  ALL  |  (x|a|o|m|overrides|addresses)  index  `)
			if found := bad.FindString(plan); found != "" {
				t.Errorf("%s: %q in\n%s", name, found, plan)
			}
		}
	})
}

// explainer says how a place's database would answer a question.
func (p place) explainer(t *testing.T) func(question string, args ...any) string {
	t.Helper()
	parsed, err := database.Parse(p.address)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.File != "" {
		parsed.File = filepath.Join(p.folder, parsed.File)
	}
	db, err := database.Open(parsed, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if db.Kind == database.PostgreSQL {
		if _, err := db.ExecContext(t.Context(), "ANALYZE"); err != nil {
			t.Fatal(err)
		}
	}
	explain := map[database.Kind]string{database.SQLite: "EXPLAIN QUERY PLAN ", database.PostgreSQL: "EXPLAIN ", database.MySQL: "EXPLAIN "}[db.Kind]
	return func(question string, args ...any) string {
		rows, err := db.QueryContext(t.Context(), explain+question, args...)
		if err != nil {
			t.Fatal(question, err)
		}
		return text(t, rows)
	}
}

func text(t *testing.T, rows *sql.Rows) string {
	t.Helper()
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			all.WriteString(" " + v.String + " ")
		}
		all.WriteString("\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}
