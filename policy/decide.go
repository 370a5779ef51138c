package policy

import (
	"slices"
	"strconv"
	"strings"

	"autoconfig/settings"
)

// Terms are a domain's complete offer, with its own changes applied to its plan, and its provider.
// Decisions are made from them.
type Terms struct {
	Name    string   // the primary domain
	Aliases []string // its alias domains
	*Common
}

// Common is what domains share that have one plan and change nothing. A hundred thousand domains may
// point to the same one, so it must not be modified.
type Common struct {
	SiteID   string
	Provider settings.Provider
	Offer
}

// TermsOf completes a domain from its plan and its provider.
func TermsOf(siteID string, domain Domain, plan Plan, provider settings.Provider) *Terms {
	common := &Common{SiteID: siteID, Provider: provider, Offer: domain.Over(plan.Offer)}
	return &Terms{Name: domain.Name, Aliases: domain.Aliases, Common: common}
}

// Brand is the provider to show: a domain without one shows its own name.
func (t *Terms) Brand() settings.Provider {
	brand := t.Provider
	if brand.Name == "" { // the domain's name is ASCII
		brand.Name = t.Name[:min(len(t.Name), settings.MaxProviderName)]
	}
	return brand
}

// AllTerms returns the terms of all domains by primary name. [Site.Terms] for each would search the whole
// site each time.
func (s *Site) AllTerms() map[string]*Terms {
	plans := map[string]Plan{}
	providers := map[string]settings.Provider{}
	for _, p := range s.Plans {
		plans[p.Name] = p
	}
	for _, p := range s.Providers {
		providers[p.ID] = p
	}
	all := make(map[string]*Terms, len(s.Domains))
	for _, d := range s.Domains {
		plan := plans[d.Plan]
		all[d.Name] = TermsOf(s.ID, d, plan, providers[d.Over(plan.Offer).Provider])
	}
	return all
}

// Terms returns the terms of a domain by its primary name or an alias.
func (s *Site) Terms(name string) (*Terms, bool) {
	for _, d := range s.Domains {
		if d.Name != name && !slices.Contains(d.Aliases, name) {
			continue
		}
		var plan Plan
		for _, p := range s.Plans {
			if p.Name == d.Plan {
				plan = p
			}
		}
		var provider settings.Provider
		id := d.Over(plan.Offer).Provider
		for _, p := range s.Providers {
			if p.ID == id {
				provider = p
			}
		}
		return TermsOf(s.ID, d, plan, provider), true
	}
	return nil, false
}

// Delimiters are the characters that start an address's tag.
func (t *Terms) Delimiters() string {
	if t.RecipientDelimiter == nil {
		return "+"
	}
	return *t.RecipientDelimiter
}

// Mailbox is the address of the account for a typed address: in the primary domain, without a tag. An
// account whose own address has a tag must be looked up by [Terms.Primary] first.
func (t *Terms) Mailbox(typed settings.Address) settings.Address {
	return t.Primary(typed).Unquoted().WithoutTag(t.Delimiters())
}

// Has reports whether a name is the domain's or an alias.
func (t *Terms) Has(name string) bool { return name == t.Name || slices.Contains(t.Aliases, name) }

// Primary is the address in the primary domain.
func (t *Terms) Primary(typed settings.Address) settings.Address {
	return typed.WithDomain(t.Name)
}

// DefaultProtocol is the protocol of an account unless something else decides.
func (t *Terms) DefaultProtocol() settings.Protocol {
	switch {
	case t.Policy.Default != "":
		return t.Policy.Default
	case len(t.Servers.IMAP) > 0 || len(t.Servers.POP3) == 0:
		return settings.IMAP
	default:
		return settings.POP3
	}
}

// verdict is a decision and its servers, without reason and advice: public answers have none, and they
// cost as much as the rest of a decision.
type verdict struct {
	settings.Decision
	servers Servers
	reason  string // the key of Decision.Reason
}

// explained adds reason and advice.
func (v *verdict) explained(a Account) settings.Decision {
	d := v.Decision
	d.Reason = settings.Message{Key: v.reason}
	switch v.reason {
	case settings.ReasonRule:
		d.Reason.Args = map[string]string{"rule": v.Rule}
	case settings.ReasonNoServer:
		d.Reason.Args = map[string]string{"wanted": strings.ToUpper(string(v.Refused))}
	}
	d.Advice = advice(d, a)
	return d
}

// Decide decides for an account. If it isn't known, only its address is set.
//
// Order: protocol set on the account; first matching rule; the domain's default;
// IMAP if the domain has it, else POP3.
func (t *Terms) Decide(a Account) settings.Decision {
	v := t.decide(&a)
	return v.explained(a)
}

func (t *Terms) decide(a *Account) verdict {
	v := t.byDefault()
	retention := t.Policy.POP3
	for i := range t.Policy.Rules {
		rule := &t.Policy.Rules[i]
		if !rule.Match.matches(a) {
			continue
		}
		v.Rule = rule.Name
		v.servers = rule.Servers.Over(t.Servers)
		if rule.Protocol != "" && a.Protocol == "" {
			v.Protocol = rule.Protocol
			v.reason = settings.ReasonRule
		}
		retention = rule.POP3.Over(retention)
		break
	}
	if a.Protocol != "" {
		v.set(a.Protocol)
	}
	v.POP3 = settings.Retention{}
	if v.Protocol == settings.POP3 {
		v.POP3 = retention.Retention()
	}
	return v
}

// set applies the account's own protocol. If there is no server for it, the decision stays, and the reason
// says so.
func (v *verdict) set(p settings.Protocol) {
	if len(v.servers.Of(p)) == 0 {
		v.Refused = p
		v.reason = settings.ReasonNoServer
		return
	}
	v.Protocol = p
	v.reason = settings.ReasonAccount
}

// Default is the decision for a request without an account.
func (t *Terms) Default() settings.Decision {
	v := t.byDefault()
	return v.explained(Account{})
}

func (t *Terms) byDefault() verdict {
	v := verdict{servers: t.Servers, reason: settings.ReasonDefault}
	v.Protocol = t.DefaultProtocol()
	if t.Policy.Default == "" && (len(t.Servers.IMAP) == 0 || len(t.Servers.POP3) == 0) {
		v.reason = settings.ReasonOnly
	}
	if v.Protocol == settings.POP3 {
		v.POP3 = t.Policy.POP3.Retention()
	}
	return v
}

// Advice is the advice for a decision that doesn't depend on the account.
func Advice(d settings.Decision) []settings.Message { return advice(d, Account{}) }

// advice is what the person should know about the decision.
func advice(d settings.Decision, a Account) []settings.Message {
	say := func(key string) settings.Message { return settings.Message{Key: key} }
	if d.Protocol == settings.IMAP {
		meaning := say(settings.AdviceIMAP)
		if a.Devices == SeveralDevices {
			meaning = say(settings.AdviceIMAPMany)
		}
		return []settings.Message{meaning, say(settings.AdviceNeverBoth)}
	}
	meaning := say(settings.AdvicePOP3)
	if a.Devices == OneDevice {
		meaning = say(settings.AdvicePOP3One)
	}
	kept := say(settings.AdviceDeletes)
	switch {
	case d.POP3.Leave && d.POP3.Days == 0:
		kept = say(settings.AdviceKeepsAll)
	case d.POP3.Leave:
		kept = settings.Message{Key: settings.AdviceKeeps, Args: map[string]string{"days": strconv.Itoa(d.POP3.Days)}}
	}
	return []settings.Message{meaning, kept, say(settings.AdviceBackup), say(settings.AdviceNeverBoth)}
}
