package testkit_test

import (
	"crypto/md5"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoconfig/internal/testkit"
)

// evolutionIMAP is what the document with imap(...) must lead to.
func evolutionIMAP(user string) *testkit.EvolutionAccount {
	return &testkit.EvolutionAccount{
		IMAP: testkit.EvolutionServer{
			Found: true, Host: "imap.example.com", Port: 993, User: user, Security: testkit.EvolutionTLS,
		},
		SMTP: testkit.EvolutionServer{
			Found: true, Host: "smtp.example.com", Port: 587, User: "alice@example.com",
			Security: testkit.EvolutionSTARTTLS, AuthMechanism: "LOGIN",
		},
	}
}

func TestEvolution(t *testing.T) {
	testkit.Need(t, "evolution")
	t.Parallel() // each has a namespace of its own
	if !testkit.InNamespace(t) {
		return
	}
	testkit.StartDNS(t, testkit.DNSAddress, names()...)
	ca := testkit.NewCA(t)
	server := startWeb(t, ca)
	evolution := testkit.StartEvolution(t, ca)
	const alice = "alice@example.com"

	found := func(t *testing.T, want *testkit.EvolutionAccount) {
		t.Helper()
		got, err := evolution.Configure(t.Context(), alice)
		if err != nil {
			t.Fatalf("%v\n%s", err, server.all())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("found account (-want +got):\n%s", diff)
		}
	}

	t.Run("imap", func(t *testing.T) {
		server.publish(ispURL, document(imap("%EMAILADDRESS%"), "", "", ""))
		found(t, evolutionIMAP(alice))
		// It never says who asks.
		want := fmt.Sprintf("GET %s?emailaddress=EVOLUTIONUSER%%40example.com&emailmd5=%x", ispURL, md5.Sum([]byte(alice)))
		if !server.asked(want) {
			t.Errorf("no %s in\n%s", want, server.all())
		}
	})

	t.Run("pop3", func(t *testing.T) {
		server.publish(ispURL, document(pop3(), "", "", ""))
		want := evolutionIMAP(alice)
		want.IMAP = testkit.EvolutionServer{}
		want.POP3 = testkit.EvolutionServer{
			Found: true, Host: "pop.example.com", Port: 995, User: "alice",
			Security: testkit.EvolutionTLS, AuthMechanism: "CRAM-MD5",
		}
		found(t, want)
	})

	for username, want := range map[string]string{
		"EVOLUTIONUSER@example.com": alice,
		"EVOLUTIONUSER":             "alice",
		"%EMAILLOCALPART%":          "alice",
		"%EMAILLOCALPART%.x":        "alice.x",
		"bob@example.com":           "bob@example.com",
	} {
		t.Run("username "+username, func(t *testing.T) {
			server.publish(ispURL, document(imap(username), "", "", ""))
			found(t, evolutionIMAP(want))
		})
	}

	for _, e := range richElements() {
		t.Run("tolerates "+e.name, func(t *testing.T) {
			server.publish(ispURL, document(imap("%EMAILADDRESS%"), e.provider, e.extra, e.root))
			found(t, evolutionIMAP(alice))
		})
	}

	// An attribute that it does not know shows that the loop above can fail.
	t.Run("refuses an attribute", func(t *testing.T) {
		server.publish(ispURL, document(`<incomingServer type="imap" id="1"/>`, "", "", ""))
		if got, err := evolution.Configure(t.Context(), alice); !errors.Is(err, testkit.ErrNoAccount) {
			t.Errorf("got %+v, %v; want ErrNoAccount", got, err)
		}
	})

	// The digest is that of the address in lower case; all else stays as typed,
	// the Host header too.
	t.Run("address as typed", func(t *testing.T) {
		server.publish(ispURL, document(imap("EVOLUTIONUSER@example.com"), "", "", ""))
		got, err := evolution.Configure(t.Context(), "Alice@Example.com")
		if err != nil {
			t.Fatalf("%v\n%s", err, server.all())
		}
		if want := "Alice@example.com"; got.IMAP.User != want {
			t.Errorf("user %q, want %q", got.IMAP.User, want)
		}
		want := fmt.Sprintf("GET https://autoconfig.Example.com/mail/config-v1.1.xml"+
			"?emailaddress=EVOLUTIONUSER%%40Example.com&emailmd5=%x", md5.Sum([]byte(alice)))
		if !server.asked(want) {
			t.Errorf("no %s in\n%s", want, server.all())
		}
	})

	t.Run("nothing published", func(t *testing.T) {
		server.publish("", "")
		if got, err := evolution.Configure(t.Context(), alice); !errors.Is(err, testkit.ErrNoAccount) {
			t.Errorf("got %+v, %v; want ErrNoAccount", got, err)
		}
	})
}
