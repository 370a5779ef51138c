package ldapdir

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/directory"
	"autoconfig/internal/testkit"
	"autoconfig/settings"
)

// meanLocals are local parts that mean something in a filter, or that a server's
// matching rules take for another.
var meanLocals = []string{
	"anna", "*", "a*", "a*b", "axb", `"a(b"`, `"a)b"`, `"a\\b"`, `"\\2a"`, `"*)(cn=*))(|(cn=*"`, "müller", "muller", `" lead"`, `"trail "`, `"a b"`, `"a  b"`,
	"日本", "{address}", "a=b", "&", "|", "!",
}

// absentLocals aren't in the directory, and would be found if a value were more
// than a value.
var absentLocals = []string{"**", "an*", "*a", `"*)"`, `"anna)(cn=*"`, `"*)(objectClass=*"`, `"\\61nna"`, "ánna", "ａnna", `" anna"`, `"anna "`, "{local}", "~"}

func base64Line(name, value string) string {
	return name + ":: " + base64.StdEncoding.EncodeToString([]byte(value))
}

func meanEntries() string {
	entries := &strings.Builder{}
	for i, local := range meanLocals {
		entries.WriteString(ldif(fmt.Sprintf("dn: sAMAccountName=n%d,dc=example,dc=com", i), "objectClass: user", fmt.Sprintf("sAMAccountName: n%d", i),
			base64Line("cn", settings.LocalKey(local)), base64Line("displayName", "Name of "+local), base64Line("proxyAddresses", "SMTP:"+local+"@example.com")))
	}
	return entries.String()
}

func TestNoValueIsMoreThanAValue(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{Schema: testkit.ActiveDirectorySchema, LDIF: meanEntries()})
	for _, filter := range []string{
		"(proxyAddresses=smtp:{address})", "(&(objectClass=user)(|(proxyAddresses=smtp:{address})(mail={address})))",
		"(cn={local})", "(&(cn={local})(proxyAddresses=smtp:*@{domain}))", "(proxyAddresses:caseIgnoreMatch:=smtp:{address})",
	} {
		o := reader(t, s, "openldap")
		o.Mapping = Mapping{
			Filter: filter, SearchFilter: "(|(proxyAddresses=smtp:*{text}*)(displayName=*{text}*))", ListFilter: "(objectClass=user)",
			Attributes: Attributes{Address: "proxyAddresses", Login: "sAMAccountName", Name: "displayName"},
		}
		d := open(t, o)
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			for i, local := range meanLocals {
				address := settings.MustAddress(local + "@example.com")
				got, err := d.Account(t.Context(), address)
				if err != nil || got.Address.Key() != address.Key() || got.Login != fmt.Sprintf("n%d", i) {
					t.Errorf("%s: %+v, %v", local, got, err)
				}
			}
			for _, local := range absentLocals {
				if got, err := d.Account(t.Context(), settings.MustAddress(local+"@example.com")); !errors.Is(err, directory.ErrNotFound) {
					t.Errorf("%s: %+v, %v", local, got, err)
				}
			}
			for _, domain := range []string{"example.net", "com"} {
				if got, err := d.Account(t.Context(), settings.MustAddress("anna@"+domain)); !errors.Is(err, directory.ErrNotFound) {
					t.Errorf("anna@%s: %+v, %v", domain, got, err)
				}
			}
		})
	}
}

func TestNoTextIsMoreThanAText(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{Schema: testkit.ActiveDirectorySchema, LDIF: meanEntries()})
	o := reader(t, s, "openldap")
	o.Mapping = Mapping{
		Filter: "(cn={local})", SearchFilter: "(|(proxyAddresses=smtp:*{text}*)(displayName=*{text}*))", ListFilter: "(objectClass=user)",
		Attributes: Attributes{Address: "proxyAddresses", Name: "displayName"},
	}
	d := open(t, o)
	for _, text := range []string{
		"*", "(", ")", `\`, "\x00", "anna\x00", `\2a`, "*)(cn=*))(|(cn=*", "*)(uid=*))(|(uid=*", "ü", "日", "\xff", "  anna ", "ANNA", "{text}", "name of a*", "=", "&", "|", "!",
		"name of müller", strings.Repeat("a", 300),
	} {
		want := []string{}
		for _, local := range meanLocals {
			trimmed := strings.ToLower(strings.TrimSpace(text))
			if strings.Contains(strings.ToLower(local+"@example.com"), trimmed) || strings.Contains(strings.ToLower("Name of "+local), trimmed) {
				want = append(want, settings.MustAddress(local+"@example.com").Key())
			}
		}
		slices.Sort(want)
		wantList(t, fmt.Sprintf("search for %q", text), found(t, d, text, nil, 100), want...)
		wantList(t, fmt.Sprintf("search for %q elsewhere", text), found(t, d, text, []string{"*", "com", "*)(cn=*", "example.net"}, 100))
		wantList(t, fmt.Sprintf("search for %q in the domain", text), found(t, d, text, []string{"example.net", "example.com"}, 100), want...)
	}
}

func TestNoDomainIsMoreThanADomain(t *testing.T) {
	t.Parallel()
	s := testkit.StartSlapd(t, testkit.SlapdOptions{Schema: testkit.IRedMailSchema, LDIF: iredmailEntries()})
	d := open(t, reader(t, s, "iredmail"))
	for _, name := range []string{"*", "*.com", "example.*", "*)(domainName=*", "example.com)", "\x00", `\2a`, " example.com", "", "éxample.com"} {
		if got, err := d.Domain(t.Context(), name); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
	}
	for _, local := range []string{"*", "s*", `"*)(mail=*"`} {
		if got, err := d.Account(t.Context(), settings.MustAddress(local+"@example.com")); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("alias %q: %+v, %v", local, got, err)
		}
	}
}
