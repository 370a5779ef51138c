package policy_test

import (
	"fmt"

	"autoconfig/policy"
	"autoconfig/settings"
)

// A domain's terms decide for each account: the first rule that matches, else the
// domain's default.
func ExampleTerms_Settings() {
	site := policy.Site{Domains: []policy.Domain{{Name: "example.com", Offer: policy.Offer{
		Servers: policy.Servers{
			IMAP: policy.ServerList{{Host: "imap.example.com"}},
			POP3: policy.ServerList{{Host: "pop.example.com"}},
			SMTP: policy.ServerList{{Host: "smtp.example.com"}},
		},
		Policy: policy.Policy{Rules: []policy.Rule{{
			Name: "kiosk machines", Match: policy.Match{Group: "kiosk"}, Protocol: settings.POP3,
		}}},
	}}}}.Normalize()
	if problems := site.Check(); problems.Err() != nil {
		fmt.Println(problems.Err())
		return
	}
	terms, _ := site.Terms("example.com")

	office := settings.MustAddress("office@example.com")
	lobby := settings.MustAddress("lobby@example.com")
	for _, account := range []policy.Account{{Address: office}, {Address: lobby, Groups: []string{"kiosk"}}} {
		s := terms.Settings(account.Address, account)
		fmt.Printf("%s: %s at %s:%d, rule %q\n", s.Typed, s.Decision.Protocol, s.Incoming.Host, s.Incoming.Port, s.Decision.Rule)
	}
	// Output:
	// office@example.com: imap at imap.example.com:993, rule ""
	// lobby@example.com: pop3 at pop.example.com:995, rule "kiosk machines"
}
