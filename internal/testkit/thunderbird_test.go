package testkit_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoconfig/internal/testkit"
)

// imapAccount is what the document with imap("%EMAILADDRESS%") must lead to.
func imapAccount(email string) *testkit.Result {
	return &testkit.Result{
		Source:      "xml",
		SubSource:   "xml-from-isp-https",
		DisplayName: "Example Mail",
		Email:       email,
		RealName:    "Alice",
		Incoming: testkit.MailServer{
			Type: "imap", Hostname: "imap.example.com", Port: 993, Username: email,
			SocketType: testkit.SocketTLS, AuthMethod: testkit.AuthCleartext,
		},
		Outgoing: testkit.MailServer{
			Type: "smtp", Hostname: "smtp.example.com", Port: 587, Username: email,
			SocketType: testkit.SocketSTARTTLS, AuthMethod: testkit.AuthCleartext,
		},
		Alternatives: []testkit.MailServer{},
		Redirects:    []string{},
	}
}

// poxAccount is the same account from Autodiscover.
func poxAccount(email, subSource string) *testkit.Result {
	account := imapAccount(email)
	account.Source, account.SubSource = "exchange", subSource
	account.DisplayName = ""
	return account
}

func TestThunderbird(t *testing.T) {
	testkit.Need(t, "thunderbird")
	t.Parallel() // each has a namespace of its own
	if !testkit.InNamespace(t) {
		return
	}
	dns := testkit.StartDNS(t, testkit.DNSAddress, names()...)
	ca := testkit.NewCA(t)
	server := startWeb(t, ca)
	tb := testkit.StartThunderbird(t, ca)
	configure := func(email string) (*testkit.Result, error) {
		return tb.Configure(t.Context(), testkit.Person{Email: email, RealName: "Alice"})
	}
	const alice = "alice@example.com"

	stored := func(t *testing.T, want *testkit.Result) {
		t.Helper()
		got, err := configure(alice)
		if err != nil {
			t.Fatalf("%v\n%s", err, server.all())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stored account (-want +got):\n%s", diff)
		}
	}
	nothing := func(t *testing.T) {
		t.Helper()
		if got, err := configure(alice); !errors.Is(err, testkit.ErrNoAccount) {
			t.Errorf("got %+v, %v; want ErrNoAccount", got, err)
		}
	}

	t.Run("imap", func(t *testing.T) {
		server.publish(ispURL, document(imap("%EMAILADDRESS%"), "", "", ""))
		stored(t, imapAccount(alice))
		if want := "GET " + ispURL + "?emailaddress=alice%40example.com"; !server.asked(want) {
			t.Errorf("no %s in\n%s", want, server.all())
		}
	})

	t.Run("pop3", func(t *testing.T) {
		server.publish(ispURL, document(pop3(), "", "", ""))
		want := imapAccount(alice)
		want.Incoming = testkit.MailServer{
			Type: "pop3", Hostname: "pop.example.com", Port: 995, Username: "alice",
			SocketType: testkit.SocketTLS, AuthMethod: testkit.AuthEncrypted,
		}
		want.POP3 = &testkit.POP3Retention{
			LeaveMessagesOnServer: true, DeleteByAgeFromServer: true, NumDaysToLeaveOnServer: 9,
		}
		stored(t, want)
	})

	// The origin is told apart, and nothing of an earlier answer is left over.
	t.Run("plain http", func(t *testing.T) {
		server.publish("http://example.com/.well-known/autoconfig/mail/config-v1.1.xml",
			document(imap("%EMAILADDRESS%"), "", "", ""))
		want := imapAccount(alice)
		want.SubSource = "xml-from-isp-http"
		stored(t, want)
	})

	t.Run("alternative", func(t *testing.T) {
		server.publish(ispURL, document(imap("%EMAILADDRESS%"), "", pop3(), ""))
		want := imapAccount(alice)
		want.Alternatives = []testkit.MailServer{{
			Type: "pop3", Hostname: "pop.example.com", Port: 995, Username: "alice",
			SocketType: testkit.SocketTLS, AuthMethod: testkit.AuthEncrypted,
		}}
		stored(t, want)
	})

	for _, e := range richElements() {
		t.Run("tolerates "+e.name, func(t *testing.T) {
			server.publish(ispURL, document(imap("%EMAILADDRESS%"), e.provider, e.extra, e.root))
			stored(t, imapAccount(alice))
		})
	}

	// One element that it must not survive shows that the loop above can fail.
	t.Run("refuses an unusable server", func(t *testing.T) {
		server.publish(ispURL, document(`<incomingServer type="jmap"/>`, "", "", ""))
		nothing(t)
	})

	t.Run("neither IMAP nor POP3", func(t *testing.T) {
		server.publish(ispURL, document(strings.Replace(imap("x"), `"imap"`, `"nntp"`, 1), "", "", ""))
		got, err := configure(alice)
		if !errors.Is(err, testkit.ErrUnsupported) {
			t.Fatalf("got %+v, %v; want ErrUnsupported", got, err)
		}
		if got.Incoming.Type != "nntp" || got.Incoming.Hostname != "imap.example.com" {
			t.Errorf("got %+v", got.Incoming)
		}
	})

	t.Run("nothing published", func(t *testing.T) {
		server.publish("", "")
		nothing(t)
		if queries := dns.Queries(); !slices.Contains(queries, "_autodiscover._tcp.example.com. SRV") || !slices.Contains(queries, "example.com. MX") {
			t.Errorf("SRV and MX were not asked here, so the answer may come from elsewhere: %q", queries)
		}
	})

	t.Run("Autodiscover wants a password", func(t *testing.T) {
		server.publish("https://example.com"+autodiscoverPath, pox())
		server.guard(autodiscoverPath)
		if got, err := configure(alice); !errors.Is(err, testkit.ErrPasswordWanted) {
			t.Errorf("got %+v, %v; want ErrPasswordWanted", got, err)
		}
		got, err := tb.Configure(t.Context(), testkit.Person{Email: alice, RealName: "Alice", Password: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(poxAccount(alice, "exchange-from-url2"), got); diff != "" {
			t.Errorf("stored account (-want +got):\n%s", diff)
		}
	})

	t.Run("Autodiscover", func(t *testing.T) {
		server.publish("https://example.com"+autodiscoverPath, pox())
		stored(t, poxAccount(alice, "exchange-from-url2"))
	})

	t.Run("Autodiscover redirects to another site", func(t *testing.T) {
		const there = "https://autodiscover.hoster.net" + autodiscoverPath
		server.publish(there, pox())
		server.move("http://autodiscover.example.com"+autodiscoverPath, there)
		nothing(t) // the person says no

		want := poxAccount(alice, "exchange-from-url3")
		want.Redirects = []string{"hoster.net"}
		got, err := tb.Configure(t.Context(), testkit.Person{
			Email: alice, RealName: "Alice", Password: "secret", AcceptRedirect: true,
		})
		if err != nil {
			t.Fatalf("%v\n%s", err, server.all())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stored account (-want +got):\n%s", diff)
		}
	})
}

// An untrusted authority must not go unnoticed.
func TestThunderbirdWithoutTrust(t *testing.T) {
	testkit.Need(t, "thunderbird")
	t.Parallel() // each has a namespace of its own
	if !testkit.InNamespace(t) {
		return
	}
	testkit.StartDNS(t, testkit.DNSAddress, names()...)
	server := startWeb(t, testkit.NewCA(t))
	server.publish(ispURL, document(imap("%EMAILADDRESS%"), "", "", ""))
	tb := testkit.StartThunderbird(t, nil)
	got, err := tb.Configure(t.Context(), testkit.Person{Email: "alice@example.com"})
	if !errors.Is(err, testkit.ErrNoAccount) {
		t.Errorf("got %+v, %v; want ErrNoAccount", got, err)
	}
}
