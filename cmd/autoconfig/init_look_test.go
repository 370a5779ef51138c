package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

// What a domain has is offered, and an empty answer takes it; of a server that isn't right,
// init says what is wrong, and offers the usual name instead.
func TestInitOffersWhatItFinds(t *testing.T) {
	t.Parallel()
	ca := testkit.NewCA(t)
	certificate := ca.Issue(t, testkit.Leaf{Names: []string{"imap.example.org", "smtp.example.org"}})
	dovecot := testkit.StartDovecot(t, certificate, "")
	postfix := testkit.StartPostfix(t, certificate, dovecot, "")
	folder := t.TempDir()
	root := filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(root, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := func(service, address, host string) string {
		return fmt.Sprintf("%s._tcp.example.org. 300 SRV 0 1 %d %s.", service, portOf(t, address), host)
	}
	server := testkit.StartDNS(t, "127.0.0.1:0",
		srv("_imaps", dovecot.IMAPS, "imap.example.org"), srv("_pop3s", dovecot.POP3S, "pop.example.org"),
		srv("_submission", postfix.Submission, "smtp.example.org"),
		"imap.example.org. 300 A 127.0.0.1", "pop.example.org. 300 A 127.0.0.1", "smtp.example.org. 300 A 127.0.0.1")
	init := "SSL_CERT_FILE=" + root + " autoconfig init --resolver " + server.Addr
	said := shell(t, folder, `printf 'example.org\n\n\n\n\n\n\n' | `+init)
	for _, want := range []string{
		fmt.Sprintf("IMAP  imap.example.org:%d/tls  SRV record", portOf(t, dovecot.IMAPS)),
		"but TLS-NAME-MISMATCH: a certificate for imap.example.org, smtp.example.org. Get a certificate with that name.",
		fmt.Sprintf("or none) [imap.example.org:%d/tls]: ", portOf(t, dovecot.IMAPS)),
		"POP3 server (likewise) [none]: ",
		fmt.Sprintf("Submission server (likewise) [smtp.example.org:%d/starttls]: ", portOf(t, postfix.Submission)),
	} {
		if !strings.Contains(said, want) {
			t.Errorf("it doesn't say %q, but\n%s", want, said)
		}
	}
	site, err := os.ReadFile(filepath.Join(folder, "site.yaml"))
	if want := fmt.Sprintf("smtp: {host: smtp.example.org, port: %d, security: starttls}", portOf(t, postfix.Submission)); err != nil || !strings.Contains(string(site), want) {
		t.Errorf("%v: no %s in\n%s", err, want, site)
	}
	// Who gives all servers isn't kept waiting, and who says so neither.
	for _, flags := range []string{"--imap imap.example.org --pop3 none --smtp smtp.example.org", "--offline"} {
		said := shell(t, t.TempDir(), `printf 'example.org\n\n\n\n\n\n\n' | `+init+" "+flags)
		if strings.Contains(said, "Looking for") || !strings.Contains(said, "wrote site.yaml") {
			t.Errorf("%s: %s", flags, said)
		}
	}
}

// Certificates are a question of init: who has a proxy presses Enter, and who hasn't agrees to the
// authority's terms or gets nothing written. Scripts of before, which answer all else by flags,
// aren't asked.
func TestInitAsksWhoGetsTheCertificates(t *testing.T) {
	t.Parallel()
	const flags = " --domain example.org --imap imap.example.org --pop3 none --smtp smtp.example.org --public-url https://setup.example.org"
	process := func(folder string) string {
		text, _ := os.ReadFile(filepath.Join(folder, "autoconfig.yaml"))
		return string(text)
	}
	for command, acme := range map[string]bool{
		`printf 'example.org\n\n\n\n\n\nacem\nacme\nno\nyes\n' | autoconfig init --offline`: true,
		`printf 'example.org\n\n\n\n\n\n\n' | autoconfig init --offline`:                    false,
		"autoconfig init </dev/null" + flags:                                                false,
		"autoconfig init </dev/null --agree-to-terms" + flags:                               true,
		"autoconfig init </dev/null --certificates acme --agree-to-terms" + flags:           true,
	} {
		folder := t.TempDir()
		said := shell(t, folder, command)
		text := process(folder)
		if strings.Contains(text, "\ntls: {mode: acme}\nacme:\n  agree_to_terms: true\n") != acme ||
			strings.Contains(text, "\nlisten: \":443\"\nhttp_listen: \":80\"\n") != acme || strings.Contains(text, "\ntrusted_proxies:") == acme {
			t.Errorf("%s:\n%s\n%s", command, said, text)
		}
		if strings.Contains(command, "acem") && (!strings.Contains(said, `"acem" is neither acme nor proxy. Once more:`) ||
			!strings.Contains(said, "without your agreement")) {
			t.Errorf("wrong answers aren't asked again:\n%s", said)
		}
	}
	folder := t.TempDir()
	said := shell(t, folder, "autoconfig init </dev/null --certificates acme"+flags)
	if !strings.Contains(said, "terms") || process(folder) != "" {
		t.Errorf("without agreement: %s\n%s", said, process(folder))
	}
}
