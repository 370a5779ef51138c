package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/doctor/probe"
	"autoconfig/internal/testkit"
	"autoconfig/internal/testkit/acme"
)

// certified is a service that gets its certificates from a real ACME server.
type certified struct {
	*process
	folder, plain string
	acme          *acme.Server
	dns           *testkit.DNS
}

// leadHere are records that lead names to the service.
func leadHere(names ...string) (records []string) {
	for _, name := range names {
		records = append(records, name+". A 127.0.0.1")
	}
	return records
}

func newCertified(t *testing.T, challenge string) *certified {
	t.Helper()
	public := testkit.FreeAddress(t)
	return startCertified(t, challenge, public, public, "")
}

// startCertified starts a service that listens at one address and that all reach, the ACME
// server as well, at another.
func startCertified(t *testing.T, challenge, public, reached, more string) *certified {
	t.Helper()
	c := &certified{folder: t.TempDir(), plain: testkit.FreeAddress(t), dns: testkit.StartDNS(t, "127.0.0.1:0")}
	c.acme = acme.Start(t, acme.Options{DNS: c.dns.Addr, HTTPPort: portOf(t, c.plain), TLSPort: portOf(t, reached)})
	settings := fmt.Sprintf(`public_url: https://setup.example.com
http_listen: %s
tls: {mode: acme}
acme:
  agree_to_terms: true
  contact: postmaster@example.com
  directory: %s
  ca: ca.pem
  addresses: [127.0.0.1]
  challenges: [%s]
check: {every: "0", resolver: [%q]}
`+more, c.plain, c.acme.Directory, challenge, c.dns.Addr)
	for name, text := range map[string]string{"autoconfig.yaml": settings, "site.yaml": string(config.Demo), "ca.pem": string(c.acme.PEM)} {
		if err := os.WriteFile(filepath.Join(c.folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.dns.Set(t, leadHere("setup.example.com", "autoconfig.example.com", "autodiscover.example.com")...)
	if seen := shell(t, c.folder, "autoconfig apply || echo FAILED"); strings.Contains(seen, "FAILED") {
		t.Fatal(seen)
	}
	c.process = serve(t, c.folder, "--listen", public)
	c.public = reached
	return c
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return at.Port
}

// get asks over https as a client that trusts the authority.
func (c *certified) get(t *testing.T, rawURL string) (int, string, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: c.acme.Issued},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			to := c.public
			if strings.HasSuffix(address, ":80") {
				to = c.plain
			}
			return new(net.Dialer).DialContext(ctx, network, to)
		},
	}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.Get(rawURL)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	return r.StatusCode, string(text), err
}

// A customer's names point here, and it works: mail programs and people are answered over
// https, with certificates that were got ahead, for the service's own name as well.
func TestCertificatesAreGot(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{"tls-alpn-01", "http-01"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			c := newCertified(t, challenge)
			for _, ask := range []string{
				"https://autoconfig.example.com/mail/config-v1.1.xml?emailaddress=office%40example.com",
				"https://autodiscover.example.com/autodiscover/autodiscover.json/v1.0/office@example.com?Protocol=AutodiscoverV1",
				"https://setup.example.com/",
			} {
				var status int
				var text string
				var err error
				testkit.Until(t, func() string { return fmt.Sprint(ask, status, text, err) }, func() bool {
					status, text, err = c.get(t, ask)
					return err == nil && status == http.StatusOK
				})
			}
			var failure *tls.CertificateVerificationError
			if _, _, err := c.get(t, "https://autoconfig.other.example/"); err == nil || errors.As(err, &failure) {
				t.Errorf("a name that isn't served: %v", err)
			}
			// What isn't a challenge is redirected as before.
			if status, _, err := c.get(t, "http://autoconfig.example.com/mail/config-v1.1.xml"); err != nil || status != http.StatusFound {
				t.Errorf("plain http: %d %v", status, err)
			}
			if status, _, err := c.get(t, "http://autoconfig.example.com/.well-known/acme-challenge/nothing"); err != nil || status != http.StatusNotFound {
				t.Errorf("a challenge that nobody made: %d %v", status, err)
			}
			if got := c.acme.Orders(); got != 3 {
				t.Errorf("%d orders", got)
			}
		})
	}
}

// An operator sees what each name has and lacks, has a certificate ordered again, and
// revokes one; the audit log has both.
func TestCertificatesAreSeenAndRevoked(t *testing.T) {
	t.Parallel()
	c := newCertified(t, "tls-alpn-01")
	const name, lacking = "autoconfig.example.com", "ua-auto-config.example.com"
	run := func(line string) string { return shell(t, c.folder, "autoconfig "+line+" || echo status $?") }
	var seen string
	state := func(of, want string) {
		t.Helper()
		testkit.Until(t, func() string { return seen }, func() bool {
			seen = run("certificates show " + of + " --json")
			return strings.Contains(seen, `"state": "`+want+`"`)
		})
	}
	state(name, "valid")
	state(lacking, "failing")
	for line, want := range map[string][]string{
		"certificates list":                               {name, "valid", lacking, "failing", "CERT-DNS", "doesn't exist"},
		"check --only tls example.com --json":             {`"code":"CERT-DNS"`, lacking, "next try"},
		"certificates list --failing --json":              {lacking, `"remedy": "Point the name at this service`, `"code": "CERT-DNS"`},
		"certificates list --domain other.example --json": {"[]"},
		"certificates show " + name:                       {"Valid until", "Renewed from"},
		"certificates show " + lacking:                    {"CERT-DNS", "Next try", "Point the name at this service"},
		"certificates show nothing.example":               {"has no certificate, and wants none", "status 1"},
		"certificates order www.example.com":              {"is not a name for which this service has certificates", "status 1"},
		"certificates revoke " + lacking:                  {"has no certificate", "status 1"},
	} {
		if got := run(line); !containsAll(got, want) {
			t.Errorf("%s: %q is not all in:\n%s", line, want, got)
		}
	}
	serial := func() string {
		dialer := &tls.Dialer{Config: &tls.Config{ServerName: name, RootCAs: c.acme.Issued}}
		conn, err := dialer.DialContext(t.Context(), "tcp", c.public)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	for _, line := range []string{"certificates order " + name, "certificates revoke " + name + " --compromised"} {
		before := serial()
		if got := run(line); strings.Contains(got, "status") || !strings.Contains(got, "by the running service") {
			t.Fatal(line, got)
		}
		testkit.Until(t, func() string { return line + ": the last one is still served" }, func() bool { return serial() != before })
	}
	// The name's DNS is mended, and somebody doesn't want to wait for the next try.
	c.dns.Set(t, leadHere("setup.example.com", name, "autodiscover.example.com", lacking)...)
	run("certificates order " + lacking)
	state(lacking, "valid")
	db, err := database.Open(database.MustParse("sqlite:autoconfig.db"), database.Options{Folder: c.folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if got := column(t, db, `SELECT action, subject, domain, actor FROM audit WHERE action LIKE 'certificate %' ORDER BY id`); !slices.Equal(got, []string{
		"certificate ordered " + name + " example.com command line", "certificate revoked " + name + " example.com command line",
		"certificate ordered " + lacking + " example.com command line",
	}) {
		t.Errorf("%q", got)
	}
}

func containsAll(text string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

// A front end that gets certificates on demand asks for each name whether it is served.
func TestAFrontEndAsksForNames(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "--demo")
	for name, want := range map[string]int{
		"autoconfig.example.com": 200, "AutoDiscover.Example.COM.": 200, "autoconfig.example.net": 200, "ua-auto-config.example.com": 200,
		"example.com": 404, "www.example.com": 404, "autoconfig.other.example": 404, "autoconfig.autoconfig.example.com": 404, "": 404,
		"autoconfig.ex ample.com": 404, "127.0.0.1": 200, // public_url's host of the demo
	} {
		r, err := http.Get("http://" + p.private + "/tls/ask?domain=" + url.QueryEscape(name))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%q: %d, want %d", name, r.StatusCode, want)
		}
	}
}

// A name leads here if all of its addresses do.
func TestWhereANameLeads(t *testing.T) {
	t.Parallel()
	dns := testkit.StartDNS(t, "127.0.0.1:0", "setup.example.com. A 192.0.2.1", "setup.example.com. AAAA 2001:db8::1",
		"good.example. CNAME setup.example.com.", "half.example. A 192.0.2.1", "half.example. A 192.0.2.2", "other.example. AAAA 2001:db8::2",
		"machine.example. A 198.51.100.7", "loopback.example. A 127.0.0.1", "text.example. TXT nothing")
	h := &here{
		resolver: &probe.Resolver{Servers: []string{dns.Addr}}, own: "setup.example.com",
		machine: func() ([]net.Addr, error) {
			return []net.Addr{&net.IPNet{IP: net.ParseIP("198.51.100.7"), Mask: net.CIDRMask(24, 32)}, &net.IPNet{IP: net.ParseIP("127.0.0.1"), Mask: net.CIDRMask(8, 32)}}, nil
		},
	}
	for name, want := range map[string]string{
		"good.example": "", "machine.example": "", "half.example": "192.0.2.2", "other.example": "2001:db8::2", "loopback.example": "127.0.0.1",
		"text.example": "no address", "nothing.example": "doesn't exist",
	} {
		err := h.leads(t.Context(), name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	h.addresses = []config.IPAddress{{Addr: netip.MustParseAddr("192.0.2.2")}}
	if err := h.leads(t.Context(), "good.example"); err == nil || !strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("configured addresses: %v", err)
	}
}

// Several certificates in files: the one for the name that a client asks for.
func TestSeveralCertificatesInFiles(t *testing.T) {
	t.Parallel()
	folder, ca := t.TempDir(), testkit.NewCA(t)
	var pairs []string
	for _, name := range []string{"setup.example.com", "autoconfig.example.com"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
		certificate, key := ca.Issue(t, testkit.Leaf{Names: []string{name}}).WriteFiles(t, filepath.Join(folder, name))
		pairs = append(pairs, fmt.Sprintf("certificate: %s, key: %s", filepath.ToSlash(certificate), filepath.ToSlash(key)))
	}
	settings := fmt.Sprintf("public_url: https://setup.example.com\ncheck: {every: \"0\"}\ntls: {%s, pairs: [{%s}]}\n", pairs[0], pairs[1])
	if err := os.WriteFile(filepath.Join(folder, "autoconfig.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, folder)
	for asked, want := range map[string]string{"setup.example.com": "setup.example.com", "autoconfig.example.com": "autoconfig.example.com", "other.example": "setup.example.com", "": "setup.example.com"} {
		dialer := &tls.Dialer{Config: &tls.Config{ServerName: asked, InsecureSkipVerify: true}} // which one it is, is looked at
		conn, err := dialer.DialContext(t.Context(), "tcp", p.public)
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames; !slices.Equal(got, []string{want}) {
			t.Errorf("%q gets the certificate of %v", asked, got)
		}
		_ = conn.Close()
	}
}
