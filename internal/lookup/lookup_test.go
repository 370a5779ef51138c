package lookup_test

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"testing"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/lookup"
	"autoconfig/internal/store"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

const site = `
plans:
  - name: standard
    servers: {imap: {host: imap.example.com}, pop3: {host: pop.example.com}, smtp: {host: smtp.example.com}}
domains:
  - {name: example.com, aliases: [example.net], plan: standard}
  - {name: other.example, plan: standard}
  - {name: autoconfig.other.example, plan: standard}
  - {name: autoconfig.alone.example, plan: standard}
accounts:
  - {address: office@example.com, name: Front Office}
  - {address: workshop@example.com, name: Workshop, protocol: pop3}
`

func open(t *testing.T) *lookup.Lookup {
	t.Helper()
	db, err := store.Open(t.Context(), database.MustParse("sqlite::memory:"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	all, _, err := config.ReadSite("site.yaml", []byte(site))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Replace(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return &lookup.Lookup{Directory: directory.New(directory.Options{Store: db})}
}

func TestAnAddressGetsItsDecisionAndNoName(t *testing.T) {
	t.Parallel()
	l := open(t)
	for typed, want := range map[string]settings.Protocol{
		"office@example.com":   settings.IMAP,
		"nobody@example.com":   settings.IMAP,
		"workshop@example.com": settings.POP3,
		"workshop@example.net": settings.POP3,
	} {
		a, err := l.ForAddress(t.Context(), settings.MustAddress(typed))
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Settings.Decision.Protocol; got != want {
			t.Errorf("%s gets %s, want %s", typed, got, want)
		}
		if a.Settings.DisplayName != "" {
			t.Errorf("anybody who types %s learns the name %q", typed, a.Settings.DisplayName)
		}
	}
	if _, err := l.ForAddress(t.Context(), settings.MustAddress("office@example.org")); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("a domain that isn't served: %v", err)
	}
}

func TestADigestFindsItsAccountInItsDomainOnly(t *testing.T) {
	t.Parallel()
	l := open(t)
	digest := func(address string) string {
		sum := md5.Sum([]byte(address))
		return hex.EncodeToString(sum[:])
	}
	for _, c := range []struct {
		domain, digest string
		want           settings.Protocol
	}{
		{"example.com", digest("workshop@example.com"), settings.POP3},
		{"example.net", digest("workshop@example.net"), settings.POP3},
		{"example.com", digest("office@example.com"), settings.IMAP},
		{"example.com", digest("nobody@example.com"), settings.IMAP},
		{"other.example", digest("workshop@example.com"), settings.IMAP},
	} {
		standIn := settings.MustAddress(thunderbird.EvolutionUser + "@" + c.domain)
		if !lookup.IsDigest(standIn, c.digest) {
			t.Errorf("%s isn't taken for a request by digest", standIn)
		}
		a, err := l.ForDigest(t.Context(), standIn, c.digest)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Settings.Decision.Protocol; got != c.want {
			t.Errorf("%s in %s gets %s, want %s", c.digest, c.domain, got, c.want)
		}
	}
	typed := settings.MustAddress("office@example.com")
	if lookup.IsDigest(typed, digest("office@example.com")) {
		t.Error("an address that somebody typed is taken for a stand-in")
	}
	if standIn := settings.MustAddress(thunderbird.EvolutionUser + "@example.com"); lookup.IsDigest(standIn, "d41d8cd9") {
		t.Error("a part of a digest is taken for one")
	}
}

func TestAHostFindsItsDomain(t *testing.T) {
	t.Parallel()
	l := open(t)
	for host, want := range map[string]string{
		"autoconfig.example.com":           "autoconfig.example.com",
		"AutoDiscover.Example.NET.:8443":   "autodiscover.example.net",
		"ua-auto-config.example.com":       "ua-auto-config.example.com",
		"example.com":                      "example.com",
		"autoconfig.other.example":         "autoconfig.other.example",
		"autoconfig.alone.example":         "autoconfig.alone.example",
		"www.example.com":                  "",
		"autoconfig.autoconfig.example.ch": "",
		"192.0.2.1":                        "",
		"":                                 "",
	} {
		a, err := l.ForHost(t.Context(), host)
		if want == "" && !errors.Is(err, directory.ErrNotFound) || want != "" && err != nil {
			t.Errorf("%q: %v", host, err)
		}
		if a.Host != want {
			t.Errorf("%q is %q, want %q", host, a.Host, want)
		}
	}
	// Where both are served, it is the special name of the shorter domain.
	a, err := l.ForHost(t.Context(), "autoconfig.other.example")
	if err != nil || a.Entry.Name != "other.example" {
		t.Errorf("autoconfig.other.example finds %+v, %v", a.Entry, err)
	}
	if a, err := l.ForHost(t.Context(), "autoconfig.alone.example"); err != nil || a.Entry.Name != "autoconfig.alone.example" {
		t.Errorf("autoconfig.alone.example finds %+v, %v", a.Entry, err)
	}
}

func TestOnlyASpecialNameOfAServedDomainIsOne(t *testing.T) {
	t.Parallel()
	l := open(t)
	if entry, err := l.SpecialDomain(t.Context(), "autodiscover.example.net"); err != nil || entry.Name != "example.net" {
		t.Errorf("autodiscover.example.net: %+v, %v", entry, err)
	}
	for _, name := range []string{"example.com", "www.example.com", "autoconfig.example.org", "autoconfig.", ""} {
		if entry, err := l.SpecialDomain(t.Context(), name); !errors.Is(err, directory.ErrNotFound) {
			t.Errorf("%q: %+v, %v", name, entry, err)
		}
	}
}

func TestStaffSeeOnlyTheirDomains(t *testing.T) {
	t.Parallel()
	l := open(t)
	typed := settings.MustAddress("office@example.net")
	a, found, err := l.Served(t.Context(), func(domain string) bool { return domain == "example.com" }, typed)
	if err != nil || !found.Known || a.Settings.DisplayName != "Front Office" {
		t.Errorf("who serves the domain gets %q, %v", a.Settings.DisplayName, err)
	}
	_, _, err = l.Served(t.Context(), func(domain string) bool { return domain == "other.example" }, typed)
	if !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("who serves another domain: %v", err)
	}
}

func TestADocumentIsCompiledOnceForAnOffer(t *testing.T) {
	t.Parallel()
	l := open(t)
	compiled := 0
	compile := func(settings.Settings) (*settings.Template, error) {
		compiled++
		return settings.NewTemplate([]byte("the same for all"))
	}
	for _, typed := range []string{"office@example.com", "nobody@other.example", "workshop@example.com", "x@example.net"} {
		a, err := l.ForAddress(t.Context(), settings.MustAddress(typed))
		if err != nil {
			t.Fatal(err)
		}
		text, err := a.Render(nil, "test", &a.Settings, compile)
		if err != nil || string(text) != "the same for all" {
			t.Fatalf("%q, %v", text, err)
		}
	}
	if compiled != 2 { // one for IMAP, one for POP3
		t.Errorf("it was compiled %d times for two decisions", compiled)
	}
}
