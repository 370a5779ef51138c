package ldapdir

import (
	"errors"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/testkit"
)

func TestCertificatesAreVerified(t *testing.T) {
	t.Parallel()
	ca := testkit.NewCA(t)
	yesterday := time.Now().Add(-24 * time.Hour)
	for name, c := range map[string]struct {
		leaf    testkit.Leaf
		foreign bool
		want    string // "" for a good one
	}{
		"good":         {},
		"expired":      {leaf: testkit.Leaf{Names: []string{"localhost", "127.0.0.1"}, NotBefore: yesterday.Add(-time.Hour), NotAfter: yesterday}, want: "has expired, or isn't valid yet"},
		"another name": {leaf: testkit.Leaf{Names: []string{"ldap.example.com", "192.0.2.1"}}, want: "is for another name"},
		"unknown":      {foreign: true, want: "authority that isn't trusted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testkit.StartSlapd(t, testkit.SlapdOptions{CA: ca, Leaf: c.leaf, LDIF: openldapEntries})
			for _, url := range []string{s.TLSURL, s.URL} {
				o := reader(t, s, "openldap")
				o.Servers, o.StartTLS = []string{url}, true
				if c.foreign {
					o.CAFile = testkit.NewCA(t).WriteFile(t, t.TempDir())
				}
				d := open(t, o)
				if c.want == "" {
					wantAccount(t, d, "anna@example.com", anna)
					continue
				}
				account, err := d.Account(t.Context(), annaAddress)
				if err == nil || errors.Is(err, directory.ErrNotFound) || !account.Address.IsZero() || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), url) {
					t.Errorf("%s: %+v, %v", url, account, err)
				}
			}
		})
	}
}

// A server that can't encrypt, or only says so, isn't told anything.
func TestStartTLSOrNothing(t *testing.T) {
	t.Parallel()
	plain := testkit.StartSlapd(t, testkit.SlapdOptions{CA: testkit.NewCA(t), NoTLS: true, LDIF: openldapEntries})
	liar := startFake(t, always(func(id byte) []byte {
		return append(resultMessage(id, extendedResponse, 0), resultMessage(2, searchDone, 0)...)
	}))
	refuses := startFake(t, always(func(id byte) []byte { return resultMessage(id, extendedResponse, 52) }))
	o := reader(t, plain, "openldap")
	o.StartTLS = true
	for url, want := range map[string]string{
		plain.URL: "StartTLS: it answers 2 (Protocol Error)", refuses.url: "StartTLS: it answers 52 (Unavailable)", liar.url: "StartTLS: ",
		strings.Replace(plain.URL, "ldap:", "ldaps:", 1): "TLS: ",
	} {
		o.Servers = []string{url}
		o.Timeout = 5 * time.Second
		d := open(t, o)
		if err := wantFailure(t, d.Ping, o.Timeout); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
	o.StartTLS, o.Servers = false, []string{plain.URL}
	wantAccount(t, open(t, o), "anna@example.com", anna) // on this machine, plain text is possible
}
