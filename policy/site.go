package policy

import (
	"autoconfig/settings"
)

// Site is everything that an operator writes: `apply` reads it, and `export` writes it.
type Site struct {
	// ID is the site's random identity, from which stable identifiers are derived. `export`
	// writes it, so that a moved site keeps them; the store makes one for a new site.
	ID        string              `yaml:"site_id,omitempty" json:"site_id,omitempty" doc:"the site's random identity, written by export; leave it out in a new site"`
	Providers []settings.Provider `yaml:"providers,omitempty" json:"providers,omitempty" doc:"the brands that domains show"`
	Plans     []Plan              `yaml:"plans,omitempty" json:"plans,omitempty" doc:"named offers that many domains share"`
	Domains   []Domain            `yaml:"domains,omitempty" json:"domains,omitempty" doc:"the mail domains"`
	Accounts  []Account           `yaml:"accounts,omitempty" json:"accounts,omitempty" doc:"accounts of which more is known than their address"`
	// Overrides is nil if the key is missing, and stored ones stay.
	Overrides []Override `yaml:"overrides,omitempty" json:"overrides,omitempty" doc:"overrides of accounts in other sources; without this key, existing ones stay; [] removes them"`
}

// Plan is a named offer that many domains share.
type Plan struct {
	Name  string `yaml:"name" json:"name" doc:"the word by which domains refer to it"`
	Offer `yaml:",inline"`
}

// Domain is a mail domain with a plan, an offer of its own, or a plan with changes.
type Domain struct {
	Name    string   `yaml:"name" json:"name" doc:"the mail domain, in Unicode or ASCII"`
	Aliases []string `yaml:"aliases,omitempty,flow" json:"aliases,omitempty" doc:"other domains with the same mailboxes"`
	Plan    string   `yaml:"plan,omitempty" json:"plan,omitempty" doc:"the plan that it has"`
	Offer   `yaml:",inline"`
}

// Offer is what plans and domains have in common. A domain may leave out what its plan has.
type Offer struct {
	// Sources is nil if the key is missing: then every source is asked.
	Sources  []string          `yaml:"sources,omitzero,flow" json:"sources,omitzero" doc:"the sources of autoconfig.yaml that its accounts are looked up in, in this order; all by default, [] for none"`
	Provider string            `yaml:"provider,omitempty" json:"provider,omitempty" doc:"id of the provider; without one the domain's name is shown"`
	Servers  Servers           `yaml:"servers,omitzero" json:"servers,omitzero" doc:"the mail servers by protocol"`
	Services settings.Services `yaml:"services,omitzero" json:"services,omitzero" doc:"what is offered beside mail; none takes a plan's service away"`
	Username settings.Username `yaml:"username,omitempty" json:"username,omitempty" doc:"pattern of the login: text with {address} (the default), {local}, {domain}, {login}"`
	Policy   Policy            `yaml:"policy,omitzero" json:"policy,omitzero" doc:"which accounts have IMAP and which POP3"`
	// RecipientDelimiter is a pointer to tell "" (no tags) from a missing key.
	RecipientDelimiter *string          `yaml:"recipient_delimiter,omitempty" json:"recipient_delimiter,omitempty" doc:"characters that start an address's tag, + by default; empty for none"`
	AliasLogin         AliasLogin       `yaml:"alias_login,omitempty" json:"alias_login,omitempty" doc:"login of people who type an alias: primary (the default) or typed"`
	PublicAnswers      PublicAnswers    `yaml:"public_answers,omitempty" json:"public_answers,omitempty" doc:"what anybody may ask: account (the default) or only the domain's default"`
	Profile            settings.Profile `yaml:"profile,omitzero" json:"profile,omitzero" doc:"what only Apple's configuration profiles can say"`
}

// Servers are the mail servers by protocol, each list in order of preference: the first one with implicit TLS
// is handed out ([settings.Best]). A nil list means that the key is missing, an empty one that there is no
// server.
type Servers struct {
	IMAP ServerList `yaml:"imap,omitzero" json:"imap,omitzero" doc:"IMAP server, or a list of which the first with implicit TLS is offered, else the first with STARTTLS; [] for none"`
	POP3 ServerList `yaml:"pop3,omitzero" json:"pop3,omitzero" doc:"POP3 server, or a list of which one is offered as for IMAP; [] for none"`
	SMTP ServerList `yaml:"smtp,omitzero" json:"smtp,omitzero" doc:"submission server, or a list of which one is offered as for IMAP"`
}

// ServerList is a list of servers. In YAML, a list of one may be written as a single server.
type ServerList []settings.Server

// MarshalYAML writes a list of one as a single server.
func (l ServerList) MarshalYAML() (any, error) {
	if len(l) == 1 {
		return l[0], nil
	}
	return []settings.Server(l), nil
}

// Of returns the list for a protocol.
func (s *Servers) Of(p settings.Protocol) ServerList {
	switch p {
	case settings.IMAP:
		return s.IMAP
	case settings.POP3:
		return s.POP3
	case settings.SMTP:
		return s.SMTP
	}
	return nil
}

// Over returns a domain's servers, and for missing protocols its plan's.
func (s Servers) Over(plan Servers) Servers {
	for _, pair := range [][2]*ServerList{{&s.IMAP, &plan.IMAP}, {&s.POP3, &plan.POP3}, {&s.SMTP, &plan.SMTP}} {
		if *pair[0] == nil {
			*pair[0] = *pair[1]
		}
	}
	return s
}

// IsZero reports whether no protocol has a list.
func (s Servers) IsZero() bool { return s.IMAP == nil && s.POP3 == nil && s.SMTP == nil }

// AliasLogin says with which login people sign in who type an alias.
type AliasLogin string

// The two ways; the empty one is AliasPrimary.
const (
	AliasPrimary AliasLogin = "primary" // with the mailbox's primary address
	AliasTyped   AliasLogin = "typed"   // with the address that they typed
)

// PublicAnswers says what anybody may ask.
type PublicAnswers string

// The two ways; the empty one is PublicAccount.
const (
	PublicAccount PublicAnswers = "account" // the account's decision
	PublicDefault PublicAnswers = "default" // the domain's default; the rest only by setup links
)

// Policy decides between IMAP and POP3.
type Policy struct {
	// Default is the protocol if no rule matches; empty means IMAP if the domain has a
	// server for it, else POP3.
	Default settings.Protocol `yaml:"default,omitempty" json:"default,omitempty" doc:"protocol where no rule matches: imap or pop3; by default IMAP if there is a server for it, else POP3"`
	POP3    POP3              `yaml:"pop3,omitzero" json:"pop3,omitzero" doc:"what POP3 programs leave on the server"`
	// Rules are tried in order; the first match wins. A domain's rules replace those of its
	// plan; an empty list removes them.
	Rules []Rule `yaml:"rules,omitzero" json:"rules,omitzero" doc:"tried in order, the first match wins; a domain's rules replace its plan's"`
}

// POP3 says what clients leave on the server. Nil means the plan's value; if there is none, mail stays for
// 14 days, so that nothing is lost at once.
type POP3 struct {
	LeaveOnServer *bool `yaml:"leave_on_server,omitempty" json:"leave_on_server,omitempty" doc:"whether a copy stays on the server; true by default"`
	Days          *int  `yaml:"days,omitempty" json:"days,omitempty" doc:"days that a copy stays, 1 to 3650, 14 by default; 0 until it is deleted in the program"`
}

// Over returns the values of p, and for missing ones those below.
func (p POP3) Over(below POP3) POP3 {
	if p.LeaveOnServer == nil {
		p.LeaveOnServer = below.LeaveOnServer
	}
	if p.Days == nil {
		p.Days = below.Days
	}
	return p
}

// defaultDays is Thunderbird's default too.
const defaultDays = 14

// Retention returns the values, with defaults.
func (p POP3) Retention() settings.Retention {
	if p.LeaveOnServer != nil && !*p.LeaveOnServer {
		return settings.Retention{}
	}
	days := defaultDays
	if p.Days != nil {
		days = *p.Days
	}
	return settings.Retention{Leave: true, Days: days}
}

// Over returns a domain's policy, and for missing parts its plan's.
func (p Policy) Over(plan Policy) Policy {
	if p.Default == "" {
		p.Default = plan.Default
	}
	p.POP3 = p.POP3.Over(plan.POP3)
	if p.Rules == nil {
		p.Rules = plan.Rules
	}
	return p
}

// IsZero reports whether everything is missing.
func (p Policy) IsZero() bool { return p.Default == "" && p.POP3 == POP3{} && p.Rules == nil }

// Over returns a domain's offer, and for missing parts its plan's.
func (o Offer) Over(plan Offer) Offer {
	o.Servers = o.Servers.Over(plan.Servers)
	o.Services = o.Services.Over(plan.Services)
	o.Policy = o.Policy.Over(plan.Policy)
	if o.Sources == nil {
		o.Sources = plan.Sources
	}
	if o.Provider == "" {
		o.Provider = plan.Provider
	}
	if o.Username == "" {
		o.Username = plan.Username
	}
	if o.RecipientDelimiter == nil {
		o.RecipientDelimiter = plan.RecipientDelimiter
	}
	if o.AliasLogin == "" {
		o.AliasLogin = plan.AliasLogin
	}
	if o.PublicAnswers == "" {
		o.PublicAnswers = plan.PublicAnswers
	}
	if o.Profile.Expires.IsZero() {
		o.Profile.Expires = plan.Profile.Expires
	}
	if o.Profile.Consent == nil {
		o.Profile.Consent = plan.Profile.Consent
	}
	return o
}
