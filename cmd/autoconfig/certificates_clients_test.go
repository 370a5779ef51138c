package main

import (
	"os/exec"
	"strings"
	"testing"

	"autoconfig/internal/config"
	"autoconfig/internal/testkit"
	"autoconfig/internal/testkit/acme"
)

// The real programs set up an account with nothing but the two names that point here: the
// certificates are got by HTTP-01 in this test, and they trust nobody but their authority.
func TestTheRealProgramsTrustWhatWasGot(t *testing.T) {
	needPrograms(t)
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	pointingHere(t, certifiedPlace{folder: t.TempDir(), listen: "192.0.2.1:443", plain: "192.0.2.1:80", challenge: "http-01"}).setUp(t)
}

// The same behind a proxy as docs/proxies.md has it, which passes the connections on.
func TestTheRealProgramsTrustWhatWasGotBehindAProxy(t *testing.T) {
	needPrograms(t)
	t.Parallel()
	for _, of := range []struct{ proxy, challenge string }{
		{"nginx, PROXY protocol", "http-01"},
		{"haproxy, PROXY protocol", "http-01"},
		{"haproxy, PROXY protocol", "tls-alpn-01"},
	} {
		t.Run(of.proxy+" "+of.challenge, func(t *testing.T) {
			c := proxyCases[of.proxy]
			testkit.Need(t, c.program)
			t.Parallel()
			if !testkit.InNamespace(t) {
				return
			}
			w := newProxyWorld(t)
			w.plain, w.tls = "192.0.2.1:80", "192.0.2.1:443"
			w.startProxy(t, c, "127.0.0.1:8443")
			pointingHere(t, certifiedPlace{
				folder: w.folder, listen: "127.0.0.1:8443", plain: w.redirects, challenge: of.challenge,
				more: "trusted_proxies: [127.0.0.1, 192.0.2.1]\nproxy_protocol: true\n",
			}).setUp(t)
		})
	}
}

func needPrograms(t *testing.T) {
	t.Helper()
	testkit.Need(t, "thunderbird")
	testkit.Need(t, "evolution")
}

// certifiedNames is a service of which the programs know only the domain's records.
type certifiedNames struct {
	ca        *testkit.CA
	evolution *testkit.Evolution
}

// certifiedPlace is where a service listens that gets its certificates itself.
type certifiedPlace struct {
	folder        string
	listen, plain string
	challenge     string // its kind
	more          string // of the configuration
}

// pointingHere serves the demo site at 192.0.2.1 with certificates of a real ACME server, which
// it waits for.
func pointingHere(t *testing.T, at certifiedPlace) certifiedNames {
	t.Helper()
	folder := at.folder
	dns := testkit.StartDNS(t, testkit.DNSAddress)
	server := acme.Start(t, acme.Options{DNS: testkit.DNSAddress, HTTPPort: 80, TLSPort: 443})
	put(t, folder, 0o600, map[string]string{
		"site.yaml": string(config.Demo), "ca.pem": string(server.PEM),
		"autoconfig.yaml": `public_url: https://setup.example.com
listen: ` + at.listen + `
http_listen: ` + at.plain + `
admin_listen: 127.0.0.1:0
tls: {mode: acme}
acme:
  agree_to_terms: true
  directory: ` + server.Directory + `
  ca: ca.pem
  addresses: [192.0.2.1]
  challenges: [` + at.challenge + `]
check: {every: "0", allow_networks: [192.0.2.1/32]}
` + at.more,
	})
	if seen := shell(t, folder, "autoconfig apply > /dev/null && echo good"); seen != "good\n" {
		t.Fatal(seen)
	}
	records := []string{"setup.example.com. 300 A 192.0.2.1"}
	for line := range strings.Lines(shell(t, folder, "autoconfig dns example.com")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, ";") {
			records = append(records, line)
		}
	}
	for _, host := range []string{"imap", "pop", "smtp", "dav"} {
		records = append(records, host+".example.com. 300 A 192.0.2.1")
	}
	dns.Set(t, records...)
	cmd := exec.Command("autoconfig", "serve")
	cmd.Dir = folder
	begin(t, cmd)
	for _, name := range []string{"autoconfig.example.com", "autodiscover.example.com", "setup.example.com"} {
		testkit.Until(t, func() string { return shell(t, folder, "autoconfig certificates list") }, func() bool {
			return strings.Contains(shell(t, folder, "autoconfig certificates show "+name+" --json"), `"state": "valid"`)
		})
	}
	ca := testkit.Known(server.Root)
	return certifiedNames{ca, testkit.StartEvolution(t, ca)}
}

// setUp lets both programs set up an account, which one of them would do over plain http too.
func (c certifiedNames) setUp(t *testing.T) {
	t.Helper()
	t.Run("Thunderbird", func(t *testing.T) {
		got, err := testkit.StartThunderbird(t, c.ca).Configure(t.Context(), testkit.Person{Email: "workshop@example.com", RealName: "Alice"})
		if err != nil {
			t.Fatal(err)
		}
		if got.SubSource != "xml-from-isp-https" || got.Incoming.Type != "pop3" || got.Incoming.Hostname != "pop.example.com" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("Evolution", func(t *testing.T) {
		got, err := c.evolution.Configure(t.Context(), "workshop@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if !got.POP3.Found || got.POP3.Host != "pop.example.com" {
			t.Errorf("%+v", got)
		}
	})
}
