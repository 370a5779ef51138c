package server_test

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/policy"
	"autoconfig/settings"
)

// spelling is one of the ways to write an address: of runes in either letter case,
// with or without quotes, with quoted pairs, composed or not, with a tag.
type spelling struct {
	upper, paired, apart []bool
	quoted               bool
	tag, domain          string
}

const mostRunes = 12

func drawSpelling(t *rapid.T, domains []string) spelling {
	flags := func(label string) []bool { return rapid.SliceOfN(rapid.Bool(), mostRunes, mostRunes).Draw(t, label) }
	return spelling{
		upper: flags("upper"), paired: flags("paired"), apart: flags("apart"), quoted: rapid.Bool().Draw(t, "quoted"),
		tag: rapid.SampledFrom([]string{"", "", "+tag", "+a tag", "+T+g"}).Draw(t, "tag"), domain: rapid.SampledFrom(domains).Draw(t, "domain"),
	}
}

// write writes what stands before the @ in this spelling.
func (s spelling) write(meaning string) string {
	quoted := s.quoted || strings.ContainsAny(meaning+s.tag, "@ \"\\;")
	var local strings.Builder
	for i, r := range []rune(meaning) {
		if s.upper[i] && r < unicode.MaxASCII {
			r = unicode.ToUpper(r)
		}
		switch {
		case r == 'ö' && s.apart[i]:
			local.WriteString("o\u0308")
			continue
		case quoted && (r == '"' || r == '\\' || s.paired[i] && r < unicode.MaxASCII):
			local.WriteByte('\\')
		}
		local.WriteRune(r)
	}
	local.WriteString(s.tag)
	if quoted {
		return `"` + local.String() + `"@` + s.domain
	}
	return local.String() + "@" + s.domain
}

// spelledDomains are domains that differ in what logins are made of, in all the
// forms of their names.
var spelledDomains = [][]string{
	{"example.com", "Example.COM", "example.net", "EXAMPLE.net"},
	{"typed.example", "TYPED.test"},
	{"login.example", "Login.example"},
	{"quiet.example"},
	{"several.example"},
	{"xn--mller-kva.example", "müller.example", "MÜLLER.Example", "XN--mller-kva.example"},
}

// drawMeaning draws what an address says before the @; the digit tells those that
// are known from those that aren't.
func drawMeaning(t *rapid.T, digit string) string {
	return digit + rapid.StringOfN(rapid.RuneFrom([]rune("abkz.-_'& @\"\\;ö")), 1, mostRunes-2, -1).Draw(t, "meaning") + "x"
}

// identifiers of a profile derive from the address, and so does a QR code.
var identifiers = regexp.MustCompile(`[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}|autoconfig\.[a-z2-7]{24}|(?s)<svg.*?</svg>`)

// Every spelling of an address that has nothing of its own gives answers that
// differ from those about nobody in the typed text alone.
func TestNoSpellingTellsAnAccountFromNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		domains := rapid.SampledFrom(spelledDomains).Draw(rt, "domains")
		known := drawMeaning(rt, "7")
		unknown := "8" + known[1:]
		kept := drawSpelling(rt, domains[:1])
		kept.tag = ""
		a := policy.Account{Address: settings.MustAddress(kept.write(known))}
		if rapid.Bool().Draw(rt, "login") && domains[0] != "login.example" {
			a.Login = a.Address.Key() // the default's
		}
		if err := w.store.PutAccount(t.Context(), a); err != nil {
			rt.Fatal(err)
		}
		defer func() {
			if err := w.store.RemoveAccount(t.Context(), a.Address.Key()); err != nil {
				rt.Fatal(err)
			}
		}()
		if err := w.directory.Refresh(t.Context()); err != nil {
			rt.Fatal(err)
		}
		typed := drawSpelling(rt, domains)
		mask := func(answer string) string {
			return strings.ReplaceAll(identifiers.ReplaceAllString(answer, "*"), "7", "8")
		}
		some, none := w.answers(typed.write(known)), w.answers(typed.write(unknown))
		for i := range some {
			if !strings.HasPrefix(some[i], "200 ") || mask(some[i]) != mask(none[i]) {
				rt.Fatalf("%s, request %d:\nknown:   %s\nunknown: %s", typed.write(known), i, some[i], none[i])
			}
		}
	})
}

// Every spelling of an address leads to the same account, and so to its decision.
func TestEverySpellingLeadsToTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		domains := rapid.SampledFrom(spelledDomains).Draw(rt, "domains")
		meaning := drawMeaning(rt, "7")
		kept := drawSpelling(rt, domains[:1])
		kept.tag = ""
		a := policy.Account{Address: settings.MustAddress(kept.write(meaning)), Protocol: settings.POP3}
		if err := w.store.PutAccount(t.Context(), a); err != nil {
			rt.Fatal(err)
		}
		if err := w.directory.Refresh(t.Context()); err != nil {
			rt.Fatal(err)
		}
		typed := settings.MustAddress(drawSpelling(rt, domains).write(meaning))
		entry, err := w.directory.Domain(t.Context(), typed.Domain())
		if err != nil {
			rt.Fatal(err)
		}
		found, err := w.directory.Lookup(t.Context(), entry, typed)
		if err != nil || !found.Known || !found.Account.Address.Same(a.Address) || found.Account.Protocol != settings.POP3 {
			rt.Fatalf("%s leads to %+v, %v, not to %s", typed, found.Account, err, a.Address)
		}
		if err := w.store.RemoveAccount(t.Context(), a.Address.Key()); err != nil {
			rt.Fatal(err)
		}
	})
}

// A mailbox is found once, however its address is typed.
func TestASearchFindsAMailboxOnce(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	eva := o.SignedIn(t, "eva", staff.Staff, "*")
	for query, want := range map[string][]string{
		"office@example.com":     {"office@example.com"},
		"OFFICE@EXAMPLE.COM":     {"office@example.com"},
		`"Office"@example.com`:   {`"Office"@example.com`},
		"office+tag@example.com": {"office+tag@example.com"},
		"chef@example.com":       {"chef@example.com"},
		"nobody@example.com":     {"nobody@example.com"},
	} {
		r, page := eva.Get("/helpdesk/?q=" + url.QueryEscape(query))
		var got []string
		if to, err := r.Location(); err == nil && to.Path == "/helpdesk/account" { // a whole address, or the only hit
			got = append(got, to.Query().Get("address"))
		}
		for _, hit := range hits.FindAllStringSubmatch(page, -1) {
			got = append(got, html.UnescapeString(hit[1]))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

var hits = regexp.MustCompile(`<li><a href="/helpdesk/account[^>]*>([^<]*)</a>`)
