package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
)

// changed are the tables that commands change, without the log.
var changedTables = []string{"meta", "domains", "domain_names", "accounts", "addresses", "digests", "overrides", "pacc", "links", "people", "sessions", "tokens"}

// Each command that changes something writes one line of the audit log, as done on the
// command line: if that can't be written, nothing is changed; if the change fails at its
// end, nothing is written.
func TestCommandsAreWrittenDown(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "autoconfig.yaml")
	writeFile(t, folder, "site.yaml", string(config.Demo))
	writeFile(t, folder, "accounts.csv", "address,name\nnew@example.com,New\n")
	writeFile(t, folder, "domains.csv", "domain,plan\nthird.example,standard\n")
	writeFile(t, folder, "autoconfig.yaml", "public_url: https://setup.example.com\ndatabase: sqlite:autoconfig.db\nsources:\n  - name: panel\n    sql: {database: \"sqlite:panel.db\", account: \"SELECT email AS address FROM people WHERE email = :address\"}\n")
	panel := openDatabase(t, "sqlite:panel.db", folder)
	for _, statement := range []string{`CREATE TABLE people (email TEXT PRIMARY KEY)`, `INSERT INTO people VALUES ('outside@example.com')`} {
		if _, err := panel.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do := func(args ...string) (status int, said string) {
		status, out, errs := command(t, "", append([]string{"--config", file}, args...)...)
		return status, out + errs
	}
	if status, said := do("domain", "list"); status != 0 { // makes the database
		t.Fatal(said)
	}
	db := openDatabase(t, "sqlite:autoconfig.db", folder)
	tried := map[string]bool{}
	for _, c := range []struct{ action, line string }{
		{"site applied", "apply " + folder + "/site.yaml"},
		{"account added", "account add extra@example.com --protocol pop3"},
		{"account changed", "account set extra@example.com --name Extra"},
		{"account removed", "account remove extra@example.com"},
		{"override changed", "account set outside@example.com --protocol pop3"},
		{"override removed", "account remove outside@example.com"},
		{"domain added", "domain add second.example --plan standard"},
		{"domain changed", "domain set second.example --alias also.example"},
		{"PACC document changed", "pacc publish second.example --force"},
		{"domain removed", "domain remove second.example"},
		{"accounts imported", "import accounts " + folder + "/accounts.csv"},
		{"domains imported", "import domains " + folder + "/domains.csv"},
		{"link made", "link create office@example.com"},
		{"link withdrawn", "link revoke LINK"},
		{"person added", "staff add eva"},
		{"password reset", "staff reset eva"},
		{"person removed", "staff remove eva"},
		{"token made", "token create panel --scopes links:read --domains *"},
		{"token revoked", "token revoke TOKEN"},
		{"address forgotten", "account forget office@example.com --account"},
	} {
		tried[c.action] = true
		args := strings.Fields(c.line)
		for i := range args {
			switch args[i] {
			case "LINK":
				args[i] = column(t, db, `SELECT id FROM links`)[0]
			case "TOKEN":
				args[i] = column(t, db, `SELECT id FROM tokens`)[0]
			}
		}
		before, logged := tables(t, db), column(t, db, `SELECT id FROM audit`)
		for name, trigger := range map[string]string{
			"the entry":                       `CREATE TRIGGER fails BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the log is full'); END`,
			"what is written after the entry": `CREATE TRIGGER fails AFTER INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`,
		} {
			execute(t, db, trigger)
			status, said := do(args...)
			execute(t, db, `DROP TRIGGER fails`)
			if status != exitFailure || !strings.Contains(said, "is full") {
				t.Errorf("%s, where %s fails: %d %s", c.line, name, status, said)
			}
			if after := tables(t, db); after != before {
				t.Errorf("%s, where %s fails, was done:\n%s\n%s", c.line, name, before, after)
			}
		}
		status, said := do(args...)
		if status != 0 {
			t.Errorf("%s: %d %s", c.line, status, said)
		}
		if tables(t, db) == before {
			t.Errorf("%s: nothing has changed", c.line)
		}
		now := column(t, db, `SELECT actor, action FROM audit ORDER BY id`)
		if len(now) != len(logged)+1 || now[len(now)-1] != "command line "+c.action {
			t.Errorf("%s is written down as %q", c.line, now[min(len(logged), len(now)):])
		}
	}
	for _, action := range writtenActions(t) {
		if !tried[action] && !slices.Contains([]string{"change", "account shown", "audit log exported"}, action) {
			t.Errorf("%q is not among the commands that are tried", action)
		}
	}
}

func tables(t *testing.T, db *database.DB) string {
	t.Helper()
	var all []string
	for _, table := range changedTables {
		rows := column(t, db, "SELECT * FROM "+table)
		slices.Sort(rows)
		all = append(all, table+":\n"+strings.Join(rows, "\n"))
	}
	return strings.Join(all, "\n")
}

func execute(t *testing.T, db *database.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// writtenActions are the actions that commands write down.
func writtenActions(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("../../internal/admin/*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, more...)
	written := regexp.MustCompile(`(?:Action: |Action = |Entry\(|importOnce\(ctx, by, )"([^"]+)"`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, found := range written.FindAllStringSubmatch(string(text), -1) {
			all = append(all, found[1])
		}
	}
	if len(all) < 10 {
		t.Errorf("only %q", all)
	}
	return all
}
