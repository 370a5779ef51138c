package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	settingsOf "autoconfig/internal/config"
	"autoconfig/internal/database"
)

// command runs a command line in this process, and gives its exit status and what
// it printed.
func command(t *testing.T, in string, args ...string) (status int, out, errors string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(t.Context(), args, streams{strings.NewReader(in), &stdout, &stderr})
	return status, stdout.String(), stderr.String()
}

// emptySite makes a configuration with an empty database, and gives its file.
func emptySite(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "autoconfig.yaml")
	if err := os.WriteFile(file, []byte("public_url: https://autoconfig.example.org\ndatabase: sqlite:autoconfig.db\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// automx2's database becomes a site by one command, and doesn't change by it.
func TestImportAutomx2(t *testing.T) {
	t.Parallel()
	config := emptySite(t)
	file := filepath.Join(t.TempDir(), "db.sqlite")
	db, err := database.Open(database.Address{Kind: database.SQLite, File: file}, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`CREATE TABLE provider (id INTEGER PRIMARY KEY, name VARCHAR(128) NOT NULL, short_name VARCHAR(32) NOT NULL)`,
		`CREATE TABLE ldapserver (id INTEGER PRIMARY KEY, name VARCHAR(128), port INTEGER, use_ssl BOOLEAN, search_base VARCHAR(128), search_filter VARCHAR(128), attr_uid VARCHAR(32), attr_cn VARCHAR(32), bind_password VARCHAR(128), bind_user VARCHAR(128))`,
		`CREATE TABLE server (id INTEGER PRIMARY KEY, prio INTEGER DEFAULT '10' NOT NULL, name VARCHAR(128), port INTEGER, type VARCHAR(32), socket_type VARCHAR(32), user_name VARCHAR(64), authentication VARCHAR(32))`,
		`CREATE TABLE domain (id INTEGER PRIMARY KEY, name VARCHAR(128), provider_id INTEGER, ldapserver_id INTEGER)`,
		`CREATE TABLE server_domain (server_id INTEGER, domain_id INTEGER)`,
		`INSERT INTO provider VALUES (1, 'Example Inc.', 'Example')`,
		`INSERT INTO ldapserver VALUES (42, 'ldap.example.com', 636, 1, 'ou=people,dc=example,dc=com', '(mail={0})', 'uid', 'cn', 'geheim', 'uid=techuser')`,
		`INSERT INTO domain VALUES (1, 'example.com', 1, NULL), (2, 'example.org', 1, 42)`,
		`INSERT INTO server VALUES (1, 10, 'imap.example.com', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'), (2, 10, 'smtp.example.com', 587, 'smtp', 'STARTTLS', '%EMAILADDRESS%', 'plain')`,
		`INSERT INTO server_domain VALUES (1, 1), (2, 1), (1, 2), (2, 2)`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		in         string
		args       []string
		status     int
		out, error string
	}{
		{"", []string{"import", "automx2", "sqlite:" + file, "--dry-run"}, exitFinding, "+ domain example.org\n4 to add", "use a source of kind ldap"},
		{"", []string{"domain", "list"}, exitGood, "", ""},
		{"sqlite:///" + file + "\n", []string{"import", "automx2", "-"}, exitGood, "Imported: 4 added, 0 changed", "warning: example.com: Autodiscover can't say STARTTLS clearly"},
		{"", []string{"explain", "a@example.org"}, exitGood, "imap.example.com:993/tls", ""},
		{"", []string{"import", "automx2", "sqlite:" + file}, exitGood, "Nothing changes.", ""},
		{"", []string{"domain", "set", "example.org", "--plan", "", "--imap", "i.example.org", "--smtp", "s.example.org"}, exitGood, "", ""},
		{"", []string{"import", "automx2", "sqlite:" + file}, exitFinding, "", "automx2: there is already a domain example.org, which differs; to have it changed, use --replace\nautoconfig: nothing was imported: 1 refused"},
		{"", []string{"import", "automx2", "sqlite:" + file, "--replace"}, exitGood, "0 added, 1 changed", ""},
	} {
		status, out, errors := command(t, step.in, append(step.args, "--config", config)...)
		if status != step.status || !strings.Contains(out, step.out) || !strings.Contains(errors, step.error) {
			t.Fatalf("%v: status %d\n%s\n%s", step.args, status, out, errors)
		}
		if strings.Contains(out+errors, "geheim") {
			t.Errorf("%v shows a password", step.args)
		}
	}
	// What is printed for the directory is a configuration.
	_, _, errors := command(t, "", "import", "automx2", "sqlite:"+file, "--config", config)
	_, printed, _ := strings.Cut(errors, "\nsources:")
	text := "public_url: https://autoconfig.example.org\nsources:" + strings.Split(printed, "\nnot imported")[0]
	process, err := settingsOf.ReadProcess("autoconfig.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil || len(process.Sources) != 1 || process.Sources[0].LDAP.Filter != "(mail={address})" || process.Sources[0].LDAP.Attributes.Login != "uid" {
		t.Errorf("%s\n%v", text, err)
	}
	after, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(before, after) {
		t.Error("automx2's database has changed", err)
	}
}

// A published configuration is fetched only from where it may be: the network must be
// permitted, and no redirect leaves https.
func TestImportConfigFromAURL(t *testing.T) {
	t.Parallel()
	const document = `<clientConfig version="1.1"><emailProvider id="example.com"><domain>example.com</domain><displayName>Example</displayName>
<incomingServer type="imap"><hostname>imap.example.com</hostname><port>993</port><socketType>SSL</socketType><authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></incomingServer>
<outgoingServer type="smtp"><hostname>smtp.example.com</hostname><port>465</port><socketType>SSL</socketType><authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider></clientConfig>`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/mail/config-v1.1.xml":
			_, _ = w.Write([]byte(document))
		case "/large":
			_, _ = w.Write(bytes.Repeat([]byte("<!-- -->"), 1<<16))
		case "/endless":
			_, _ = w.Write(bytes.Repeat([]byte("<!-- -->"), 1<<18))
		case "/moved":
			http.Redirect(w, r, "/mail/config-v1.1.xml", http.StatusFound)
		case "/page":
			_, _ = w.Write([]byte("<html></html>"))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	for _, c := range []struct {
		path       string
		args       []string
		status     int
		out, error string
	}{
		{"/mail/config-v1.1.xml", nil, exitFailure, "", "not a public address; permit its network with --allow-network"},
		{"/mail/config-v1.1.xml", []string{"--allow-network", "127.0.0.0/8"}, exitGood, "Imported: 2 added", ""},
		{"/moved", []string{"--allow-network", "127.0.0.0/8"}, exitGood, "Imported: 2 added", ""},
		{"/large", []string{"--allow-network", "127.0.0.0/8"}, exitFinding, "", "the document is larger than 256 KiB"},
		{"/endless", []string{"--allow-network", "127.0.0.0/8"}, exitFailure, "", "answers with 1024 KiB or more"},
		{"/nowhere", []string{"--allow-network", "127.0.0.0/8"}, exitFailure, "", "answers 404"},
		{"/page", []string{"--allow-network", "127.0.0.0/8"}, exitFinding, "", "not an autoconfig document"},
	} {
		args := append([]string{"import", "config", server.URL + c.path, "--domain", "example.com", "--resolver", "127.0.0.1:1", "--config", emptySite(t)}, c.args...)
		status, out, errors := command(t, "", args...)
		if status != c.status || !strings.Contains(out, c.out) || !strings.Contains(errors, c.error) {
			t.Errorf("%s %v: status %d\n%s\n%s", c.path, c.args, status, out, errors)
		}
	}
}

// A URL's password is shown nowhere, whatever becomes of it.
func TestImportConfigShowsNoPassword(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/none":
			_, _ = w.Write([]byte(`<clientConfig><emailProvider/></clientConfig>`))
		case "/page":
			_, _ = w.Write([]byte("<html></html>"))
		case "/large":
			_, _ = w.Write(bytes.Repeat([]byte(" "), 1<<19))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	secret := strings.Replace(server.URL, "://", "://user:geheim@", 1)
	for _, from := range []string{secret + "/none", secret + "/page", secret + "/large", secret + "/nowhere", "https://user:geheim@127.0.0.1:1/", "https://user:geheim@ex ample/%zz", "ftp://user:geheim@example.org/"} {
		status, out, errors := command(t, "", "import", "config", from, "--domain", "example.com", "--allow-network", "127.0.0.0/8", "--json", "--config", emptySite(t))
		if status == exitGood || strings.Contains(out+errors, "geheim") || out+errors == "" {
			t.Errorf("%s: status %d\n%s\n%s", from, status, out, errors)
		}
	}
}

// What waits for standard input can be stopped, and says that nothing was imported.
func TestAnImportThatWaitsCanBeStopped(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"import", "accounts", "-", "--format", "csv"},
		{"import", "domains", "-", "--format", "jsonl"},
		{"import", "automx2", "-"},
	} {
		args = append(args, "--config", emptySite(t))
		ctx, stop := context.WithCancel(t.Context())
		never, write := io.Pipe()
		var out, errors bytes.Buffer
		ended := make(chan int)
		go func() { ended <- run(ctx, args, streams{never, &out, &errors}) }()
		if _, err := write.Write([]byte("address")); err != nil { // now it reads
			t.Fatal(err)
		}
		stop()
		select {
		case status := <-ended:
			if status != exitInterrupted || !strings.Contains(errors.String(), "interrupted: nothing was imported") {
				t.Errorf("%v: status %d\n%s%s", args, status, out.String(), errors.String())
			}
		case <-time.After(time.Minute):
			t.Errorf("%v goes on", args)
		}
		_ = write.Close()
	}
}

// A report may not take the place of what is imported, and in a dry run has every
// change.
func TestReportOfAnImport(t *testing.T) {
	t.Parallel()
	config := emptySite(t)
	if status, _, errors := command(t, "", "domain", "add", "example.com", "--imap", "i.example.com", "--smtp", "s.example.com", "--config", config); status != exitGood {
		t.Fatal(errors)
	}
	folder := t.TempDir()
	file, report := filepath.Join(folder, "a.csv"), filepath.Join(folder, "report.txt")
	text := "address\n"
	for i := range 250 {
		text += fmt.Sprintf("user%d@example.com\n", i)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, errors := command(t, "", "import", "accounts", file, "--report", file, "--config", config)
	if kept, err := os.ReadFile(file); status != exitFailure || !strings.Contains(errors, "would overwrite") || err != nil || string(kept) != text {
		t.Errorf("status %d, %d bytes, %v\n%s", status, len(kept), err, errors)
	}
	status, out, errors := command(t, "", "import", "accounts", file, "--dry-run", "--report", report, "--config", config)
	if status != exitFinding || strings.Count(out, "+ account") != 100 || !strings.Contains(out, "... and 150 more; all of them: --report FILE") {
		t.Errorf("status %d\n%s\n%s", status, out, errors)
	}
	if all, err := os.ReadFile(report); err != nil || strings.Count(string(all), "+ account") != 250 {
		t.Errorf("%s %v", all, err)
	}
}

// Of many changes a hundred are shown; a login that Thunderbird would change is warned
// of; and nothing is written by a dry run, nor by a file whose last line is bad.
func TestImportOfManyAccounts(t *testing.T) {
	t.Parallel()
	config := emptySite(t)
	if status, _, errors := command(t, "", "domain", "add", "example.com", "--imap", "i.example.com", "--smtp", "s.example.com", "--config", config); status != exitGood {
		t.Fatal(errors)
	}
	var table strings.Builder
	table.WriteString("address,login\n")
	for i := range 1200 {
		fmt.Fprintf(&table, "user%d@example.com,\n", i)
	}
	table.WriteString("last@example.com,00123\n")
	list := func() int {
		_, out, _ := command(t, "", "export", "accounts", "--config", config)
		return strings.Count(out, "\n") - 1
	}
	for _, step := range []struct {
		in         string
		args       []string
		status     int
		out, error string
		stored     int
	}{
		{table.String(), []string{"--dry-run"}, exitFinding, "+ account user99@example.com\n... and 1101 more; all of them: --report FILE\n1201 to add, 0 to change, 0 as they are.", "warning: last@example.com: autoconfig is not answered", 0},
		{table.String() + "bad@example.com,\x01\n", nil, exitFinding, "", "standard input:1203: login: the text has a control", 0},
		{table.String() + "user0@example.com,\n", nil, exitFinding, "", "standard input:1203: address: user0@example.com is already in line 2", 0},
		{table.String(), nil, exitGood, "Imported: 1201 added, 0 changed, 0 as they were.", "warning: last@example.com", 1201},
		{table.String(), []string{"--dry-run"}, exitGood, "0 to add, 0 to change, 1201 as they are.", "", 1201},
	} {
		status, out, errors := command(t, step.in, append([]string{"import", "accounts", "-", "--format", "csv", "--config", config}, step.args...)...)
		if status != step.status || !strings.Contains(out, step.out) || !strings.Contains(errors, step.error) {
			t.Errorf("%v: status %d\n%s\n%s", step.args, status, out, errors)
		}
		if n := list(); n != step.stored {
			t.Errorf("%v: %d accounts are stored, want %d", step.args, n, step.stored)
		}
	}
}

func TestURLsOfSQLAlchemyAreUnderstood(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"sqlite:////var/lib/automx2/db.sqlite": "sqlite:/var/lib/automx2/db.sqlite",
		"sqlite:///db.sqlite":                  "sqlite:db.sqlite",
		"sqlite:db.sqlite":                     "sqlite:db.sqlite",
		"sqlite:///db.sqlite?timeout=20":       "sqlite:db.sqlite",
		"mysql+pymysql://user@localhost/automx2?charset=utf8mb4&unix_socket=/run/mysqld/mysqld.sock": "mysql://user@localhost/automx2?socket=/run/mysqld/mysqld.sock",
		"mysql+pymysql://user:pass@dbhost/automx2?charset=utf8mb4":                                   "mysql://user:pass@dbhost/automx2",
		"mysql://user:pass@dbhost/automx2?charset=utf8mb4&tls=false":                                 "mysql://user:pass@dbhost/automx2?tls=false",
		"postgresql+psycopg2://user:p%40ss@dbhost/automx2":                                           "postgresql://user:p%40ss@dbhost/automx2",
	} {
		if got := fromSQLAlchemy(given); got != want {
			t.Errorf("%s is %s, want %s", given, got, want)
		}
	}
}

// On a terminal a bar stands in one line and goes away; elsewhere there is a line
// every now and then.
func TestProgress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		terminal bool
		size     int64
		want     string
	}{
		"terminal":       {true, 200, "\r\x1b[K[###############...............] reading a.csv: 40 lines, 50 %, 20 lines/s\r\x1b[K"},
		"elsewhere":      {false, 200, "reading a.csv: 40 lines, 50 %, 20 lines/s\n"},
		"size not known": {true, 0, "\r\x1b[Kreading a.csv: 40 lines, 20 lines/s\r\x1b[K"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &meter{what: "reading a.csv", size: c.size}
			m.lines.Add(40)
			if n, err := m.reading(strings.NewReader(strings.Repeat("x", 100))).Read(make([]byte, 1000)); n != 100 || err != nil {
				t.Fatal(n, err)
			}
			clock := time.Unix(0, 0)
			now := func() time.Time { clock = clock.Add(2 * time.Second); return clock }
			tick, end := make(chan time.Time), make(chan struct{})
			var out bytes.Buffer
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				m.run(&out, c.terminal, now, tick, end)
			}()
			tick <- time.Time{}
			close(end)
			<-ended
			if out.String() != c.want {
				t.Errorf("%q, want %q", out.String(), c.want)
			}
		})
	}
}
