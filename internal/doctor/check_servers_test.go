package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/doctor/probe"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

var hosts = []string{"imap.example.com", "pop.example.com", "smtp.example.com"}

// mailWorld is a world with the real Dovecot and Postfix; its domain offers
// implicit TLS and STARTTLS.
func mailWorld(t *testing.T, dovecot, postfix string) *world {
	t.Helper()
	w := newWorld(t)
	w.ca = testkit.NewCA(t)
	w.startMailServers(t, dovecot, postfix)
	w.checker.Only = []Part{PartTLS, PartMail}
	both := func(host string) policy.ServerList {
		return list(settings.Server{Host: host}, settings.Server{Host: host, Security: settings.STARTTLS})
	}
	w.plan = plan(t, policy.Domain{Name: "example.com", Offer: policy.Offer{Servers: policy.Servers{IMAP: both(hosts[0]), POP3: both(hosts[1]), SMTP: both(hosts[2])}}})
	return w
}

func (w *world) startMailServers(t *testing.T, dovecot, postfix string) {
	t.Helper()
	certificate := w.ca.Intermediate(t).Issue(t, testkit.Leaf{Names: hosts})
	d := testkit.StartDovecot(t, certificate, dovecot)
	p := testkit.StartPostfix(t, certificate, d, postfix)
	w.routes["192.0.2.1:993"], w.routes["192.0.2.1:143"] = d.IMAPS, d.IMAP
	w.routes["192.0.2.1:995"], w.routes["192.0.2.1:110"] = d.POP3S, d.POP3
	w.routes["192.0.2.1:465"], w.routes["192.0.2.1:587"] = p.Submissions, p.Submission
	w.checker.Roots = w.ca.Pool()
	w.checker.Dialer.Connect = w.connectAsStranger
}

// connectAsStranger comes from another address than the servers': Dovecot trusts
// its own.
func (w *world) connectAsStranger(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	if w.routes[address] == "" || network != "tcp" {
		return w.connect(ctx, network, address)
	}
	return d.DialContext(ctx, network, w.routes[address])
}

func TestHealthyMailServersHaveNoFinding(t *testing.T) {
	t.Parallel()
	w := mailWorld(t, "", "")
	if r := w.check(t); len(r.Findings) > 0 {
		t.Errorf("findings:\n%s", r.text())
	}
	// What SRV names is looked at where the domain isn't ours.
	if r := w.checker.Check(t.Context(), "example.com", nil); len(r.Findings) > 0 || r.Served {
		t.Errorf("without a plan:\n%s", r.text())
	}
}

func TestFaultsOfRealMailServers(t *testing.T) {
	t.Parallel()
	w := mailWorld(t, "disable_plaintext_auth = no\nauth_mechanisms = plain cram-md5", "smtpd_tls_auth_only = no")
	r := w.check(t)
	if found := r.with(MailCleartext); len(found) != 3 || len(found) != len(r.Findings) {
		t.Errorf("passwords before TLS, at three servers:\n%s", r.text())
	}
	for i := range w.plan.Terms.Servers.IMAP {
		w.plan.Terms.Servers.IMAP[i].Auth = []settings.Auth{settings.AuthScramSHA256}
		w.plan.Terms.Servers.SMTP[i].Auth = []settings.Auth{settings.AuthScramSHA256, settings.AuthCramMD5}
	}
	found := w.check(t).with(MailAuth)
	if len(found) != 4 || found[0].Severity != Error || found[3].Severity != Warning || found[0].Expected != "SCRAM-SHA-256" {
		t.Errorf("mechanisms: %+v", found)
	}
	w.plan.Terms.Servers.IMAP[0].Auth[0], w.plan.Terms.Servers.SMTP[0].Auth[0] = settings.AuthCramMD5, settings.AuthPlain
	w.plan.Terms.Servers.IMAP[1].Auth[0], w.plan.Terms.Servers.SMTP[1].Auth[0] = settings.AuthPlain, settings.AuthPlain
	if found := w.check(t).with(MailAuth); len(found) > 0 {
		t.Errorf("mended: %+v", found)
	}
}

// speak serves one kind of conversation: what it says at first and to each word
// that a client begins a line with.
func speak(t *testing.T, config *tls.Config, greeting string, answers map[string]string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				conversation := c
				if config != nil {
					conversation = tls.Server(c, config)
				}
				if _, err := conversation.Write([]byte(greeting)); err != nil {
					return
				}
				for lines := bufio.NewScanner(conversation); lines.Scan(); {
					for word, answer := range answers {
						if strings.Contains(lines.Text(), word) {
							tag, _, _ := strings.Cut(lines.Text(), " ")
							_, _ = conversation.Write([]byte(strings.ReplaceAll(answer, "TAG", tag)))
						}
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

var imapAnswers = map[string]string{"CAPABILITY": "* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN LOGINDISABLED\r\nTAG OK\r\n"}

// Certificates and versions as they may be wrong, each with its mended twin.
func TestFaultsOfTLS(t *testing.T) {
	t.Parallel()
	ca, other := testkit.NewCA(t), testkit.NewCA(t)
	day := 24 * time.Hour
	now := time.Now()
	issue := func(ca *testkit.CA, names []string, from, to time.Duration) *tls.Config {
		c := ca.Issue(t, testkit.Leaf{Names: names, NotBefore: now.Add(from), NotAfter: now.Add(to)})
		return &tls.Config{Certificates: []tls.Certificate{c.TLS()}}
	}
	good := issue(ca, hosts, -day, 90*day)
	withoutChain := ca.Intermediate(t).Issue(t, testkit.Leaf{Names: hosts}).TLS()
	withoutChain.Certificate = withoutChain.Certificate[:1]
	old := good.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	greeting := "* OK\r\n"
	for name, c := range map[string]struct {
		config   *tls.Config
		greeting string
		answers  map[string]string
		code     Code
		seen     string
	}{
		"good":                 {good, greeting, imapAnswers, "", ""},
		"another name":         {issue(ca, []string{"www.example.com"}, -day, 90*day), greeting, imapAnswers, TLSName, "a certificate for www.example.com"},
		"another authority":    {issue(other, hosts, -day, 90*day), greeting, imapAnswers, TLSUntrusted, `issued by "testkit root", 1 certificates sent`},
		"without intermediate": {&tls.Config{Certificates: []tls.Certificate{withoutChain}}, greeting, imapAnswers, TLSUntrusted, "1 certificates sent"},
		"expired":              {issue(ca, hosts, -2*day, -day), greeting, imapAnswers, TLSExpired, "expired on "},
		"not yet":              {issue(ca, hosts, day, 2*day), greeting, imapAnswers, TLSExpired, "not valid before "},
		"soon":                 {issue(ca, hosts, -day, 13*day), greeting, imapAnswers, TLSExpiring, "expires on "},
		"old":                  {old, greeting, imapAnswers, TLSOld, "TLS 1.1"},
		"no TLS":               {nil, greeting, imapAnswers, TLSConnect, "TLS: "},
		"a web server":         {good, "HTTP/1.1 400 Bad Request\r\n\r\n", nil, MailNotSpoken, `"HTTP/1.1 400 Bad Request"`},
		"a long line":          {good, strings.Repeat("x", 5000), nil, MailNotSpoken, "longer than 4096"},
		"endless lines":        {good, greeting, map[string]string{"CAPABILITY": strings.Repeat("* x\r\n", 200)}, MailNotSpoken, "too many lines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.checker.Roots, w.checker.Only = ca.Pool(), []Part{PartTLS, PartMail}
			w.routes["192.0.2.1:993"] = speak(t, c.config, c.greeting, c.answers)
			w.plan.Terms.Servers = policy.Servers{IMAP: w.plan.Terms.Servers.IMAP}
			r := w.check(t)
			if c.code == "" && len(r.Findings) == 0 {
				return
			}
			if len(r.Findings) != 1 || r.Findings[0].Code != c.code || !strings.Contains(r.Findings[0].Seen, c.seen) {
				t.Errorf("findings:\n%s", r.text())
			}
		})
	}
}

func TestServersThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.checker.Only = []Part{PartTLS}
	w.plan.Terms.Servers = policy.Servers{IMAP: w.plan.Terms.Servers.IMAP}
	if found := w.check(t).with(TLSConnect); len(found) != 1 || !strings.Contains(found[0].Seen, "connection refused") {
		t.Errorf("nothing listens: %+v", found)
	}
	w.checker.Dialer.Policy = probe.DialPolicy{}
	if found := w.check(t).with(TLSConnect); len(found) != 1 || found[0].Severity != Info || !strings.Contains(found[0].Seen, "not a public address") {
		t.Errorf("a private address: %+v", found)
	}
	w.remove(t, "imap.example.com")
	if found := w.check(t).with(TLSConnect); len(found) != 1 || !strings.Contains(found[0].Seen, "doesn't exist") {
		t.Errorf("no address: %+v", found)
	}
}

func TestSTARTTLSIsOffered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers map[string]string
		code    Code
		seen    string
	}{
		"not advertised": {map[string]string{"CAPABILITY": "* CAPABILITY IMAP4rev1 AUTH=GSSAPI LOGINDISABLED\r\nTAG OK\r\n"}, STARTTLSAbsent, "IMAP4REV1"},
		"refused":        {map[string]string{"CAPABILITY": imapAnswers["CAPABILITY"], "STARTTLS": "TAG NO\r\n"}, STARTTLSAbsent, "NO"},
	} {
		w := newWorld(t)
		w.checker.Only = []Part{PartTLS}
		w.plan.Terms.Servers = policy.Servers{IMAP: list(settings.Server{Host: hosts[0], Port: 143, Security: settings.STARTTLS, Auth: []settings.Auth{settings.AuthPlain}})}
		w.routes["192.0.2.1:143"] = speak(t, nil, "* OK\r\n", c.answers)
		if r := w.check(t); len(r.Findings) != 1 || r.Findings[0].Code != c.code || !strings.Contains(r.Findings[0].Seen, c.seen) {
			t.Errorf("%s:\n%s", name, r.text())
		}
	}
}

// A server outside the domain can be verified by the domain's name or not at all.
func TestServersElsewhereNeedTheDomainInTheirCertificate(t *testing.T) {
	t.Parallel()
	ca := testkit.NewCA(t)
	for want, names := range map[int][]string{1: {"mail.example.net"}, 0: {"mail.example.net", "example.com"}} {
		w := newWorld(t)
		w.add("mail.example.net. 300 A 192.0.2.1")
		w.checker.Roots, w.checker.Only = ca.Pool(), []Part{PartTLS}
		w.plan.Terms.Servers = policy.Servers{IMAP: list(settings.Server{Host: "mail.example.net", Port: 993, Security: settings.TLS})}
		w.routes["192.0.2.1:993"] = speak(t, &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, testkit.Leaf{Names: names, Usage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}).TLS()}}, "* OK\r\n", nil)
		if r := w.check(t); len(r.Findings) != want || want == 1 && r.Findings[0].Code != TLSSRVID {
			t.Errorf("%v:\n%s", names, r.text())
		}
	}
}
