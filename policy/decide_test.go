package policy

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"autoconfig/settings"
)

func ptr[T any](v T) *T { return &v }

func server(host string) ServerList { return ServerList{{Host: host}} }

// demo is the demo site of the design, in Go.
func demo() Site {
	return Site{
		ID:        "demo",
		Providers: []settings.Provider{{ID: "example", Name: "Example Mail"}},
		Plans: []Plan{{Name: "standard", Offer: Offer{
			Provider: "example",
			Servers:  Servers{IMAP: server("imap.example.com"), POP3: server("pop.example.com"), SMTP: server("smtp.example.com")},
			Policy: Policy{
				Default: settings.IMAP,
				POP3:    POP3{LeaveOnServer: ptr(true), Days: ptr(14)},
				Rules: []Rule{
					{Name: "kiosk machines", Match: Match{Group: "kiosk"}, Protocol: settings.POP3},
					{Name: "small mailbox on one device", Match: Match{Devices: OneDevice, QuotaBelow: 500e6}, Protocol: settings.POP3, POP3: POP3{Days: ptr(9)}},
				},
			},
		}}},
		Domains:  []Domain{{Name: "example.com", Aliases: []string{"example.net"}, Plan: "standard"}},
		Accounts: []Account{{Address: addr("kiosk@example.com"), Groups: []string{"kiosk"}}},
	}.Normalize()
}

func addr(text string) settings.Address { return settings.MustAddress(text) }

func terms(t *testing.T, s Site, name string) *Terms {
	t.Helper()
	if errs := s.Check().Errors(); len(errs) > 0 {
		t.Fatalf("the site is not legal:\n%v", errs)
	}
	got, ok := s.Terms(name)
	if !ok {
		t.Fatalf("no terms for %s", name)
	}
	return got
}

func TestDecideFollowsTheOrder(t *testing.T) {
	t.Parallel()
	example := terms(t, demo(), "example.com")
	office := addr("office@example.com")
	for name, c := range map[string]struct {
		account  Account
		protocol settings.Protocol
		days     int
		reason   string
	}{
		"nothing known":               {Account{Address: office}, settings.IMAP, 0, settings.ReasonDefault},
		"several devices":             {Account{Address: office, Devices: SeveralDevices, Quota: 1}, settings.IMAP, 0, settings.ReasonDefault},
		"one device, small":           {Account{Address: office, Devices: OneDevice, Quota: 200e6}, settings.POP3, 9, settings.ReasonRule},
		"one device, not small":       {Account{Address: office, Devices: OneDevice, Quota: 500e6}, settings.IMAP, 0, settings.ReasonDefault},
		"one device, quota not known": {Account{Address: office, Devices: OneDevice}, settings.IMAP, 0, settings.ReasonDefault},
		"group":                       {Account{Address: office, Groups: []string{"a", "KIOSK"}}, settings.POP3, 14, settings.ReasonRule},
		"first rule wins":             {Account{Address: office, Groups: []string{"kiosk"}, Devices: OneDevice, Quota: 1}, settings.POP3, 14, settings.ReasonRule},
		"by hand over rule":           {Account{Address: office, Groups: []string{"kiosk"}, Protocol: settings.IMAP}, settings.IMAP, 0, settings.ReasonAccount},
		"by hand over default":        {Account{Address: office, Protocol: settings.POP3}, settings.POP3, 14, settings.ReasonAccount},
	} {
		d := example.Decide(c.account)
		if d.Protocol != c.protocol || d.POP3.Days != c.days || d.Reason.Key != c.reason || d.POP3.Leave != (c.protocol == settings.POP3) {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestDecideWithoutAStatedDefault(t *testing.T) {
	t.Parallel()
	imap, pop3, smtp := server("imap.example.com"), server("pop.example.com"), server("smtp.example.com")
	for name, c := range map[string]struct {
		servers  Servers
		protocol settings.Protocol
		reason   string
	}{
		"both":      {Servers{IMAP: imap, POP3: pop3, SMTP: smtp}, settings.IMAP, settings.ReasonDefault},
		"IMAP only": {Servers{IMAP: imap, SMTP: smtp}, settings.IMAP, settings.ReasonOnly},
		"POP3 only": {Servers{POP3: pop3, SMTP: smtp}, settings.POP3, settings.ReasonOnly},
	} {
		d := (&Terms{Name: "example.com", Common: &Common{Offer: Offer{Servers: c.servers}}}).Decide(Account{Address: addr("a@example.com")})
		if d.Protocol != c.protocol || d.Reason.Key != c.reason {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestAnOutsideProtocolWithoutServerFallsBack(t *testing.T) {
	t.Parallel()
	site := demo()
	site.Plans[0].Servers.POP3 = ServerList{}
	site.Plans[0].Policy.Rules = nil
	d := terms(t, site, "example.com").Decide(Account{Address: addr("a@example.com"), Protocol: settings.POP3})
	if d.Protocol != settings.IMAP || d.Refused != settings.POP3 || d.Reason.Key != settings.ReasonNoServer {
		t.Errorf("%+v", d)
	}
}

func TestRulesMatchAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, address string
		want             bool
	}{
		{"kiosk-*", "kiosk-7@example.com", true},
		{"kiosk-*", "Kiosk-7@example.com", true},
		{"kiosk-*", "kiosk@example.com", false},
		{"*@example.com", "a@example.com", true},
		{"*@example.com", "a@example.net", false},
		{"?@example.com", "ab@example.com", false},
		{"a*b*c", "axxbxxbc@example.com", true},
		{"*", "a@example.com", true},
		{"a*", "ba@example.com", false},
		{"j?rg", "jörg@example.com", true},
	} {
		if got := (Match{Address: c.pattern}).Matches(Account{Address: addr(c.address)}); got != c.want {
			t.Errorf("%q matches %s: %v", c.pattern, c.address, got)
		}
	}
}

func TestRulesGiveServersAlsoToAccountsWithAProtocolSetByHand(t *testing.T) {
	t.Parallel()
	site := demo()
	site.Plans[0].Policy.Rules = []Rule{{Name: "shard 2", Match: Match{Group: "shard2"}, Servers: Servers{POP3: server("pop2.example.com"), IMAP: server("imap2.example.com")}}}
	site = site.Normalize()
	example := terms(t, site, "example.com")
	for _, c := range []struct {
		protocol settings.Protocol
		host     string
		reason   string
	}{
		{"", "imap2.example.com", settings.ReasonDefault},
		{settings.POP3, "pop2.example.com", settings.ReasonAccount},
	} {
		a := Account{Address: addr("a@example.com"), Groups: []string{"shard2"}, Protocol: c.protocol}
		s := example.Settings(a.Address, a)
		if s.Incoming.Host != c.host || s.Outgoing.Host != "smtp.example.com" || s.Decision.Reason.Key != c.reason || s.Decision.Rule != "shard 2" {
			t.Errorf("%q: %+v", c.protocol, s)
		}
	}
}

func TestAdviceFitsTheDecision(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account Account
		policy  Policy
		want    []string
	}{
		"IMAP":          {Account{}, Policy{}, []string{settings.AdviceIMAP, settings.AdviceNeverBoth}},
		"IMAP, several": {Account{Devices: SeveralDevices}, Policy{}, []string{settings.AdviceIMAPMany, settings.AdviceNeverBoth}},
		"POP3":          {Account{}, Policy{Default: settings.POP3}, []string{settings.AdvicePOP3, settings.AdviceKeeps, settings.AdviceBackup, settings.AdviceNeverBoth}},
		"POP3, one":     {Account{Devices: OneDevice}, Policy{Default: settings.POP3, POP3: POP3{Days: ptr(0)}}, []string{settings.AdvicePOP3One, settings.AdviceKeepsAll, settings.AdviceBackup, settings.AdviceNeverBoth}},
		"POP3, deletes": {Account{}, Policy{Default: settings.POP3, POP3: POP3{LeaveOnServer: ptr(false)}}, []string{settings.AdvicePOP3, settings.AdviceDeletes, settings.AdviceBackup, settings.AdviceNeverBoth}},
	} {
		c.account.Address = addr("a@example.com")
		both := Servers{IMAP: server("i.example.com"), POP3: server("p.example.com")}
		var got []string
		for _, m := range (&Terms{Name: "example.com", Common: &Common{Offer: Offer{Servers: both, Policy: c.policy}}}).Decide(c.account).Advice {
			got = append(got, m.Key)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestSettingsOfAliasesAndTags(t *testing.T) {
	t.Parallel()
	office := Account{Address: addr("office@example.com"), Addresses: []settings.Address{addr("info@example.com"), addr("a+b@example.com")}}
	for _, c := range []struct {
		mode           AliasLogin
		typed, literal string
	}{
		{"", "office@example.com", "office@example.com"},
		{"", "OFFICE@Example.com", "OFFICE@example.com"},
		{"", "Office+shop@example.com", "Office@example.com"},
		{"", "office@example.net", "office@example.com"},
		{"", "info@example.com", "office@example.com"},
		{"", `"office"@example.com`, "office@example.com"},
		{AliasTyped, "office+shop@example.com", "office@example.com"},
		{AliasTyped, "office@example.net", "office@example.net"},
		{AliasTyped, "info@example.com", "info@example.com"},
		{AliasTyped, "info+x@example.com", "info@example.com"},
		{AliasTyped, "a+b@example.com", "a+b@example.com"},
	} {
		example := terms(t, demo(), "example.com")
		example.AliasLogin = c.mode
		s := example.Settings(addr(c.typed), office)
		if s.IncomingLogin.Literal != c.literal || s.OutgoingLogin != s.IncomingLogin {
			t.Errorf("%q %s: login %+v, want %s", c.mode, c.typed, s.IncomingLogin, c.literal)
		}
		if s.Typed != addr(c.typed) || s.Mailbox != office.Address || s.Domain != addr(c.typed).Domain() {
			t.Errorf("%q %s: %+v", c.mode, c.typed, s)
		}
	}
}

func TestPublicAnswersDefaultHidesTheAccount(t *testing.T) {
	t.Parallel()
	site := demo()
	site.Domains[0].PublicAnswers = PublicDefault
	example := terms(t, site, "example.com")
	own := Account{Address: addr("kiosk@example.com"), Groups: []string{"kiosk"}, Login: "k1", Name: "Lobby Kiosk"}
	if got, want := example.PublicSettings(own.Address, own), example.PublicSettings(own.Address, Account{Address: own.Address}); !cmp.Equal(got, want, cmp.AllowUnexported(settings.Address{})) {
		t.Error(cmp.Diff(got, want, cmp.AllowUnexported(settings.Address{})))
	}
	if s := example.Settings(own.Address, own); s.Decision.Protocol != settings.POP3 || s.IncomingLogin.Literal != "k1" {
		t.Errorf("behind a link: %+v", s)
	}
}

// Whoever has the digest of an address gets what the address gets, the login with it.
func TestADigestYieldsWhatItsAddressDoes(t *testing.T) {
	t.Parallel()
	example := terms(t, demo(), "example.com")
	own := Account{
		Address: addr("kiosk@example.com"), Groups: []string{"kiosk"}, Login: "k1",
		Addresses: []settings.Address{addr("lobby@example.com")},
	}
	plain := Account{Address: own.Address, Groups: own.Groups, Addresses: own.Addresses}
	for named, c := range map[string]struct {
		account Account
		login   string
	}{
		"kiosk@example.com": {own, "k1"},
		"lobby@example.com": {plain, "kiosk@example.com"},
		"kiosk@example.net": {plain, "EVOLUTIONUSER@example.com"},
	} {
		standIn := addr("EVOLUTIONUSER@" + addr(named).Domain())
		s := example.NamedSettings(standIn, addr(named), c.account)
		if s.Decision.Protocol != settings.POP3 || s.IncomingLogin.Literal != c.login || s.Typed != standIn || s.Domain != standIn.Domain() {
			t.Errorf("%s: %+v", named, s)
		}
	}
}

func TestDefaultSettingsHavePatternsOnly(t *testing.T) {
	t.Parallel()
	example := terms(t, demo(), "example.net")
	s := example.DefaultSettings("example.net")
	want := settings.Login{Pattern: "{local}@example.com"}
	if s.IncomingLogin != want || s.Domain != "example.net" || !s.Typed.IsZero() || s.Decision.Protocol != settings.IMAP {
		t.Errorf("%+v", s)
	}
	example.AliasLogin = AliasTyped
	if got := example.DefaultSettings("example.net").IncomingLogin; got.Pattern != "{address}" {
		t.Errorf("typed: %+v", got)
	}
}

// An account with nothing of its own can't be told from one that doesn't exist.
func TestNothingOfItsOwnIsAsUnknown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		example, _ := func() (*Terms, bool) { s := demo(); return s.Terms("example.com") }()
		example.AliasLogin = rapid.SampledFrom([]AliasLogin{"", AliasTyped}).Draw(t, "alias login")
		example.Username = settings.Username(rapid.SampledFrom([]string{"", "{local}", "{login}", "{local}.{domain}"}).Draw(t, "username"))
		local := rapid.StringMatching(`[a-zA-Z0-9.]{1,9}`).Draw(t, "local")
		typed := addr(local + rapid.SampledFrom([]string{"", "+tag"}).Draw(t, "tag") + "@" + rapid.SampledFrom([]string{"example.com", "example.net"}).Draw(t, "domain"))
		// the operator wrote the account in another letter case
		known := Account{Address: addr(settings.LocalKey(local) + "@example.com"), Name: "Somebody", Devices: SeveralDevices, Quota: 5e9, Groups: []string{"staff"}}
		a, b := example.PublicSettings(typed, known), example.PublicSettings(typed, example.Unknown(typed))
		if a.Decision.Advice != nil || a.Decision.Reason.Key != "" {
			t.Fatal("a public answer has the reason and the advice, which are for the person")
		}
		if a.Mailbox.Key() != b.Mailbox.Key() {
			t.Fatalf("mailbox %s and %s", a.Mailbox, b.Mailbox)
		}
		a.Mailbox, b.Mailbox = settings.Address{}, settings.Address{}
		if fmt.Sprintf("%+v", a) != fmt.Sprintf("%+v", b) {
			t.Fatalf("known:   %+v\nunknown: %+v", a, b)
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("***", "")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 64 || len(text) > 64 {
			return
		}
		if got, want := glob(pattern, text), slowGlob([]rune(pattern), []rune(text), map[[2]int]bool{}); got != want {
			t.Fatalf("glob(%q, %q) = %v", pattern, text, got)
		}
	})
}

func slowGlob(p, t []rune, failed map[[2]int]bool) bool {
	key := [2]int{len(p), len(t)}
	if failed[key] {
		return false
	}
	ok := false
	switch {
	case len(p) == 0:
		ok = len(t) == 0
	case p[0] == '*':
		ok = slowGlob(p[1:], t, failed) || len(t) > 0 && slowGlob(p, t[1:], failed)
	default:
		ok = len(t) > 0 && (p[0] == '?' || p[0] == t[0]) && slowGlob(p[1:], t[1:], failed)
	}
	failed[key] = !ok
	return ok
}
