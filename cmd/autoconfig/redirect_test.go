package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"autoconfig/clients"
	"autoconfig/internal/config"
	"autoconfig/internal/testkit"
)

// A domain without certificates, as docs/certificates.md has it: the records are those that
// "dns --variant redirect" prints, the service has a certificate for its own name alone, and
// plain http leads there. check has nothing to complain of, and the programs are served as the
// page says: the walked ones, and the real Thunderbird and Evolution.
func TestADomainWithoutCertificates(t *testing.T) {
	testkit.Need(t, "thunderbird")
	testkit.Need(t, "evolution")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	ca := testkit.NewCA(t)
	folder := t.TempDir()
	certificate, key := ca.Issue(t, testkit.Leaf{Names: []string{"setup.example.com"}}).PEM(t)
	put(t, folder, 0o600, map[string]string{
		"cert.pem": string(certificate), "key.pem": string(key), "site.yaml": string(config.Demo),
		"autoconfig.yaml": `public_url: https://setup.example.com
listen: 192.0.2.1:443
http_listen: 192.0.2.1:80
admin_listen: 127.0.0.1:0
tls: {certificate: cert.pem, key: key.pem}
check: {every: "0", allow_networks: [192.0.2.1/32]}
`,
	})
	if seen := shell(t, folder, "autoconfig apply > /dev/null && echo good"); seen != "good\n" {
		t.Fatal(seen)
	}
	cmd := exec.Command("autoconfig", "serve")
	cmd.Dir = folder
	begin(t, cmd)
	records := []string{
		"setup.example.com. 300 A 192.0.2.1", "example.com. 300 SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 60",
		"example.com. 300 NS ns.example.com.", "ns.example.com. 300 A 127.0.0.1",
		"imap.example.com. 300 A 192.0.2.1", "pop.example.com. 300 A 192.0.2.1", "smtp.example.com. 300 A 192.0.2.1",
		"dav.example.com. 300 A 192.0.2.1",
	}
	for line := range strings.Lines(shell(t, folder, "autoconfig dns example.com --variant redirect")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, ";") {
			records = append(records, line)
		}
	}
	testkit.StartDNS(t, testkit.DNSAddress, records...)
	evolution := testkit.StartEvolution(t, ca) // from here on, all trust ca

	t.Run("check", func(t *testing.T) {
		var report struct {
			Findings []struct{ Code, Severity, Subject, Seen string }
		}
		seen := shell(t, folder, "autoconfig check example.com --only dns,http --json")
		if err := json.Unmarshal([]byte(seen), &report); err != nil {
			t.Fatal(err, seen)
		}
		told := 0
		for _, f := range report.Findings {
			if f.Severity != "info" {
				t.Errorf("%+v", f)
			}
			if f.Code == "HTTP-UNREACHABLE" && strings.Contains(f.Seen, "plain http leads to https://setup.example.com") {
				told++
			}
		}
		if told != 2 {
			t.Errorf("the two names aren't told: %s", seen)
		}
	})

	t.Run("the page", func(t *testing.T) {
		page := servedByRedirect(t)
		for _, c := range clients.All() {
			if c.Simulation == "" || c.Simulation == "apple" { // which has profiles, from public_url
				continue
			}
			says, told := page[c.Name]
			if !told {
				t.Errorf("the page has no word about %s", c.Name)
				continue
			}
			seen := shell(t, folder, "autoconfig simulate office@example.com --json --client "+c.Simulation)
			var results []struct{ Account *struct{ Origin string } }
			if err := json.Unmarshal([]byte(seen), &results); err != nil || len(results) != 1 {
				t.Fatal(err, seen)
			}
			account := results[0].Account
			if served := account != nil && account.Origin != "SRV"; served != says {
				t.Errorf("%s: served: %v, the page: %v\n%s", c.Name, served, says, seen)
			}
		}
	})

	t.Run("Thunderbird", func(t *testing.T) {
		got, err := testkit.StartThunderbird(t, ca).Configure(t.Context(), testkit.Person{Email: "workshop@example.com", RealName: "Alice"})
		if err != nil {
			t.Fatal(err)
		}
		if got.SubSource != "xml-from-isp-http" || got.Incoming.Type != "pop3" || got.Incoming.Hostname != "pop.example.com" {
			t.Errorf("%+v", got)
		}
	})

	t.Run("Evolution", func(t *testing.T) {
		got, err := evolution.Configure(t.Context(), "workshop@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if !got.POP3.Found || got.POP3.Host != "pop.example.com" {
			t.Errorf("%+v", got)
		}
	})
}

// servedByRedirect are the programs of the page's table, and whether it says that they are
// served.
func servedByRedirect(t *testing.T) map[string]bool {
	t.Helper()
	page, err := os.ReadFile("../../docs/certificates.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Without certificates\n")
	section, _, _ = strings.Cut(section, "\n## ")
	served := map[string]bool{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		for name := range strings.SplitSeq(strings.ReplaceAll(cells[1], " and ", ", "), ",") {
			served[strings.TrimSpace(name)] = strings.HasPrefix(strings.TrimSpace(cells[2]), "yes")
		}
	}
	return served
}

// The same behind nginx: https at a special name ends without a certificate, and plain http
// leads to public_url.
func TestADomainWithoutCertificatesBehindNginx(t *testing.T) {
	t.Parallel()
	c := proxyCases["nginx"]
	testkit.Need(t, c.program)
	w := newProxyWorld(t)
	c.text = func(all []string) string {
		for _, b := range blocks(t, "../../docs/certificates.md") {
			if b.kind == "nginx" {
				return strings.NewReplacer("server_name _;", "server_name setup.example.com;", "listen 80;", "listen "+w.plain+" default_server;").Replace(all[0]) +
					strings.Replace(b.text, "listen 443", "listen "+w.tls, 1)
			}
		}
		t.Fatal("the page has no nginx")
		return ""
	}
	w.startProxy(t, c, w.startService(t, c))
	const path = "/autodiscover/autodiscover.xml"
	status, location, _ := w.ask(t, "127.0.0.5", "http://autodiscover.example.com"+path)
	if status != http.StatusFound || location != "https://setup.example.com"+path {
		t.Errorf("plain http: %d to %s", status, location)
	}
	if status, _, _ := w.ask(t, "127.0.0.5", "https://setup.example.com/v1.1/example.com"); status != http.StatusOK {
		t.Errorf("public_url: %d", status)
	}
	conn, err := tls.Dial("tcp", w.tls, &tls.Config{RootCAs: w.roots, ServerName: "autodiscover.example.com"})
	var shown *tls.CertificateVerificationError
	if err == nil {
		_ = conn.Close()
	}
	if err == nil || errors.As(err, &shown) {
		t.Errorf("a special name: %v", err)
	}
}
