package policy

import (
	"slices"
	"testing"

	"autoconfig/settings"
)

func TestGivenAreThoseThatSomebodyMayHave(t *testing.T) {
	t.Parallel()
	server := ServerList{{Host: "mail.example.com"}}
	both, imap := Servers{IMAP: server, POP3: server, SMTP: server}, Servers{IMAP: server, SMTP: server}
	rules := []Rule{{Name: "small", Match: Match{Devices: OneDevice}, Protocol: settings.POP3}, {Name: "shard", Servers: imap}}
	for name, c := range map[string]struct {
		offer  Offer
		byHand []settings.Protocol
		want   []settings.Protocol
	}{
		"default":      {Offer{Servers: both}, nil, []settings.Protocol{settings.IMAP}},
		"rule":         {Offer{Servers: both, Policy: Policy{Rules: rules}}, nil, []settings.Protocol{settings.IMAP, settings.POP3}},
		"by hand":      {Offer{Servers: both}, []settings.Protocol{settings.POP3, "", settings.POP3}, []settings.Protocol{settings.IMAP, settings.POP3}},
		"no server":    {Offer{Servers: imap}, []settings.Protocol{settings.POP3}, []settings.Protocol{settings.IMAP}},
		"POP3 default": {Offer{Servers: both, Policy: Policy{Default: settings.POP3}}, []settings.Protocol{settings.IMAP}, []settings.Protocol{settings.POP3, settings.IMAP}},
	} {
		terms := &Terms{Common: &Common{Offer: c.offer}}
		if got := terms.Given(c.byHand...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
