package server_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoconfig/internal/directory"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/testkit"
	"autoconfig/internal/web"
	"autoconfig/policy"
	"autoconfig/settings"
)

// hosts are the names that the real programs look for, all served by us.
var hosts = []string{
	"example.com", "autoconfig.example.com", "autodiscover.example.com",
	"example.net", "autoconfig.example.net", "autodiscover.example.net",
	"login.example", "autoconfig.login.example", "autodiscover.login.example",
	"several.example", "autoconfig.several.example",
	"xn--mller-kva.example", "autoconfig.xn--mller-kva.example",
	"setup.example.com",
}

// clientWorld is our service on ports 443 and 80 of a namespace, with names and
// certificates. What only filters lets through reaches it; all else is a 404, as
// where a hoster serves one format only.
func clientWorld(t *testing.T, g servertest.Ground) (ca *testkit.CA, only *atomic.Value, w *world) {
	t.Helper()
	var records []string
	for _, host := range hosts {
		records = append(records, host+". A 127.0.0.1")
	}
	testkit.StartDNS(t, testkit.DNSAddress, records...)
	ca = testkit.NewCA(t)
	certificate := ca.Issue(t, testkit.Leaf{Names: hosts}).TLS()
	w = worldOf(g.World(t))
	only = new(atomic.Value)
	only.Store("")
	public := w.server.Public(false)
	filtered := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, only.Load().(string)) {
			http.NotFound(rw, r)
			return
		}
		public.ServeHTTP(rw, r)
	})
	secure := tls.NewListener(listen(t, "127.0.0.1:443"), &tls.Config{Certificates: []tls.Certificate{certificate}})
	plain := listen(t, "127.0.0.1:80")
	w.serve(t, web.Listeners{Plain: plain})
	front := &http.Server{Handler: filtered, ErrorLog: log.New(io.Discard, "", 0)} // clients cut what lost their race
	done := make(chan struct{})
	go func() { defer close(done); _ = front.Serve(secure) }()
	t.Cleanup(func() { _ = front.Close(); <-done })
	return ca, only, w
}

// thunderbirdAccount is an account as Thunderbird must have stored it.
func thunderbirdAccount(email, origin, name string, incoming testkit.MailServer, smtp string, login string, days int) *testkit.Result {
	source := "xml"
	if strings.HasPrefix(origin, "exchange") {
		source = "exchange"
	}
	incoming.SocketType, incoming.AuthMethod = testkit.SocketTLS, testkit.AuthCleartext
	incoming.Username = login
	r := &testkit.Result{
		Source: source, SubSource: origin, DisplayName: name, Email: email, RealName: "Alice",
		Incoming: incoming,
		Outgoing: testkit.MailServer{
			Type: "smtp", Hostname: smtp, Port: 465, Username: login,
			SocketType: testkit.SocketTLS, AuthMethod: testkit.AuthCleartext,
		},
		Alternatives: []testkit.MailServer{}, Redirects: []string{},
	}
	if incoming.Type == "pop3" {
		r.POP3 = &testkit.POP3Retention{LeaveMessagesOnServer: true, DeleteByAgeFromServer: true, NumDaysToLeaveOnServer: days}
	}
	return r
}

func TestRealThunderbirdGetsEachAccountsOwnProtocol(t *testing.T) {
	testkit.Need(t, "thunderbird")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	ca, only, _ := clientWorld(t, servertest.Ground{})
	tb := testkit.StartThunderbird(t, ca)
	imap := testkit.MailServer{Type: "imap", Hostname: "imap.example.com", Port: 993}
	pop3 := testkit.MailServer{Type: "pop3", Hostname: "pop.example.com", Port: 995}
	at := func(host string, s testkit.MailServer) testkit.MailServer { s.Hostname = host; return s }

	const https, pox = "xml-from-isp-https", "exchange-from-url1"
	for _, c := range []struct {
		name, only string
		want       *testkit.Result
	}{
		{"several devices", "", thunderbirdAccount("office@example.com", https, "Example Mail", imap, "smtp.example.com", "office@example.com", 0)},
		{"small on one device", "", thunderbirdAccount("workshop@example.com", https, "Example Mail", pop3, "smtp.example.com", "workshop@example.com", 9)},
		{"group", "", thunderbirdAccount("kiosk@example.com", https, "Example Mail", pop3, "smtp.example.com", "kiosk@example.com", 14)},
		{"nobody", "", thunderbirdAccount("nobody@example.com", https, "Example Mail", imap, "smtp.example.com", "nobody@example.com", 0)},
		{"alias domain", "", thunderbirdAccount("workshop@example.net", https, "Example Mail", pop3, "smtp.example.com", "workshop@example.com", 9)},
		{"tag", "", thunderbirdAccount("workshop+shop@example.com", https, "Example Mail", pop3, "smtp.example.com", "workshop@example.com", 9)},
		{"numeric login", "", thunderbirdAccount("00123@login.example", https, "login.example", at("imap.login.example", imap), "smtp.login.example", "00123", 0)},
		{"boolean login", "", thunderbirdAccount("True@login.example", https, "login.example", at("imap.login.example", imap), "smtp.login.example", "True", 0)},
		{"xn-- domain", "", thunderbirdAccount("alice@xn--mller-kva.example", https, "Example Mail", imap, "smtp.example.com", "alice@xn--mller-kva.example", 0)},
		{"best of several, with services", "", thunderbirdAccount("alice@several.example", https, "several.example", at("best.several.example", imap), "one.several.example", "alice@several.example", 0)},
		{"only well-known", "/.well-known/", thunderbirdAccount("workshop@example.com", https, "Example Mail", pop3, "smtp.example.com", "workshop@example.com", 9)},
		{"Autodiscover alone, IMAP", "/autodiscover/", thunderbirdAccount("office@example.com", pox, "", imap, "smtp.example.com", "office@example.com", 0)},
		{"Autodiscover alone, POP3", "/autodiscover/", thunderbirdAccount("workshop@example.com", pox, "", pop3, "smtp.example.com", "workshop@example.com", 14)}, // POX can't say 9
		{"Autodiscover alone, ampersand", "/autodiscover/", thunderbirdAccount("a&b@example.com", pox, "", pop3, "smtp.example.com", "a&b@example.com", 14)},
	} {
		t.Run(c.name, func(t *testing.T) {
			only.Store(c.only)
			got, err := tb.Configure(t.Context(), testkit.Person{Email: c.want.Email, RealName: "Alice"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("stored account (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("unknown domain", func(t *testing.T) {
		only.Store("")
		if got, err := tb.Configure(t.Context(), testkit.Person{Email: "a@setup.example.com", RealName: "Alice"}); !errors.Is(err, testkit.ErrNoAccount) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("a login that it would change", func(t *testing.T) {
		only.Store("")
		// The account's login is 00123, which Thunderbird's reader of either format
		// turns into 123: neither is answered, and it is set up by hand.
		if got, err := tb.Configure(t.Context(), testkit.Person{Email: "boss@example.com", RealName: "Alice"}); !errors.Is(err, testkit.ErrNoAccount) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	for typed, login := range map[string]string{
		"Office@EXAMPLE.com": "Office@example.com", // the login that the other formats say
		"a$&b@example.com":   "a$&b@example.com",   // a $ means something where a placeholder is filled in
		"a$$b@example.com":   "a$$b@example.com",
	} {
		t.Run(typed, func(t *testing.T) {
			only.Store("")
			got, err := tb.Configure(t.Context(), testkit.Person{Email: typed, RealName: "Alice"})
			if err != nil {
				t.Fatal(err)
			}
			if got.SubSource != https || got.Incoming.Username != login || got.Outgoing.Username != login {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What a panel says of an account, and what its override replaces, arrives in the real
// program.
func TestRealThunderbirdGetsAccountsOfASource(t *testing.T) {
	testkit.Need(t, "thunderbird")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	site, accounts := elsewhere(t, "panel")
	accounts = append(accounts, policy.Account{Address: settings.MustAddress("round@example.com"), Protocol: settings.POP3, Login: "r.ound", Addresses: []settings.Address{settings.MustAddress("circle@example.com")}})
	ca, _, w := clientWorld(t, servertest.Ground{Site: &site, Sources: []directory.SourceOptions{{Name: "panel", Source: fileSource(t, accounts)}}})
	for _, o := range []policy.Override{
		{Address: settings.MustAddress("kiosk@example.com"), Protocol: settings.IMAP},
		{Address: settings.MustAddress("office@example.com"), Protocol: settings.POP3, Note: "ticket 4711"},
	} {
		if err := w.store.PutOverride(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	tb := testkit.StartThunderbird(t, ca)
	imap := testkit.MailServer{Type: "imap", Hostname: "imap.example.com", Port: 993}
	pop3 := testkit.MailServer{Type: "pop3", Hostname: "pop.example.com", Port: 995}
	for name, c := range map[string]struct {
		email, login string
		incoming     testkit.MailServer
		days         int
	}{
		"quota and devices in the panel":   {"workshop@example.com", "workshop@example.com", pop3, 9},
		"protocol and login in the panel":  {"round@example.com", "r.ound", pop3, 14},
		"an alias in the panel":            {"circle@example.com", "r.ound", pop3, 14},
		"a group in the panel, overridden": {"kiosk@example.com", "kiosk@example.com", imap, 0},
		"the default, overridden":          {"office@example.com", "office@example.com", pop3, 14},
		"nobody":                           {"nobody@example.com", "nobody@example.com", imap, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tb.Configure(t.Context(), testkit.Person{Email: c.email, RealName: "Alice"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(thunderbirdAccount(c.email, "xml-from-isp-https", "Example Mail", c.incoming, "smtp.example.com", c.login, c.days), got); diff != "" {
				t.Errorf("stored account (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRealEvolutionGetsEachAccountsOwnProtocol(t *testing.T) {
	testkit.Need(t, "evolution")
	t.Parallel()
	if !testkit.InNamespace(t) {
		return
	}
	ca, _, _ := clientWorld(t, servertest.Ground{})
	evolution := testkit.StartEvolution(t, ca)
	server := func(host string, port int, user string) testkit.EvolutionServer {
		return testkit.EvolutionServer{Found: true, Host: host, Port: port, User: user, Security: testkit.EvolutionTLS}
	}
	for _, c := range []struct {
		name, email string
		want        testkit.EvolutionAccount
	}{
		{"several devices", "office@example.com", testkit.EvolutionAccount{
			IMAP: server("imap.example.com", 993, "office@example.com"), SMTP: server("smtp.example.com", 465, "office@example.com"),
		}},
		{"small on one device", "workshop@example.com", testkit.EvolutionAccount{
			POP3: server("pop.example.com", 995, "workshop@example.com"), SMTP: server("smtp.example.com", 465, "workshop@example.com"),
		}},
		{"group, letter case", "Kiosk@Example.com", testkit.EvolutionAccount{
			POP3: server("pop.example.com", 995, "Kiosk@example.com"), SMTP: server("smtp.example.com", 465, "Kiosk@example.com"),
		}},
		{"nobody", "nobody@example.com", testkit.EvolutionAccount{
			IMAP: server("imap.example.com", 993, "nobody@example.com"), SMTP: server("smtp.example.com", 465, "nobody@example.com"),
		}},
		{"login is the local part", "00123@login.example", testkit.EvolutionAccount{
			IMAP: server("imap.login.example", 993, "00123"), SMTP: server("smtp.login.example", 465, "00123"),
		}},
		{"a login of its own", "boss@example.com", testkit.EvolutionAccount{
			IMAP: server("imap.example.com", 993, "00123"), SMTP: server("smtp.example.com", 465, "00123"),
		}},
		{"another address of a mailbox", "chef@example.com", testkit.EvolutionAccount{
			IMAP: server("imap.example.com", 993, "00123"), SMTP: server("smtp.example.com", 465, "00123"),
		}},
		{"best of several, with services", "alice@several.example", testkit.EvolutionAccount{
			IMAP: server("best.several.example", 993, "alice@several.example"), SMTP: server("one.several.example", 465, "alice@several.example"),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := evolution.Configure(t.Context(), c.email)
			if err != nil {
				t.Fatal(err)
			}
			// The mechanism is Evolution's word for the password; it is looked at apart.
			for _, s := range []*testkit.EvolutionServer{&got.IMAP, &got.POP3, &got.SMTP} {
				if s.Found && s.AuthMechanism != "PLAIN" && s.AuthMechanism != "LOGIN" && s.AuthMechanism != "" {
					t.Errorf("mechanism %q", s.AuthMechanism)
				}
				s.AuthMechanism = ""
			}
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Errorf("account (-want +got):\n%s", diff)
			}
		})
	}
}
