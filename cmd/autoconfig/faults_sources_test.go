package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/testkit"
)

// sourceTimes let answers get old at once, and a test take seconds.
const sourceTimes = `fresh: 1s
    missing: 1s
    stale: 1h
    timeout: 800ms
`

// panelTables has the demo's accounts and the persons in the preset's tables, with
// the operator's own columns.
func panelTables() string {
	var b strings.Builder
	b.WriteString(`
CREATE TABLE virtual_domains (id INT PRIMARY KEY, name VARCHAR(50) NOT NULL UNIQUE);
CREATE TABLE virtual_users (id INT PRIMARY KEY, domain_id INT NOT NULL, email VARCHAR(100) NOT NULL UNIQUE, quota BIGINT, teams VARCHAR(100), devices VARCHAR(10), protocol VARCHAR(10));
CREATE TABLE virtual_aliases (id INT PRIMARY KEY, domain_id INT NOT NULL, source VARCHAR(100) NOT NULL, destination VARCHAR(100) NOT NULL);
INSERT INTO virtual_domains VALUES (1, 'example.com');
INSERT INTO virtual_users VALUES (100001, 1, 'office@example.com', NULL, NULL, 'several', NULL), (100002, 1, 'workshop@example.com', 200000000, NULL, 'one', NULL), (100003, 1, 'kiosk@example.com', NULL, 'kiosk', NULL, NULL)`)
	for i := range persons {
		fmt.Fprintf(&b, ",\n(%d, 1, 'person%d@example.com', NULL, NULL, NULL, 'pop3')", i, i)
	}
	b.WriteString(";\n")
	return b.String()
}

// panelEntries has the same in a directory.
func panelEntries() string {
	var b strings.Builder
	person := func(name string, lines ...string) {
		fmt.Fprintf(&b, "dn: uid=%[1]s,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: %[1]s\ncn: %[1]s\nsn: x\nmail: %[1]s@example.com\n%[2]s\n\n", name, strings.Join(lines, "\n"))
	}
	person("office", "employeeType: several")
	person("workshop", "employeeType: one", "roomNumber: 200MB")
	person("kiosk", "departmentNumber: kiosk")
	for i := range persons {
		person(fmt.Sprintf("person%d", i), "preferredLanguage: pop3")
	}
	return b.String()
}

// withoutAccounts is the demo site with nobody in it.
func withoutAccounts() string {
	site, _, _ := strings.Cut(string(config.Demo), "\naccounts:")
	return site + "\n"
}

// What a source has is served on from before, whatever happens to it, and nobody
// gets a wrong default; what our own site has doesn't need it.
func TestFaultsOfSources(t *testing.T) {
	t.Parallel()
	// Each kind meets some, and all of them only where there is time (FAULTS=all).
	usual := map[string]string{"postgresql": "stopped, frozen, full, ended half-way", "mariadb": "killed, full, garbled, too slow", "openldap": "killed, frozen, garbled, cut, ended half-way"}
	subject := func(t *testing.T, settings, password string, faults []fault, proxy *testkit.Proxy) {
		t.Helper()
		_, kind, _ := strings.Cut(t.Name(), "/")
		s := newService(t, "sources:\n  - name: panel\n    "+sourceTimes+settings, withoutAccounts(), password)
		s.warm(asked)
		s.ready(`"status":"ready"`)
		goroutines, files := s.metric("go_goroutines"), s.metric("process_open_fds")
		for _, f := range faults {
			if os.Getenv("FAULTS") != "all" && !strings.Contains(usual[kind], f.name) {
				continue
			}
			s.meet("panel", f)
		}
		if n := proxy.Open(); n > 40 {
			t.Errorf("%d connections", n)
		}
		s.settled(goroutines, files)
	}
	spoiled := func(p *testkit.Proxy) []fault {
		return []fault{
			{"garbled", p.Garbage, p.Mend, `.+`},
			{"cut", p.Cut, p.Mend, `.+`},
			{"ended half-way", p.Half, p.Mend, `.+`},
			{"too slow", func() { p.Delay(2 * time.Second) }, p.Mend, `deadline exceeded|timeout|in time`},
		}
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			proxy := testkit.StartProxy(t, server.Addr)
			address := server.Create(t)
			server.Run(t, address, panelTables())
			groups := "groups"
			if name == "mariadb" {
				groups = "`groups`"
			}
			u, _ := url.Parse(address)
			password, _ := u.User.Password()
			faults := faultsOf(t, server, address, proxy)
			faults = append(faults[:len(faults)-1], spoiled(proxy)...)
			subject(t, fmt.Sprintf(`    sql:
      database: %q
      preset: virtual
      domain: "-"
      account: "SELECT u.email AS address, u.quota AS quota, u.teams AS %s, u.devices AS devices, u.protocol AS protocol FROM virtual_users u WHERE u.email = :address"
`, through(t, address, proxy), groups), password, faults, proxy)
		})
	}
	t.Run("openldap", func(t *testing.T) {
		t.Parallel()
		s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: panelEntries()})
		proxy := testkit.StartProxy(t, strings.TrimPrefix(s.URL, "ldap://"))
		subject(t, ldapSettings(t, s, "ldap://"+proxy.Addr), s.ReaderPassword, append([]fault{
			{"stopped", s.Stop, func() { s.Start(t) }, `.+`},
			{"frozen", func() { s.Freeze(t) }, func() { s.Thaw(t) }, `in time|deadline exceeded|timeout`},
			{"killed", s.Kill, func() { s.Start(t) }, `.+`},
		}, spoiled(proxy)...), proxy)
	})
}

// ldapSettings name a directory server by a URL, and write the files that they need.
func ldapSettings(t *testing.T, s *testkit.Slapd, at string) string {
	t.Helper()
	folder := t.TempDir()
	word := filepath.Join(folder, "password")
	if err := os.WriteFile(word, []byte(s.ReaderPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`    ldap:
      servers: [%q]
      ca: %q
      bind_dn: %q
      password_file: %q
      base: %q
      preset: openldap
      attributes: {login: "-", quota: roomNumber, devices: employeeType, protocol: preferredLanguage, groups: departmentNumber}
`, at, s.CA.WriteFile(t, folder), s.ReaderDN, word, s.Suffix)
}

// A directory server whose certificate has expired is told apart from one that is
// down, and what our own site has is served.
func TestASourceWhoseCertificateHasExpired(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{LDIF: panelEntries(), Leaf: testkit.Leaf{Names: []string{"localhost", "127.0.0.1"}, NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(-24 * time.Hour)}})
	site := withoutAccounts() + "accounts:\n  - {address: own@example.com, protocol: pop3}\n"
	w := newService(t, "sources:\n  - name: panel\n    "+sourceTimes+ldapSettings(t, s, s.TLSURL), site, s.ReaderPassword)
	w.warm(map[string]string{"own@example.com": "pop"})
	w.ready(`"status":"degraded".*the source panel can't be asked since .*expired`)
	if right, problem := w.person("/mail/config-v1.1.xml?emailaddress=%s"); right || problem != "" {
		t.Errorf("somebody whom only the source knows: %v %s", right, problem)
	}
	if status, _, header, err := w.ask("/mail/config-v1.1.xml?emailaddress=nobody%40example.com"); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || err != nil {
		t.Errorf("somebody whom nobody knows: %d %v", status, err)
	}
}
