package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"autoconfig/internal/admin"
	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

// frugal is a store of which nobody may read or write all.
type frugal struct {
	*store.Store
	t *testing.T
}

func (f frugal) Site(ctx context.Context) (policy.Site, error) {
	f.t.Error("all of the site is read")
	return f.Store.Site(ctx)
}

func (f frugal) Replace(ctx context.Context, site policy.Site) error {
	f.t.Error("all of the site is written")
	return f.Store.Replace(ctx, site)
}

// large is a site of n domains with three accounts each, of which one has a protocol of
// its own.
func large(n int) policy.Site {
	hosts := func(name string) policy.ServerList { return policy.ServerList{{Host: name}} }
	site := policy.Site{
		Providers: []settings.Provider{{ID: "main", Name: "Example Mail"}},
		Plans: []policy.Plan{{Name: "standard", Offer: policy.Offer{Provider: "main", Servers: policy.Servers{
			IMAP: hosts("imap.example.com"), POP3: hosts("pop.example.com"), SMTP: hosts("smtp.example.com"),
		}}}},
	}
	for i := range n {
		domain := fmt.Sprintf("d%d.example", i)
		site.Domains = append(site.Domains, policy.Domain{Name: domain, Plan: "standard"})
		site.Accounts = append(site.Accounts, policy.Account{Address: settings.MustAddress("a@" + domain)},
			policy.Account{Address: settings.MustAddress("b@" + domain)},
			policy.Account{Address: settings.MustAddress("own@" + domain), Protocol: settings.POP3})
	}
	return site.Normalize()
}

// A plan or a provider that is stored writes its own row, however many domains and
// accounts share it, with its audit entry and the numbers by which replicas notice.
func TestAPlanIsStoredAlone(t *testing.T) {
	t.Parallel()
	address, folder := database.Address{Kind: database.SQLite, File: "test.db"}, t.TempDir()
	s, err := store.Open(t.Context(), address, store.Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Replace(t.Context(), large(50)); err != nil {
		t.Fatal(err)
	}
	written := countWrites(t, address, folder)
	acts := admin.Admin{Store: frugal{s, t}, Directory: directory.New(directory.Options{Store: s})}
	put := func(change func(*policy.Plan)) error {
		_, err := acts.PutPlan(t.Context(), admin.CommandLine(), "standard", func(before *policy.Plan) (policy.Plan, error) {
			after := *before
			change(&after)
			return after, nil
		})
		return err
	}
	if err := put(func(p *policy.Plan) { p.RecipientDelimiter = new("-") }); err != nil {
		t.Fatal(err)
	}
	if got, want := written(), "audit 1, meta 2, plans 2"; got != want { // a row that differs is removed and inserted
		t.Errorf("a changed plan writes %s rows, want %s", got, want)
	}
	if terms, err := s.Terms(t.Context(), "d7.example"); err != nil || terms.RecipientDelimiter == nil || *terms.RecipientDelimiter != "-" {
		t.Errorf("%+v, %v", terms, err)
	}
	_, err = acts.PutProvider(t.Context(), admin.CommandLine(), "main", func(before *settings.Provider) (settings.Provider, error) {
		after := *before
		after.Name = "Another Name"
		return after, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := written(), "audit 1, meta 2, providers 2"; got != want {
		t.Errorf("a changed provider writes %s rows, want %s", got, want)
	}

	// What an account has of its own still holds a plan back, and then nothing is written.
	err = put(func(p *policy.Plan) { p.Servers.POP3 = policy.ServerList{} })
	if err == nil || !strings.Contains(err.Error(), "no pop3 server for own@d0.example") {
		t.Errorf("a plan without the server that accounts use: %v", err)
	}
	if got := written(); got != "" {
		t.Errorf("a refused plan writes %s rows", got)
	}
	site, err := s.Site(t.Context())
	if err != nil || len(site.Domains) != 50 || len(site.Accounts) != 150 || len(site.Plans) != 1 {
		t.Errorf("left are %d domains, %d accounts, %d plans: %v", len(site.Domains), len(site.Accounts), len(site.Plans), err)
	}
	if entries, err := s.Entries(t.Context(), staff.EntryFilter{Limit: 9}); err != nil || len(entries) != 2 {
		t.Errorf("%+v, %v", entries, err)
	}
}

// countWrites has the database count the rows that are written, and gives what it has
// counted since the last time: "TABLE ROWS, …".
func countWrites(t *testing.T, address database.Address, folder string) (since func() string) {
	t.Helper()
	db, err := database.Open(address, database.Options{Folder: folder, Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	do := func(statement string) {
		t.Helper()
		if _, err := db.Pool().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do(`CREATE TABLE written (name TEXT)`)
	for _, table := range []string{
		"meta", "providers", "plans", "domains", "domain_names", "accounts", "addresses", "digests", "overrides", "audit", "pacc", "checks",
	} {
		for _, act := range []string{"INSERT", "UPDATE", "DELETE"} {
			do(`CREATE TRIGGER ` + table + act + ` AFTER ` + act + ` ON ` + table + ` BEGIN INSERT INTO written VALUES ('` + table + `'); END`)
		}
	}
	return func() string {
		t.Helper()
		rows, err := db.Pool().QueryContext(t.Context(), `SELECT name || ' ' || COUNT(*) FROM written GROUP BY name ORDER BY name`)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for rows.Next() {
			var one string
			if err := rows.Scan(&one); err != nil {
				t.Fatal(err)
			}
			all = append(all, one)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		_ = rows.Close()
		do(`DELETE FROM written`)
		return strings.Join(all, ", ")
	}
}
