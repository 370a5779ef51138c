package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoconfig/settings"
)

func TestTheDemoSiteIsLegal(t *testing.T) {
	t.Parallel()
	if problems := demo().Check(); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestCheckFindsEachMistakeAndItsPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Site)
		path   string
		text   string
	}{
		"provider twice":    {func(s *Site) { s.Providers = append(s.Providers, s.Providers[0]) }, "providers[1].id", "already a provider"},
		"unknown provider":  {func(s *Site) { s.Plans[0].Provider = "x" }, "plans[0].provider", "no provider"},
		"plan twice":        {func(s *Site) { s.Plans = append(s.Plans, s.Plans[0]) }, "plans[1].name", "already a plan"},
		"plan without name": {func(s *Site) { s.Plans[0].Name, s.Domains[0].Plan = "", "" }, "plans[0]", "needs a name"},
		"unknown plan": {func(s *Site) {
			s.Domains = append(s.Domains, Domain{Name: "b.example", Plan: "x", Offer: s.Plans[0].Offer})
		}, "domains[1].plan", "no plan"},
		"domain twice":    {func(s *Site) { s.Domains = append(s.Domains, Domain{Name: "example.net", Plan: "standard"}) }, "domains[1].name", "already named by the domain example.com"},
		"alias of itself": {func(s *Site) { s.Domains[0].Aliases[0] = "example.com" }, "domains[0].aliases[0]", "named twice"},
		"bad domain":      {func(s *Site) { s.Domains = append(s.Domains, Domain{Name: "a b", Plan: "standard"}) }, "domains[1].name", "not a domain name"},
		"no smtp":         {func(s *Site) { s.Domains[0].Servers.SMTP = ServerList{} }, "domains[0]", "no smtp server"},
		"no incoming": {func(s *Site) {
			s.Domains[0].Servers.IMAP, s.Domains[0].Servers.POP3 = ServerList{}, ServerList{}
		}, "domains[0]", "neither"},
		"default without server": {func(s *Site) { s.Domains[0].Servers.IMAP = ServerList{} }, "plans[0].policy.default", "no imap server"},
		"rule without server": {func(s *Site) {
			s.Domains[0].Servers.POP3 = ServerList{}
			s.Domains[0].Policy.Rules = s.Plans[0].Policy.Rules[:1]
		}, "domains[0].policy.rules[0].protocol", "no pop3 server"},
		"rule without condition": {func(s *Site) { s.Plans[0].Policy.Rules[0].Match = Match{} }, "plans[0].policy.rules[0]", "no condition"},
		"rule without outcome":   {func(s *Site) { s.Plans[0].Policy.Rules[0].Protocol = "" }, "plans[0].policy.rules[0]", "neither a protocol nor servers"},
		"rule without name":      {func(s *Site) { s.Plans[0].Policy.Rules[0].Name = "" }, "plans[0].policy.rules[0]", "needs a name"},
		"rule name twice":        {func(s *Site) { s.Plans[0].Policy.Rules[1].Name = "kiosk machines" }, "plans[0].policy.rules[1].name", "already a rule"},
		"rule protocol":          {func(s *Site) { s.Plans[0].Policy.Rules[0].Protocol = "smtp" }, "plans[0].policy.rules[0].protocol", "not an incoming protocol"},
		"rule devices":           {func(s *Site) { s.Plans[0].Policy.Rules[1].Match.Devices = "two" }, "plans[0].policy.rules[1].match.devices", "one or several"},
		"rule quota":             {func(s *Site) { s.Plans[0].Policy.Rules[1].Match.QuotaAbove = 500e6 }, "plans[0].policy.rules[1].match", "below"},
		"rule takes smtp away":   {func(s *Site) { s.Plans[0].Policy.Rules[0].Servers.SMTP = ServerList{} }, "plans[0].policy.rules[0].servers", "takes away"},
		"days":                   {func(s *Site) { s.Plans[0].Policy.POP3.Days = ptr(4000) }, "plans[0].policy.pop3.days", "not valid"},
		"days without copy":      {func(s *Site) { s.Plans[0].Policy.POP3.LeaveOnServer = ptr(false) }, "plans[0].policy.pop3.days", "no meaning"},
		"delimiter":              {func(s *Site) { s.Plans[0].RecipientDelimiter = ptr("@") }, "plans[0].recipient_delimiter", "delimit"},
		"alias login":            {func(s *Site) { s.Plans[0].AliasLogin = "x" }, "plans[0].alias_login", "primary or typed"},
		"public answers":         {func(s *Site) { s.Plans[0].PublicAnswers = "x" }, "plans[0].public_answers", "account or default"},
		"consent":                {func(s *Site) { s.Plans[0].Profile.Consent = map[string]string{"en": ""} }, "plans[0].profile.consent", "empty"},
		"service":                {func(s *Site) { s.Plans[0].Services.CalDAV = "http://x.example" }, "plans[0].services.caldav", "not an https URL"},
		"account domain":         {func(s *Site) { s.Accounts[0].Address = addr("a@other.example") }, "accounts[0].address", "no domain other.example"},
		"account in alias":       {func(s *Site) { s.Accounts[0].Address = addr("a@example.net") }, "accounts[0].address", "write a@example.com"},
		"account twice":          {func(s *Site) { s.Accounts = append(s.Accounts, Account{Address: addr("KIOSK@example.com")}) }, "accounts[1].address", "already an account"},
		"address twice": {func(s *Site) {
			s.Accounts[0].Addresses = []settings.Address{addr("k@example.com"), addr("K@example.com")}
		}, "accounts[0].addresses[1]", "named twice"},
		"address elsewhere": {func(s *Site) {
			s.Domains = append(s.Domains, Domain{Name: "b.example", Plan: "standard"})
			s.Accounts[0].Addresses = []settings.Address{addr("k@b.example")}
		}, "accounts[0].addresses[0]", "another domain"},
		"account protocol": {func(s *Site) { s.Accounts[0].Protocol = "exchange" }, "accounts[0].protocol", "imap or pop3"},
		"account without server": {func(s *Site) {
			s.Plans[0].Servers.POP3, s.Plans[0].Policy.Rules = nil, nil
			s.Accounts[0].Protocol = "pop3"
		}, "accounts[0].protocol", "no pop3 server"},
		"account devices":         {func(s *Site) { s.Accounts[0].Devices = "many" }, "accounts[0].devices", "one or several"},
		"account group":           {func(s *Site) { s.Accounts[0].Groups = []string{""} }, "accounts[0].groups[0]", "not a group"},
		"account name":            {func(s *Site) { s.Accounts[0].Name = "a\nb" }, "accounts[0].name", "control"},
		"account without address": {func(s *Site) { s.Accounts[0].Address = settings.Address{} }, "accounts[0]", "needs an address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := demo()
			c.change(&site)
			problems := site.Check().Errors()
			if len(problems) != 1 || problems[0].Path != c.path || !strings.Contains(problems[0].Text, c.text) {
				t.Errorf("%v", problems)
			}
		})
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Bytes{
		"500MB": 500e6, "500 mb": 500e6, "1.5GB": 15e8, "1GiB": 1 << 30, "1024": 1024, "7B": 7, "0": 0, "2TB": 2e12, "3KiB": 3072,
	} {
		got, err := ParseBytes(text)
		if err != nil || got != want {
			t.Errorf("ParseBytes(%q) = %d, %v", text, got, err)
		}
		if again, err := ParseBytes(got.String()); err != nil || again != got {
			t.Errorf("%q is written as %q", text, got)
		}
	}
	for _, text := range []string{"", "MB", "-1MB", "1e3MB", "0x10", "NaN", "Inf", "99999999999TB", "5 apples", "1_000"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("ParseBytes(%q) = %d", text, got)
		}
	}
}

func TestOffersLayOverPlans(t *testing.T) {
	t.Parallel()
	site := demo()
	site.Domains[0].Servers.POP3 = ServerList{}
	site.Domains[0].Policy = Policy{Rules: []Rule{}, POP3: POP3{Days: ptr(3)}}
	site.Domains[0].Username = "{local}"
	got := terms(t, site, "example.net")
	if len(got.Servers.POP3) != 0 || len(got.Servers.IMAP) != 1 || len(got.Policy.Rules) != 0 || got.Username != "{local}" {
		t.Errorf("%+v", got)
	}
	if r := got.Policy.POP3.Retention(); r != (settings.Retention{Leave: true, Days: 3}) {
		t.Errorf("retention %+v", r)
	}
	if got.Provider.Name != "Example Mail" {
		t.Errorf("provider %+v", got.Provider)
	}
}

func TestNormalizeLeavesItsArgumentAlone(t *testing.T) {
	t.Parallel()
	site := Site{Domains: []Domain{{Name: "EXAMPLE.com", Aliases: []string{"B.example"}, Offer: Offer{Servers: Servers{IMAP: server("I.example")}}}}}
	normal := site.Normalize()
	if site.Domains[0].Name != "EXAMPLE.com" || site.Domains[0].Aliases[0] != "B.example" || site.Domains[0].Servers.IMAP[0].Host != "I.example" {
		t.Errorf("changed: %+v", site)
	}
	if again := normal.Normalize(); !cmp.Equal(again, normal, cmp.AllowUnexported(settings.Address{})) {
		t.Error("twice is not the same as once")
	}
}
