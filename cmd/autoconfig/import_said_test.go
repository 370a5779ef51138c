package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"autoconfig/internal/database"
)

const publishedFile = `<clientConfig version="1.1"><emailProvider id="example.org"><domain>example.org</domain>
<incomingServer type="imap"><hostname>imap.example.org</hostname><port>993</port><socketType>SSL</socketType><authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></incomingServer>
<outgoingServer type="smtp"><hostname>smtp.example.org</hostname><port>465</port><socketType>SSL</socketType><authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider></clientConfig>`

// What an import says of a published file, and how a dry run of it ends.
func TestWhatImportSaysOfPublishedFiles(t *testing.T) {
	t.Parallel()
	const smtpLogin = "<authentication>password-cleartext</authentication><username>%EMAILADDRESS%</username></outgoingServer>"
	for name, c := range map[string]struct {
		change []string // pairs
		status int      // of a dry run
		said   []string
	}{
		"nothing odd":                      {nil, exitFinding, nil},
		"import-says-port-587-with-ssl":    {[]string{">465<", ">587<"}, exitFinding, []string{"warning: example.org: port 587 is registered for STARTTLS"}},
		"port 143 with SSL":                {[]string{">993<", ">143<"}, exitFinding, []string{"warning: example.org: port 143 is registered for STARTTLS"}},
		"SMTP without a username":          {[]string{smtpLogin, "<authentication>password-cleartext</authentication></outgoingServer>"}, exitFinding, []string{"not imported: smtp smtp.example.org:465 SSL: it has no username; it is imported with the address as login"}},
		"SMTP without a login":             {[]string{smtpLogin, "<authentication>client-IP-address</authentication></outgoingServer>"}, exitFinding, nil},
		"webmail with the domain":          {[]string{"</clientConfig>", `<webMail><loginPage url="https://webmail.%EMAILDOMAIN%/?d=%EMAILDOMAIN%"/></webMail></clientConfig>`}, exitFinding, nil},
		"webmail with the address":         {[]string{"</clientConfig>", `<webMail><loginPage url="https://webmail.example.org/?u=%EMAILADDRESS%"/></webMail></clientConfig>`}, exitFinding, []string{"nobody fills in %EMAILADDRESS% there"}},
		"plaintext servers alone":          {[]string{">SSL<", ">plain<"}, exitRefused, []string{"example.org has neither an imap nor a pop3 server: imap imap.example.org:993 plain: plaintext", "no smtp server"}},
		"Thunderbird refuses it":           {[]string{` id="example.org"`, ""}, exitFinding, []string{"warning: as it is published, Thunderbird makes no account of it: the id of <emailProvider>: the host name is empty"}},
		"Thunderbird passes over a server": {[]string{"<incomingServer", `<incomingServer type="imap"><hostname>old.example.org:143</hostname><port>143</port><socketType>STARTTLS</socketType><authentication>password-cleartext</authentication><username>x</username></incomingServer><incomingServer`}, exitRefused, []string{`Thunderbird passes over a server: <incomingServer> imap old.example.org:143: "old.example.org:143" is not a host name`}},
		"a host in capitals and blanks":    {[]string{">imap.example.org<", "> IMAP.Example.org <"}, exitFinding, nil},
		"not a document":                   {[]string{"<clientConfig", "<html"}, exitRefused, []string{"not an autoconfig document"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "config.xml")
			if err := os.WriteFile(file, []byte(strings.NewReplacer(c.change...).Replace(publishedFile)), 0o600); err != nil {
				t.Fatal(err)
			}
			config := emptySite(t)
			status, out, said := command(t, "", "import", "config", file, "--domain", "example.org", "--dry-run", "--config", config)
			for _, text := range c.said {
				if !strings.Contains(said, text) {
					t.Errorf("%q isn't said", text)
				}
			}
			if status != c.status || len(c.said) == 0 && said != "" {
				t.Errorf("status %d\n%s\n%s", status, out, said)
			}
			if name != "webmail with the domain" {
				return
			}
			_, _, _ = command(t, "", "import", "config", file, "--domain", "example.org", "--config", config)
			if _, out, _ := command(t, "", "export", "--config", config); !strings.Contains(out, "https://webmail.example.org/?d=example.org") {
				t.Errorf("the domain isn't filled in:\n%s", out)
			}
		})
	}
}

// A warning that applying a site gives is given by every import of the same.
func TestEveryImportWarnsOfAnOddPort(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	lines := filepath.Join(folder, "domains.jsonl")
	if err := os.WriteFile(lines, []byte(`{"name":"example.org","servers":{"imap":[{"host":"imap.example.org","port":143,"security":"tls"}],"smtp":[{"host":"smtp.example.org","port":587,"security":"tls"}]}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "db.sqlite")
	db, err := database.Open(database.Address{Kind: database.SQLite, File: file}, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range append(automx2Schema(),
		`INSERT INTO provider VALUES (1, 'Example Inc.', 'Example')`, `INSERT INTO domain VALUES (1, 'example.org', 1, NULL)`,
		`INSERT INTO server VALUES (1, 10, 'imap.example.org', 143, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'), (2, 10, 'smtp.example.org', 587, 'smtp', 'SSL', '%EMAILADDRESS%', 'plain')`,
		`INSERT INTO server_domain VALUES (1, 1), (2, 1)`) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"JSON lines": {"domains", lines}, "automx2": {"automx2", "sqlite:" + file}} {
		for _, dry := range [][]string{nil, {"--dry-run"}} {
			status, _, said := command(t, "", append(append([]string{"import"}, args...), append(dry, "--config", emptySite(t))...)...)
			for _, port := range []string{"143", "587"} {
				if !strings.Contains(said, "port "+port+" is registered for STARTTLS") {
					t.Errorf("%s %v, status %d, says nothing of port %s:\n%s", name, dry, status, port, said)
				}
			}
		}
	}
	// A table of domains names a plan, and has nothing to warn of but what its plan has.
	config := emptySite(t)
	site := filepath.Join(folder, "site.yaml")
	if err := os.WriteFile(site, []byte("domains: []\nplans:\n  - name: odd\n    servers:\n      imap: {host: imap.example.org, port: 143, security: tls}\n      smtp: {host: smtp.example.org}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, said := command(t, "", "apply", site, "--config", config); status != exitGood || !strings.Contains(said, "port 143 is registered") {
		t.Fatalf("status %d: %s", status, said)
	}
	if status, _, said := command(t, "domain,plan\nexample.org,odd\n", "import", "domains", "-", "--format", "csv", "--config", config); status != exitGood || !strings.Contains(said, "port 143 is registered for STARTTLS") {
		t.Errorf("CSV, status %d:\n%s", status, said)
	}
}

func automx2Schema() []string {
	return []string{
		`CREATE TABLE provider (id INTEGER PRIMARY KEY, name VARCHAR(128) NOT NULL, short_name VARCHAR(32) NOT NULL)`,
		`CREATE TABLE ldapserver (id INTEGER PRIMARY KEY, name VARCHAR(128), port INTEGER, use_ssl BOOLEAN, search_base VARCHAR(128), search_filter VARCHAR(128), attr_uid VARCHAR(32), attr_cn VARCHAR(32), bind_password VARCHAR(128), bind_user VARCHAR(128))`,
		`CREATE TABLE server (id INTEGER PRIMARY KEY, prio INTEGER DEFAULT '10' NOT NULL, name VARCHAR(128), port INTEGER, type VARCHAR(32), socket_type VARCHAR(32), user_name VARCHAR(64), authentication VARCHAR(32))`,
		`CREATE TABLE domain (id INTEGER PRIMARY KEY, name VARCHAR(128), provider_id INTEGER, ldapserver_id INTEGER)`,
		`CREATE TABLE server_domain (server_id INTEGER, domain_id INTEGER)`,
	}
}
