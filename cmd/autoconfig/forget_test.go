package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/testkit"
)

// The mailbox that is forgotten is written in all of these ways; with the account it
// has another address, by the source outside two more.
var (
	ownForms = []string{
		"zebrafink@example.com", "Zebrafink@Example.NET", "zebrafink+tag@example.com", "ZEBRAFINK+x@example.net", `"zebrafink"@example.com`, `"Zebrafink+q"@example.net`,
		"lerche@example.com", "LERCHE+t@example.net",
	}
	sourceForms = []string{"wiedehopf@example.com", "Wiedehopf+x@example.net", "kolibri@example.com", `"Kolibri"@example.net`}
)

// others' look like them.
var others = []string{"zebrafink+own@example.com", "xzebrafink@example.com", "kiosk@example.com"}

// A person who is forgotten is nowhere: not in a text or bytes of any table, not in
// the file of SQLite or its log, not in what serve has said. Others are as they were.
func TestAForgottenPersonIsNowhere(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{
		"sqlite":     func(*testing.T) string { return "sqlite:autoconfig.db" },
		"postgresql": func(t *testing.T) string { return testkit.StartPostgreSQL(t).Create(t) },
		"mariadb":    func(t *testing.T) string { return testkit.StartMariaDB(t).Create(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testForgetting(t, address(t))
		})
	}
}

func testForgetting(t *testing.T, address string) {
	folder := t.TempDir()
	writeFile(t, folder, "site.yaml", strings.Replace(string(config.Demo), "\naccounts:", `
  - {name: gone.example, plan: standard}
accounts:
  - {address: zebrafink@example.com, name: Prachtfink Vogel, addresses: [lerche@example.com], groups: [kiosk]}
  - {address: zebrafink+own@example.com, name: Somebody Else}`, 1))
	writeFile(t, folder, "autoconfig.yaml", `public_url: https://setup.example.com
check: {every: "0"}
rate_limit: {per_second: 0}
database: `+strconv.Quote(address)+`
sources:
  - name: panel
    sql:
      database: sqlite:panel.db
      account: SELECT email AS address FROM people WHERE email = :address OR short = :local
`)
	panel := openDatabase(t, "sqlite:panel.db", folder)
	fill := func(text string) {
		t.Helper()
		if _, err := panel.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	fill(`CREATE TABLE people (email TEXT PRIMARY KEY, short TEXT)`)
	fill(`INSERT INTO people VALUES ('wiedehopf@example.com', 'kolibri')`)
	autoconfig := func(line string) string {
		t.Helper()
		seen := shell(t, folder, "autoconfig "+line+" || echo FAILED")
		if strings.Contains(seen, "FAILED") {
			t.Fatalf("%s\n%s", line, seen)
		}
		return strings.TrimSpace(seen)
	}
	autoconfig("apply")
	p := serve(t, folder)
	token := autoconfig("token create panel --scopes links:read,links:write,accounts:read,accounts:write,decisions:read --domains '*'")
	api := func(method, path, body string, header ...string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+p.private+"/api/v1"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		said, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode >= 300 {
			t.Fatalf("%s %s: %s %s", method, path, answer.Status, said)
		}
	}
	links := map[string][]string{}
	use := func(forms ...string) {
		for _, form := range forms {
			quoted := "'" + form + "'"
			link := strings.Fields(autoconfig("link create " + quoted + " --uses 5 --note 'for " + form + ", ticket 7'"))[0]
			links[form] = append(links[form], strings.Replace(link, "https://setup.example.com", "http://"+p.public, 1))
			note := "Prachtfink Vogel"
			if slices.Contains(others, form) {
				note = "somebody else"
			}
			api(http.MethodPost, "/links", fmt.Sprintf(`{"address":%s,"note":%q}`, strconv.Quote(form), note), "Idempotency-Key", "order of "+form)
			api(http.MethodGet, "/decisions/"+url.PathEscape(form), "")
			shell(t, folder, "curl -s "+links[form][0]+"; curl -s -d do=settings "+links[form][0])
		}
	}
	use(ownForms...)
	use(sourceForms...)
	use(others...)
	use("Eisvogel+x@gone.example")
	api(http.MethodPut, "/accounts/zebrafink%40example.com", `{"name":"Prachtfink Vogel","addresses":["lerche@example.com"],"login":"zebrafink"}`)
	autoconfig("account set lerche@example.com --devices several")
	api(http.MethodPut, "/overrides/kolibri%40example.com", `{"protocol":"pop3","note":"wiedehopf@example.com wants it"}`)
	autoconfig("account set wiedehopf@example.com --devices one")
	autoconfig("link create kiosk@example.com --note 'asked by <Zebrafink+z@example.net>'")
	autoconfig("domain remove gone.example")

	seen := autoconfig("account forget 'Lerche+x@EXAMPLE.net' --account")
	seen += autoconfig("account forget kolibri@example.com") + autoconfig("account forget eisvogel@gone.example")
	if strings.Count(seen, "now say forgotten-") != 3 {
		t.Error(seen)
	}
	for form, urls := range links {
		want := "410"
		if slices.Contains(others, form) {
			want = "200"
		}
		for _, link := range urls {
			if got := shell(t, folder, "curl -s -o /dev/null -w '%{http_code}' "+link); got != want {
				t.Errorf("the link of %s: %s, want %s", form, got, want)
			}
		}
	}
	logs, err := p.stop()
	if err != nil {
		t.Error(err)
	}
	needles := []string{"zebrafink", "lerche", "wiedehopf", "kolibri", "eisvogel", "prachtfink"}
	hidden := strings.NewReplacer(others[0], "", others[1], "")
	search := func(where, text string) {
		t.Helper()
		text = hidden.Replace(strings.ToLower(text))
		for _, needle := range needles {
			if at := strings.Index(text, needle); at >= 0 {
				t.Errorf("%s has %s: %.200q", where, needle, text[max(0, at-80):])
			}
		}
	}
	search("the log of serve", logs)
	db := openDatabase(t, address, folder)
	kept := dump(t, db, search)
	for _, other := range others {
		if !strings.Contains(kept, other) {
			t.Errorf("nothing is left of %s", other)
		}
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	for _, file := range []string{"autoconfig.db", "autoconfig.db-wal", "autoconfig.db-shm"} {
		if text, err := os.ReadFile(filepath.Join(folder, file)); err == nil {
			search(file, string(text))
		}
	}
}

// A mailbox that is forgotten by an address in another domain is forgotten in its own
// one as well, where others have accounts that look like it.
func TestForgettingByAnAddressInAnotherDomain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeFile(t, folder, "site.yaml", strings.Replace(string(config.Demo), "\naccounts:", `
  - {name: other.example, plan: standard}
accounts:
  - {address: zebrafink+own@example.com, name: Somebody Else}`, 1))
	writeFile(t, folder, "autoconfig.yaml", `public_url: https://setup.example.com
database: sqlite:autoconfig.db
sources:
  - name: panel
    sql: {database: "sqlite:panel.db", account: "SELECT mailbox AS address FROM people WHERE email = :address"}
`)
	panel := openDatabase(t, "sqlite:panel.db", folder)
	execute(t, panel, `CREATE TABLE people (email TEXT PRIMARY KEY, mailbox TEXT)`)
	execute(t, panel, `INSERT INTO people VALUES ('zebrafink@example.com', 'zebrafink@example.com'), ('lerche@example.com', 'zebrafink@example.com'), ('fink@other.example', 'zebrafink@example.com')`)
	for _, args := range [][]string{
		{"apply", folder + "/site.yaml"},
		{"link", "create", "zebrafink@example.com"},
		{"link", "create", "lerche@example.com"},
		{"link", "create", "fink@other.example"},
		{"link", "create", "zebrafink+own@example.com"},
		{"account", "forget", "fink@other.example"},
	} {
		if status, out, errs := command(t, "", append([]string{"--config", folder + "/autoconfig.yaml"}, args...)...); status != 0 {
			t.Fatal(args, out, errs)
		}
	}
	db := openDatabase(t, "sqlite:autoconfig.db", folder)
	if left := column(t, db, `SELECT address FROM links WHERE revoked_at = 0`); !slices.Equal(left, []string{"zebrafink+own@example.com"}) {
		t.Errorf("the links that are left: %q", left)
	}
}

func writeFile(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func openDatabase(t *testing.T, address, folder string) *database.DB {
	t.Helper()
	parsed, err := database.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(parsed, database.Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// dump shows each row of each table, whatever its columns are, and gives all of them.
func dump(t *testing.T, db *database.DB, show func(where, row string)) string {
	t.Helper()
	tables := `SELECT table_name FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA()`
	switch db.Kind {
	case database.SQLite:
		tables = `SELECT name FROM sqlite_master WHERE type = 'table'`
	case database.MySQL:
		tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()`
	}
	var all bytes.Buffer
	names := 0
	for _, name := range column(t, db, tables) {
		names++
		for _, row := range column(t, db, `SELECT * FROM `+name) {
			show("the table "+name, row)
			all.WriteString(row + "\n")
		}
	}
	if names < 15 {
		t.Errorf("%d tables", names)
	}
	return all.String()
}

// column are the rows of a question, each with its values in a line.
func column(t *testing.T, db *database.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new([]byte)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		var line []string
		for _, v := range values {
			line = append(line, string(*v.(*[]byte)))
		}
		all = append(all, strings.Join(line, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
