package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"autoconfig/internal/database"
)

// panelFile makes a panel's database in a folder: people of example.com and of
// other.example, which only the panel knows.
func panelFile(t *testing.T, folder string) {
	t.Helper()
	address, err := database.Parse("sqlite:panel.db")
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(address, database.Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), `
CREATE TABLE domains (name TEXT PRIMARY KEY);
CREATE TABLE people (email TEXT PRIMARY KEY, login TEXT, quota TEXT, protocol TEXT, short TEXT);
INSERT INTO domains VALUES ('example.com'), ('other.example');
INSERT INTO people VALUES
  ('good@example.com', 'g1', '200MB', 'pop3', 'x'),
  ('typo@example.com', NULL, 'lots', 'pop', 'y'),
  ('bad@example.com', 'a' || char(7) || 'b', NULL, NULL, 'z'),
  ('one@example.com', NULL, NULL, NULL, 'same'),
  ('two@example.com', NULL, NULL, NULL, 'same');
`)
	if err != nil {
		t.Fatal(err)
	}
}

const panelConfig = `public_url: https://setup.example.com
listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
sources:
  - name: panel
    sql:
      database: sqlite:panel.db
      account: SELECT email AS address, login, quota, protocol FROM people WHERE email = :address OR short = :local
      domain: SELECT name AS domain FROM domains WHERE name = :domain
`

// source check says what is wrong with a source and with what it says of an
// address, and where.
func TestSourceCheckSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	panelFile(t, folder)
	write := func(config string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "autoconfig.yaml"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(line, want string) {
		t.Helper()
		if seen := shell(t, folder, "autoconfig "+line+"; echo exit $?"); !regexp.MustCompile(want).MatchString(seen) {
			t.Errorf("%s shows\n%s\nwant %s", line, seen, want)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "site.yaml"), []byte(withoutAccounts()), 0o600); err != nil {
		t.Fatal(err)
	}
	write(panelConfig)
	run("apply", "exit 0")
	run("source check", `^panel \(sqlite:panel.db\): good, in [^\n]*\n  accounts: not listed\n  names of domains: not listed\n[^#]*\nexit 0\n$`)
	run("source check", `note: of accounts it doesn't say: name, groups, devices, addresses, active\n  note: it can't list its domains`)
	run("source check --address good@example.com", `login +g1\n[^#]*quota +200MB\n[^#]*protocol +POP3\n[^#]*exit 0`)
	run("source check --address typo@example.com", `note: a value can't be used and was left out: an address is name@domain, a quota is a size, devices are one or several, a protocol is imap or pop3`)
	run("source check --address bad@example.com", `doesn't know the address[^#]*note: its login can't be used`)
	run("source check --address same@example.com", `doesn't know the address[^#]*note: several mailboxes have it`)
	run("source check --address nobody@example.com", `or several of its mailboxes\nexit 0`)
	run("source check --address typo@example.com --json", `"notes": \[\n +"a value`)

	// The panel has a domain, and nobody says which servers that has.
	run("explain good@other.example", `other.example is not served here: the source panel knows .*; give the source a plan in the configuration \(plan: NAME\)`)
	write(panelConfig + "    plan: gold\n")
	run("source check", `panel .*plan of the domains that only it knows: .*no plan gold[^#]*exit 1`)
	write(panelConfig + "    plan: standard\n")
	run("source check", "exit 0")
	run("explain good@other.example", "protocol +IMAP")
	// The panel doesn't list it: it has no PACC document, and so there is none to publish.
	run("pacc other.example", `other.example is only known to a source that doesn't list it[^#]*exit 1`)
	if seen := shell(t, folder, "autoconfig dns other.example"); strings.Contains(seen, "UAAC1") || strings.Contains(seen, "ua-auto-config") || !strings.Contains(seen, "autoconfig.other.example") {
		t.Errorf("records:\n%s", seen)
	}

	write(strings.Replace(panelConfig, "sqlite:panel.db", "mysql://reader@127.0.0.1:1/panel\n      preset: virtual", 1) + "check: {resolver: [\"127.0.0.1:9\"]}\n")
	run("check --only pacc example.com", `the accounts of example.com in panel were not looked at: it can't be asked`)

	broken := strings.Replace(panelConfig, "SELECT email AS", "SELECT mail AS", 1)
	broken = strings.Replace(broken, "SELECT name AS domain FROM domains", "SELECT name AS domain FROM domain", 1)
	write(broken)
	run("source check", `^panel \(sqlite:panel.db\): [^\n]*account[^\n]*no such column: mail[^\n]*\npanel \(sqlite:panel.db\): [^\n]*domain[^\n]*no such table: domain[^\n]*\nexit 1`)
	write(strings.Replace(panelConfig, "database: sqlite:panel.db", "database: mysql://reader:hush@127.0.0.1:1/panel\n      preset: postfixadmn", 1))
	run("source check", `autoconfig.yaml:8:15: the source panel: there is no preset "postfixadmn" on mysql; there are iredmail`)
	write("sources: [{name: panel, sql: {database: \"mysql://reader:hush@127.0.0.1:1/panel\", preset: ispcnfig}}]\n")
	if seen := shell(t, folder, "autoconfig source check"); !strings.Contains(seen, "ispcnfig") || strings.Contains(seen, "hush") {
		t.Errorf("a password is shown:\n%s", seen)
	}
}

// source check says how much a source has, what of it doesn't count and why, and what
// apply would warn of.
func TestSourceCheckSurveys(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	panelFile(t, folder)
	config := panelConfig + `      list: SELECT email AS address FROM people WHERE email > :after UNION ALL SELECT 'no address' WHERE :after = '' UNION ALL SELECT 'Capital@example.com' WHERE :after = '' ORDER BY 1 LIMIT :limit
      domains: SELECT name, NULL AS domain, CASE name WHEN 'other.example' THEN 'gold' ELSE 'odd' END AS plan FROM domains WHERE name > :after ORDER BY name LIMIT :limit
`
	site := strings.Replace(withoutAccounts(), "\n  - name: standard", "\n  - {name: odd, servers: {imap: {host: imap.example.com, port: 143, security: tls}, smtp: {host: smtp.example.com}}}\n  - name: standard", 1)
	for name, text := range map[string]string{"autoconfig.yaml": config, "site.yaml": site} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if seen := shell(t, folder, "autoconfig apply"); !strings.Contains(seen, "143") {
		t.Fatalf("apply doesn't warn:\n%s", seen)
	}
	seen := shell(t, folder, "autoconfig source check; echo exit $?")
	for _, want := range []string{
		"accounts: 6\n", "names of domains: 2\n", "note: no address: its address is no address", "Capital@example.com: it is listed, and isn't found",
		"bad@example.com: it is listed, and isn't known: its login can't be used", "1 names of domains have the plan gold, and aren't served",
		"note: the plan odd: ", "143", "exit 0",
	} {
		if !strings.Contains(seen, want) {
			t.Errorf("source check shows\n%s\nwant %s", seen, want)
		}
	}
}

// Domains that only a source knows are listed with it, and have records and documents
// like all others, also while it is down.
func TestDomainsOfASource(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	panelFile(t, folder)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	has := func(line string, want ...string) {
		t.Helper()
		seen := shell(t, folder, "autoconfig "+line)
		for _, text := range want {
			if !regexp.MustCompile(text).MatchString(seen) {
				t.Errorf("%s shows\n%s\nwant %s", line, seen, text)
			}
		}
	}
	const query = "      domains: SELECT name FROM domains WHERE name > :after UNION ALL SELECT 'alias.example' WHERE :after = '' LIMIT :limit\n"
	config := panelConfig + query + "    plan: standard\ncheck: {resolver: [\"127.0.0.1:9\"]}\n"
	config = strings.Replace(config, "FROM domains WHERE name = :domain", "FROM domains WHERE name = :domain UNION ALL SELECT 'other.example' WHERE :domain = 'alias.example'", 1)
	config = strings.Replace(config, "SELECT 'alias.example' WHERE", "SELECT 'alias.example', 'other.example' WHERE", 1)
	config = strings.Replace(config, "domains: SELECT name FROM", "domains: SELECT name, name AS domain FROM", 1)
	write("site.yaml", withoutAccounts())
	write("autoconfig.yaml", config)
	has("apply")
	has("source check", "good", "names of domains: 3\n")
	has("domain list", `other.example +alias.example +standard +IMAP +panel\n`, `example.com +example.net`)
	has("domain list --json", `"source":\s*"panel"`)
	has("dns --all", "autoconfig.other.example", "ua-auto-config.alias.example")
	has("dns other.example", "UAAC1")
	has("pacc other.example", "served\n")
	has("export domains", `^[^#]*example.com`)
	if seen := shell(t, folder, "autoconfig export domains"); strings.Contains(seen, "other.example") {
		t.Errorf("what a source has is exported:\n%s", seen)
	}
	write("panel.db", "no database any more")
	has("domain list", `other.example +alias.example +standard +IMAP +panel\n`)
	has("dns --all", "autoconfig.other.example", "ua-auto-config.alias.example")
	has("check --all --only dns --json", `"other.example"`, `"alias.example"`)
}

// A preset is shown for each kind that it has.
func TestSourcePresets(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"iredmail":                  "# iredmail, as it is for mysql\n# Others, by --kind: postgres, ldap\naccount: |",
		"iredmail --kind ldap":      "filter: (&(objectClass=mailUser)",
		"mailcow --kind sqlite":     "the preset mailcow is not for sqlite, but for mysql",
		"openldap":                  "# openldap, as it is for ldap\nfilter: ",
		"posfixadmin":               "there are active-directory, iredmail, ispconfig,",
		"postfixadmin --kind mysql": "Others, by --kind: postgres, sqlite",
	} {
		if seen := shell(t, t.TempDir(), "autoconfig source presets "+line); !strings.Contains(seen, want) {
			t.Errorf("%s shows\n%s", line, seen)
		}
	}
}
