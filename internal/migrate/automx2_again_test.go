package migrate

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoconfig/internal/database"
	"autoconfig/policy"
)

// What was imported is there the second time; what differs is refused, or replaced
// when told so, and what the site added to a domain stays.
func TestImportingAutomx2Again(t *testing.T) {
	t.Parallel()
	foreign, err := FromAutomx2(t.Context(), automx2Databases(t, documentedSeed)["SQLite"])
	if err != nil {
		t.Fatal(err)
	}
	store := newFake(t, policy.Site{})
	write := func(replace bool) error {
		return store.change(func(to Target) error { _, _, err := foreign.Change(replace).Write(t.Context(), to); return err })
	}
	if err := write(false); err != nil {
		t.Fatal(err)
	}
	first := store.site()
	store.config.Domains[0].Aliases = []string{"alias.example"}
	first.Domains[0].Aliases = []string{"alias.example"}
	if err := write(false); err != nil {
		t.Fatal("again:", err)
	}
	if diff := cmp.Diff(first, store.site(), compare); diff != "" {
		t.Error(diff)
	}
	store.config.Plans[0].Servers.IMAP[0].Host = "other.example.com"
	store.config.Domains[1].Provider = ""
	_, _, refused, err := foreign.Change(false).Judge(t.Context(), store)
	if err != nil || len(refused) != 2 || !strings.Contains(fmt.Sprint(refused), "plan automx2-1-2-dav-1-2") || !strings.Contains(fmt.Sprint(refused), "domain example.net") {
		t.Error(refused, err)
	}
	if err := write(true); err != nil {
		t.Fatal(err)
	}
	if got := store.site(); got.Plans[0].Servers.IMAP[0].Host != "imap.example.com" || got.Domains[1].Provider != "automx2-1" || got.Domains[0].Aliases[0] != "alias.example" {
		t.Errorf("%+v", got)
	}
}

// A domain that is gone from automx2 keeps the servers that it had, though plans are
// made anew without it.
func TestImportingAutomx2AgainWithoutADomain(t *testing.T) {
	t.Parallel()
	with := automx2Databases(t, exampleData)["SQLite"]
	without := automx2Databases(t, exampleData+"DELETE FROM server_domain WHERE domain_id = 1; DELETE FROM davserver_domain WHERE domain_id = 1; DELETE FROM domain WHERE id = 1;\n")["SQLite"]
	store := newFake(t, policy.Site{})
	for _, db := range []*database.DB{with, without} {
		foreign, err := FromAutomx2(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.change(func(to Target) error { _, _, err := foreign.Change(true).Write(t.Context(), to); return err }); err != nil {
			t.Fatal(err)
		}
		if got := ours(t, store.site(), "a@example.com").thunderbird; !strings.Contains(got[0], "imap1.example.com") {
			t.Errorf("example.com has %q", got)
		}
	}
}

// One server may have each domain in its name, and links may lead nowhere, which SQLite
// doesn't prevent.
func TestAutomx2sNamesOfHostsAndLinksToNothing(t *testing.T) {
	t.Parallel()
	const rows = `
INSERT INTO provider (id, name, short_name) VALUES (1, 'Example Inc.', 'Example');
INSERT INTO ldapserver (id, name, port, use_ssl, search_base, search_filter, attr_uid) VALUES (1, '2001:db8::1', 636, true, 'dc=example', '(mail={0})', 'uid');
INSERT INTO domain (id, name, provider_id, ldapserver_id) VALUES (1, 'one.example', 1, NULL), (2, 'Bücher.example', 1, 1);
INSERT INTO server (id, prio, name, port, type, socket_type, user_name, authentication) VALUES
	(1, 10, 'imap.%EMAILDOMAIN%', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'), (2, 10, 'smtp.example.com', 465, 'smtp', 'SSL', '%EMAILADDRESS%', 'plain');
INSERT INTO davserver (id, url, port, type, use_ssl, domain_required, user_name) VALUES
	(1, 'https://dav.%EMAILDOMAIN%/p/%EMAILDOMAIN%/%EMAILLOCALPART%/', 443, 'caldav', true, true, '%EMAILADDRESS%');
INSERT INTO server_domain (server_id, domain_id) VALUES (1, 1), (2, 1), (1, 2), (2, 2), (77, 1);
INSERT INTO davserver_domain (davserver_id, domain_id) VALUES (1, 1), (1, 2), (77, 2);
`
	file := filepath.Join(t.TempDir(), "automx2.db")
	db, err := database.Open(database.Address{Kind: database.SQLite, File: file}, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, statement := range strings.Split(strings.ReplaceAll(automx2Schema, "(id ID,", "(id INTEGER NOT NULL,")+rows, ";") {
		statement = regexp.MustCompile(`,\s*FOREIGN KEY \(\w+\) REFERENCES \w+ \(id\)`).ReplaceAllString(statement, "") // as if they weren't enforced
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	foreign, err := FromAutomx2(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	for n, domain := range []string{"one.example", "xn--bcher-kva.example"} {
		got := ours(t, foreign.Site, "a@"+domain).apple
		if want := []string{"imap imap." + domain + " 993 a@" + domain + " true", "smtp smtp.example.com 465 a@" + domain + " true"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		terms, _ := foreign.Site.Terms(domain)
		plan := fmt.Sprintf("automx2-1-2-dav-1-domain-%d", n+1)
		if want := "https://dav." + domain + "/p/"; terms.Services.CalDAV != want || foreign.Site.Domains[n].Plan != plan {
			t.Errorf("%s of plan %s, want %s", terms.Services.CalDAV, foreign.Site.Domains[n].Plan, want)
		}
	}
	said := fmt.Sprint(foreign.Skipped)
	if strings.Contains(said, "no type of a") || !strings.Contains(said, `"ldaps://[2001:db8::1]:636"`) {
		t.Error(said)
	}
}

func TestPlanNamesOfManyServersAreBoundedAndDiffer(t *testing.T) {
	t.Parallel()
	many := make([]int64, 500)
	one := planName(many, nil)
	many[499] = 1
	if other := planName(many, nil); len(other) > maxPlanName || other == one {
		t.Errorf("%q, %q", one, other)
	}
}
