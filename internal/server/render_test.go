package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"autoconfig/autodiscover"
	"autoconfig/internal/directory"
	"autoconfig/internal/server/servertest"
	"autoconfig/policy"
	"autoconfig/policy/policytest"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// drawn is a site in memory as a directory's source.
type drawn struct{ policy.Site }

func (d drawn) Terms(_ context.Context, name string) (*policy.Terms, error) {
	if terms, ok := d.Site.Terms(name); ok {
		return terms, nil
	}
	return nil, directory.ErrNotFound
}

func (d drawn) Lookup(_ context.Context, key string) (directory.Kept, error) {
	return d.find(func(a settings.Address) bool { return a.Key() == key }), nil
}

func (d drawn) LookupDigest(_ context.Context, domain, digest string) (directory.Kept, error) {
	terms, ok := d.Site.Terms(domain)
	if !ok {
		return directory.Kept{}, nil
	}
	return d.find(func(a settings.Address) bool {
		return a.Domain() == terms.Name && md5Hex(strings.ToLower(a.String())) == digest
	}), nil
}

func (d drawn) find(is func(settings.Address) bool) directory.Kept {
	for _, a := range d.Accounts {
		if is(a.Address) || slices.ContainsFunc(a.Addresses, is) {
			return directory.Kept{Account: a, Known: true}
		}
	}
	return directory.Kept{}
}

func (drawn) HasOwn(context.Context, string) (bool, error)     { return false, nil }
func (drawn) Document(context.Context, string) ([]byte, error) { return nil, directory.ErrNotFound }
func (drawn) PlanTerms(context.Context, policy.Domain) (*policy.Terms, error) {
	return nil, directory.ErrNotFound
}

func (drawn) SearchAccounts(context.Context, string, []string, int) ([]policy.Account, error) {
	return nil, nil
}
func (drawn) Listen(context.Context, func()) error { return nil }

func (drawn) Generation(context.Context) (int64, error) { return 1, nil }

// awkward are domains whose names programs or our own forms might take for
// something else.
var awkward = []policy.Domain{
	{Name: "123"},
	{Name: "true", Aliases: []string{"false", "0x10"}},
	{Name: "1e5", Aliases: []string{"alias.example"}},
	{Name: "00000000000000000000.example"}, // the short name would be a number
	{Name: strings.Repeat("long.", 20) + "example", Aliases: []string{"short.example"}},
	{Name: "plain.example"},
	{Name: "other.example", Aliases: []string{"other.test"}},
}

func shared(t *rapid.T) drawn {
	site := policytest.Site().Draw(t, "site")
	if rapid.Bool().Draw(t, "no provider") {
		site.Plans[0].Provider, site.Providers = "", nil
	}
	for _, d := range awkward {
		d.Plan = "standard"
		if rapid.Bool().Draw(t, d.Name+" has its own") {
			d.AliasLogin = policy.AliasTyped
			d.Username = settings.Username(rapid.SampledFrom([]string{"", "{local}", "{address}", "{local}%{domain}", "{domain}"}).Draw(t, "username"))
		}
		if rapid.Bool().Draw(t, d.Name+" has no rules") { // then an Autodiscover GET is answered
			d.Policy.Rules = []policy.Rule{}
		}
		site.Domains = append(site.Domains, d)
		login := rapid.SampledFrom([]string{"", "l1", "007", "<&>"}).Draw(t, "login")
		site.Accounts = append(site.Accounts, policy.Account{Address: settings.MustAddress("known@" + d.Name), Login: login, Groups: []string{"true"}},
			policy.Account{Address: settings.MustAddress("shard@" + d.Name), Quota: 2e6})
	}
	if err := site.Check().Err(); err != nil {
		t.Fatalf("not a legal site: %v", err)
	}
	return drawn{site}
}

// Whichever domains and addresses were asked for before, an answer through the
// shared forms is what the format's Render gives for this one alone.
func TestAnswersThroughSharedFormsAreThoseOfTheDomainAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		site := shared(t)
		d := directory.New(directory.Options{Store: site, Logger: slog.New(slog.DiscardHandler)})
		s, err := servertest.New(servertest.Options{Directory: d, PublicURL: &url.URL{Scheme: "https", Host: "setup.example.com"}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		handler := s.Public(false)
		var names []string
		for _, d := range site.Domains {
			names = append(append(names, d.Name), d.Aliases...)
		}
		ask := func(want settings.Settings, method, target, body string) {
			t.Helper()
			render, refused := thunderbird.Render, http.StatusNotFound
			if strings.Contains(target, "autodiscover.xml") {
				render, refused = autodiscover.Render, http.StatusOK
			}
			rendered, failure := render(want)
			r := do(handler, method, target, body)
			got := text(r)
			switch {
			case errors.Is(failure, autodiscover.ErrNoLogin):
				if r.StatusCode != http.StatusMethodNotAllowed {
					t.Fatalf("%s: %s, want a refusal: %v", target, r.Status, failure)
				}
			case failure != nil:
				if r.StatusCode != refused || strings.Contains(got, "Protocol>") || strings.Contains(got, "incomingServer") {
					t.Fatalf("%s: %s %s, want a refusal: %v", target, r.Status, got, failure)
				}
			case r.StatusCode != http.StatusOK || got != string(rendered):
				t.Fatalf("%s: %s\n%s\nwant\n%s", target, r.Status, got, rendered)
			}
		}
		for range 20 {
			name := rapid.SampledFrom(names).Draw(t, "name")
			local := rapid.SampledFrom([]string{"known", "shard", "Known+tag", "u0", "true", "a&b", `"a b"`, "jörg", "nobody", thunderbird.EvolutionUser}).Draw(t, "local")
			typed := settings.MustAddress(local + "@" + name)
			entry, err := d.Domain(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			found, err := d.Lookup(t.Context(), entry, typed)
			if err != nil {
				t.Fatal(err)
			}
			account := found.Account
			terms, _ := site.Site.Terms(name)
			config := "http://autoconfig." + name + "/mail/config-v1.1.xml"
			const pox = "/autodiscover/autodiscover.xml"
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 0:
				ask(terms.PublicSettings(typed, account), http.MethodGet, config+"?emailaddress="+url.QueryEscape(typed.String()), "")
			case 1:
				ask(terms.DefaultSettings(name), http.MethodGet, config, "")
			case 2:
				ask(terms.DefaultSettings(name), http.MethodGet, "http://x/v1.1/"+name, "")
			case 3:
				ask(terms.PublicSettings(typed, account), http.MethodPost, "http://x"+pox, poxRequest(mail(string(settings.EscapeXML(nil, typed.String()))), outlookSchema))
			case 4:
				ask(terms.PublicSettings(typed, account), http.MethodGet, "http://x"+pox+"?email="+url.QueryEscape(typed.String()), "")
			case 5:
				if len(terms.Policy.Rules) == 0 { // else it is refused for that
					ask(terms.DefaultSettings(name), http.MethodGet, "http://autodiscover."+name+pox, "")
				}
			case 6:
				standIn := settings.MustAddress(thunderbird.EvolutionUser + "@" + name)
				digest := md5Hex("known@" + terms.Name)
				answer := terms.DigestSettings(standIn)
				if kept, err := site.LookupDigest(t.Context(), name, digest); err == nil && kept.Known {
					answer = terms.NamedSettings(standIn, settings.MustAddress("known@"+name), kept.Account)
				}
				ask(answer, http.MethodGet, config+"?emailaddress="+url.QueryEscape(standIn.String())+"&emailmd5="+digest, "")
			}
		}
	})
}
