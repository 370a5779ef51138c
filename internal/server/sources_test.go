package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/directory/ldapdir"
	"autoconfig/internal/directory/sqldir"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
)

// elsewhere is the test site without accounts. Domains that had some name the
// source, and the others say that they have none.
func elsewhere(t testing.TB, source string) (policy.Site, []policy.Account) {
	t.Helper()
	site := fixedSite(t)
	accounts := site.Accounts
	site.Accounts = nil
	for i := range site.Domains {
		site.Domains[i].Sources = []string{}
		for _, a := range accounts {
			if a.Address.Domain() == site.Domains[i].Name {
				site.Domains[i].Sources = []string{source}
			}
		}
	}
	return site, accounts
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// postfixadminTables are those of the preset, with a table of the operator's own
// beside them.
func postfixadminTables(accounts []policy.Account) string {
	var b strings.Builder
	b.WriteString(`
CREATE TABLE domain (domain VARCHAR(255) PRIMARY KEY, backupmx BOOLEAN NOT NULL DEFAULT FALSE, active BOOLEAN NOT NULL DEFAULT TRUE);
CREATE TABLE mailbox (username VARCHAR(255) PRIMARY KEY, name VARCHAR(255) NOT NULL, quota BIGINT NOT NULL, domain VARCHAR(255) NOT NULL, active BOOLEAN NOT NULL DEFAULT TRUE);
CREATE TABLE alias (address VARCHAR(255) PRIMARY KEY, goto TEXT NOT NULL, domain VARCHAR(255) NOT NULL, active BOOLEAN NOT NULL DEFAULT TRUE);
CREATE TABLE alias_domain (alias_domain VARCHAR(255) PRIMARY KEY, target_domain VARCHAR(255) NOT NULL, active BOOLEAN NOT NULL DEFAULT TRUE);
CREATE TABLE ours (username VARCHAR(255) PRIMARY KEY, login VARCHAR(255), teams VARCHAR(255), devices VARCHAR(20), protocol VARCHAR(20));
`)
	domains := map[string]bool{}
	for _, a := range accounts {
		if name := a.Address.Domain(); !domains[name] {
			domains[name] = true
			fmt.Fprintf(&b, "INSERT INTO domain (domain) VALUES (%s);\n", quoted(name))
		}
		fmt.Fprintf(&b, "INSERT INTO mailbox (username, name, quota, domain) VALUES (%s, %s, %d, %s);\n", quoted(a.Address.String()), quoted(a.Name), int64(a.Quota), quoted(a.Address.Domain()))
		fmt.Fprintf(&b, "INSERT INTO ours VALUES (%s, %s, %s, %s, %s);\n", quoted(a.Address.String()), quoted(a.Login), quoted(strings.Join(a.Groups, ",")), quoted(string(a.Devices)), quoted(string(a.Protocol)))
		for _, other := range a.Addresses {
			fmt.Fprintf(&b, "INSERT INTO alias (address, goto, domain) VALUES (%s, %s, %s);\n", quoted(other.String()), quoted(a.Address.String()), quoted(a.Address.Domain()))
		}
	}
	return b.String()
}

// virtualTables are those of the preset, with columns that the operator has added.
func virtualTables(accounts []policy.Account) string {
	var b strings.Builder
	b.WriteString(`
CREATE TABLE virtual_domains (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50) NOT NULL UNIQUE);
CREATE TABLE virtual_users (id INT PRIMARY KEY AUTO_INCREMENT, domain_id INT NOT NULL, email VARCHAR(100) NOT NULL UNIQUE, password VARCHAR(150) NOT NULL DEFAULT '',
  fullname VARCHAR(100), quota BIGINT, teams VARCHAR(100), devices VARCHAR(10), protocol VARCHAR(10), login VARCHAR(100));
CREATE TABLE virtual_aliases (id INT PRIMARY KEY AUTO_INCREMENT, domain_id INT NOT NULL, source VARCHAR(100) NOT NULL, destination VARCHAR(100) NOT NULL);
`)
	domains := map[string]int{}
	for _, a := range accounts {
		id, known := domains[a.Address.Domain()]
		if !known {
			id = len(domains) + 1
			domains[a.Address.Domain()] = id
			fmt.Fprintf(&b, "INSERT INTO virtual_domains (id, name) VALUES (%d, %s);\n", id, quoted(a.Address.Domain()))
		}
		fmt.Fprintf(&b, "INSERT INTO virtual_users (domain_id, email, fullname, quota, teams, devices, protocol, login) VALUES (%d, %s, %s, %d, %s, %s, %s, %s);\n",
			id, quoted(a.Address.String()), quoted(a.Name), int64(a.Quota), quoted(strings.Join(a.Groups, " ")), quoted(string(a.Devices)), quoted(string(a.Protocol)), quoted(a.Login))
		for _, other := range a.Addresses {
			fmt.Fprintf(&b, "INSERT INTO virtual_aliases (domain_id, source, destination) VALUES (%d, %s, %s);\n", id, quoted(other.String()), quoted(a.Address.String()))
		}
	}
	return b.String()
}

// ldapEntries are people with what the policy needs in attributes of their class.
func ldapEntries(accounts []policy.Account) string {
	var b strings.Builder
	for i, a := range accounts {
		line := func(name string, values ...string) {
			for _, value := range values {
				if value != "" {
					fmt.Fprintf(&b, "%s: %s\n", name, value)
				}
			}
		}
		uid := fmt.Sprintf("u%d", i)
		line("dn", "uid="+uid+",dc=example,dc=com")
		line("objectClass", "inetOrgPerson")
		line("uid", uid)
		line("sn", "x")
		line("cn", uid)
		line("displayName", a.Name)
		line("mail", a.Address.String())
		for _, other := range a.Addresses {
			line("mail", other.String())
		}
		line("departmentNumber", a.Groups...)
		line("employeeType", string(a.Devices))
		line("employeeNumber", a.Login)
		line("preferredLanguage", string(a.Protocol))
		if a.Quota > 0 {
			line("roomNumber", fmt.Sprint(int64(a.Quota)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

const (
	postfixadminQuery = `SELECT m.username AS address, m.name AS name, m.quota AS quota, m.active AND d.active AS active, o.login AS login, o.teams AS groups, o.devices AS devices, o.protocol AS protocol
FROM mailbox m JOIN domain d ON d.domain = m.domain LEFT JOIN ours o ON o.username = m.username WHERE m.username = :address`
	virtualQuery = "SELECT u.email AS address, u.fullname AS name, u.quota AS quota, u.login AS login, u.teams AS `groups`, u.devices AS devices, u.protocol AS protocol FROM virtual_users u WHERE u.email = :address"
)

// sqlSource opens a database with a preset and the operator's own query of accounts.
func sqlSource(t testing.TB, address, preset, account string, timeout time.Duration) directory.Source {
	t.Helper()
	parsed, err := database.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	queries, found := sqldir.Preset(preset, parsed.Kind)
	if !found {
		t.Fatalf("no preset %s", preset)
	}
	s, err := sqldir.Open(sqldir.Options{Address: parsed, Queries: sqldir.Queries{Account: account}.Or(queries), Timeout: timeout, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// ldapSource opens a directory server at url, with the preset and attributes of ldapEntries.
func ldapSource(t testing.TB, s *testkit.Slapd, url string, timeout time.Duration) directory.Source {
	t.Helper()
	preset, _ := ldapdir.Preset("openldap")
	mapping := ldapdir.Mapping{Attributes: ldapdir.Attributes{Login: "employeeNumber", Groups: "departmentNumber", Quota: "roomNumber", Devices: "employeeType", Protocol: "preferredLanguage", Name: "displayName"}}
	options := ldapdir.Options{
		Servers: []string{url}, BindDN: s.ReaderDN, Password: s.ReaderPassword, Base: s.Suffix, Timeout: timeout, Mapping: mapping.Or(preset),
	}
	if s.CA != nil {
		options.CAFile = s.CA.WriteFile(t, t.TempDir())
	}
	d, err := ldapdir.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// run keeps a world's directory up to date until the test ends.
func (w *world) run(t testing.TB) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.directory.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Accounts that are kept in a panel's database or a directory server get the same
// decisions, and the same bytes, as from our own store.
func TestAccountsElsewhereGetTheSameAnswers(t *testing.T) {
	t.Parallel()
	site := fixedSite(t)
	// The SQL presets list no aliases, so that a digest of one gets the default (docs/sources.md).
	questions := slices.DeleteFunc(append(forDomains(), forAccounts(siteAddresses...)...), func(q question) bool {
		return strings.Contains(q.target, md5Hex("chef@example.com"))
	})
	own := servertest.Ground{Site: &site}.Office(t)
	want := worldOf(own.World).transcript(t, questions)
	linked := []string{"workshop@example.com", "boss@example.com", "a&b@example.com", "nothing@example.com", "kiosk@quiet.example", "nobody@example.com"}
	wantPages := linkPages(t, own, linked...)
	for name, open := range map[string]func(t *testing.T, accounts []policy.Account) directory.Source{
		"postgresql": func(t *testing.T, accounts []policy.Account) directory.Source {
			s := databases.PostgreSQL(t)
			address := s.Create(t)
			s.Run(t, address, postfixadminTables(accounts))
			return sqlSource(t, address, "postfixadmin", postfixadminQuery, time.Minute)
		},
		"mariadb": func(t *testing.T, accounts []policy.Account) directory.Source {
			s := databases.MariaDB(t)
			address := s.Create(t)
			s.Run(t, address, virtualTables(accounts))
			return sqlSource(t, address, "virtual", virtualQuery, time.Minute)
		},
		"openldap": func(t *testing.T, accounts []policy.Account) directory.Source {
			s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: ldapEntries(accounts)})
			return ldapSource(t, s, s.TLSURL, time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site, accounts := elsewhere(t, "panel")
			o := servertest.Ground{Site: &site, Sources: []directory.SourceOptions{{Name: "panel", Source: open(t, accounts), Timeout: time.Minute, Digests: 1000}}}.Office(t)
			worldOf(o.World).run(t)
			testkit.Until(t, func() string { return "the digests aren't read" }, func() bool { return o.Directory.SourceStats()[1].Digests > 0 })
			differ(t, want, worldOf(o.World).transcript(t, questions))
			differ(t, wantPages, linkPages(t, o, linked...))
			for _, a := range accounts {
				entry, err := o.Directory.Domain(t.Context(), a.Address.Domain())
				if err != nil {
					t.Fatal(err)
				}
				found, err := o.Directory.Lookup(t.Context(), entry, a.Address)
				if err != nil || !found.Known || found.Source != "panel" {
					t.Errorf("%s: %+v %v", a.Address, found, err)
				}
				terms, _ := site.Terms(a.Address.Domain())
				if got, want := found.Home.Terms.Decide(found.Account), terms.Decide(a); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: %+v, want %+v", a.Address, got, want)
				}
			}
		})
	}
}
