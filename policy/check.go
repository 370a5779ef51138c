package policy

import (
	"fmt"
	"slices"
	"strings"

	"autoconfig/settings"
)

// Check lists everything that is wrong with a normalised site, with paths of the YAML file. A site with
// errors must not be served.
func (s Site) Check() settings.Problems {
	c := &checker{
		providers: map[string]bool{},
		plans:     map[string]Plan{},
		names:     map[string]string{},
		domains:   map[string]*Terms{},
		addresses: map[string]string{},
		said:      map[string]bool{},
	}
	for i, p := range s.Providers {
		c.provider(p, fmt.Sprintf("providers[%d]", i))
	}
	for i, p := range s.Plans {
		c.plan(p, fmt.Sprintf("plans[%d]", i))
	}
	for i, d := range s.Domains {
		c.domain(d, fmt.Sprintf("domains[%d]", i))
	}
	for i, d := range s.Domains {
		c.terms(d, s.Plans, fmt.Sprintf("domains[%d]", i))
	}
	for i, a := range s.Accounts {
		c.account(a, fmt.Sprintf("accounts[%d]", i))
	}
	c.overrides(s.Overrides)
	return c.problems
}

type checker struct {
	problems  settings.Problems
	providers map[string]bool
	plans     map[string]Plan
	names     map[string]string // primary and alias domains, with the primary
	domains   map[string]*Terms // by primary name
	addresses map[string]string // address keys, with the account's
	said      map[string]bool   // problems of plans that were reported for another domain
}

func (c *checker) add(path, format string, args ...any) { c.problems.Add(path, format, args...) }

// once reports a problem of a plan once, not for each of its domains.
func (c *checker) once(path, format string, args ...any) {
	if !c.said[path+format] {
		c.said[path+format] = true
		c.add(path, format, args...)
	}
}

func (c *checker) provider(p settings.Provider, path string) {
	c.problems = append(c.problems, p.Check(path)...)
	if c.providers[p.ID] {
		c.add(path+".id", "there is already a provider %q", p.ID)
	}
	c.providers[p.ID] = true
}

func (c *checker) plan(p Plan, path string) {
	if p.Name == "" {
		c.add(path, "a plan needs a name")
	} else if err := settings.CheckText(p.Name); err != nil {
		c.add(path+".name", "%v", err)
	}
	if _, ok := c.plans[p.Name]; ok {
		c.add(path+".name", "there is already a plan %q", p.Name)
	}
	c.plans[p.Name] = p
	c.offer(p.Offer, path)
}

func (c *checker) domain(d Domain, path string) {
	c.domainName(d.Name, d.Name, path+".name")
	for i, alias := range d.Aliases {
		c.domainName(alias, d.Name, fmt.Sprintf("%s.aliases[%d]", path, i))
	}
	if d.Plan != "" {
		if _, ok := c.plans[d.Plan]; !ok {
			c.add(path+".plan", "there is no plan %q", d.Plan)
		}
	}
	c.offer(d.Offer, path)
}

func (c *checker) domainName(name, primary, path string) {
	ascii, err := settings.ParseDomain(name)
	switch {
	case name == "":
		c.add(path, "a domain needs a name")
		return
	case err != nil:
		c.add(path, "%q is not a domain name", name)
		return
	}
	if owner, taken := c.names[ascii]; taken {
		if owner == primary {
			c.add(path, "%s is named twice", ascii)
		} else {
			c.add(path, "%s is already named by the domain %s", ascii, owner)
		}
	}
	c.names[ascii] = primary
}

// offer checks what doesn't depend on plan and domain together.
func (c *checker) offer(o Offer, path string) {
	if o.Provider != "" && !c.providers[o.Provider] {
		c.add(path+".provider", "there is no provider %q", o.Provider)
	}
	c.servers(o.Servers, path+".servers")
	c.problems = append(c.problems, o.Services.Check(path+".services")...)
	c.problems = append(c.problems, o.Username.Check(path+".username")...)
	c.policy(o.Policy, path+".policy")
	if d := o.RecipientDelimiter; d != nil && (len(*d) > 8 || strings.ContainsAny(*d, "@\" ") ||
		settings.CheckText(*d) != nil) {
		c.add(path+".recipient_delimiter",
			"%q can't delimit a tag: use punctuation such as + or -, or an empty text for none", *d)
	}
	if o.AliasLogin != "" && o.AliasLogin != AliasPrimary && o.AliasLogin != AliasTyped {
		c.add(path+".alias_login", "%q is not valid: use primary or typed", o.AliasLogin)
	}
	if o.PublicAnswers != "" && o.PublicAnswers != PublicAccount && o.PublicAnswers != PublicDefault {
		c.add(path+".public_answers", "%q is not valid: use account or default", o.PublicAnswers)
	}
	for language, text := range o.Profile.Consent {
		if err := settings.CheckText(strings.ReplaceAll(text, "\n", " ")); err != nil || text == "" ||
			settings.CheckText(language) != nil {
			c.add(path+".profile.consent", "the text for %q is empty or has control characters", language)
		}
	}
}

func (c *checker) servers(s Servers, path string) {
	for _, p := range []settings.Protocol{settings.IMAP, settings.POP3, settings.SMTP} {
		for i, server := range s.Of(p) {
			at := fmt.Sprintf("%s.%s[%d]", path, p, i)
			c.problems = append(c.problems, server.Check(p, at)...)
		}
	}
}

func (c *checker) policy(p Policy, path string) {
	c.incoming(p.Default, path+".default")
	c.retention(p.POP3, path+".pop3")
	seen := map[string]bool{}
	for i, r := range p.Rules {
		at := fmt.Sprintf("%s.rules[%d]", path, i)
		if r.Name == "" {
			c.add(at, "a rule needs a name: it is shown to explain decisions")
		} else if err := settings.CheckText(r.Name); err != nil {
			c.add(at+".name", "%v", err)
		}
		if seen[r.Name] && r.Name != "" {
			c.add(at+".name", "there is already a rule %q here", r.Name)
		}
		seen[r.Name] = true
		c.rule(r, at)
	}
}

func (c *checker) rule(r Rule, path string) {
	if r.Match == (Match{}) {
		c.add(path, "rule %q has no condition; what holds for every account is policy.default", r.Name)
	}
	c.devices(r.Match.Devices, path+".match.devices")
	if b, a := r.Match.QuotaBelow, r.Match.QuotaAbove; b != 0 && a != 0 && a >= b-1 {
		c.add(path+".match", "no mailbox is below %v and above %v", b, a)
	}
	if r.Protocol == "" && r.Servers.IsZero() {
		c.add(path, "rule %q gives neither a protocol nor servers", r.Name)
	}
	c.incoming(r.Protocol, path+".protocol")
	c.retention(r.POP3, path+".pop3")
	c.servers(r.Servers, path+".servers")
}

func (c *checker) incoming(p settings.Protocol, path string) {
	if p != "" && p != settings.IMAP && p != settings.POP3 {
		c.add(path, "%q is not an incoming protocol: use imap or pop3", p)
	}
}

func (c *checker) devices(d Devices, path string) {
	if d != "" && d != OneDevice && d != SeveralDevices {
		c.add(path, "%q is not valid: use one or several", d)
	}
}

func (c *checker) retention(p POP3, path string) {
	if p.Days != nil && (*p.Days < 0 || *p.Days > settings.MaxDays) {
		c.add(path+".days", "%d days is not valid: use 1 to %d, or 0 for until it is deleted", *p.Days, settings.MaxDays)
	}
	if p.Days != nil && p.LeaveOnServer != nil && !*p.LeaveOnServer {
		c.add(path+".days", "days have no meaning with leave_on_server: false")
	}
}

// terms checks a domain with its plan: each protocol that may be decided needs a server.
func (c *checker) terms(d Domain, plans []Plan, path string) {
	plan, known := c.plans[d.Plan]
	t := TermsOf("", d, plan, settings.Provider{})
	if _, ok := c.domains[d.Name]; !ok {
		c.domains[d.Name] = t
	}
	if d.Plan != "" && !known {
		return // the missing parts may be in the plan that was meant
	}
	if len(t.Servers.IMAP) == 0 && len(t.Servers.POP3) == 0 {
		c.add(path, "%s has neither an imap nor a pop3 server", d.Name)
		return
	}
	if len(t.Servers.SMTP) == 0 {
		c.add(path, "%s has no smtp server: programs refuse a configuration that can't send", d.Name)
	}
	if p := t.Policy.Default; p != "" && len(t.Servers.Of(p)) == 0 {
		c.noServer(d.Policy.Default != "", path, planPath(plans, d.Plan), ".policy.default",
			"the default is %s, but %s has no %s server", p, d.Name, p)
	}
	for i, r := range t.Policy.Rules {
		merged := r.Servers.Over(t.Servers)
		if r.Protocol != "" && len(merged.Of(r.Protocol)) == 0 {
			c.noServer(d.Policy.Rules != nil, path, planPath(plans, d.Plan), fmt.Sprintf(".policy.rules[%d].protocol", i),
				"rule %q gives %s, but %s has no %s server", r.Name, r.Protocol, d.Name, r.Protocol)
		}
		if len(merged.SMTP) == 0 && len(t.Servers.SMTP) > 0 || len(merged.Of(t.DefaultProtocol())) == 0 && r.Protocol == "" {
			c.noServer(d.Policy.Rules != nil, path, planPath(plans, d.Plan), fmt.Sprintf(".policy.rules[%d].servers", i),
				"rule %q takes away a server that %s needs", r.Name, d.Name)
		}
	}
}

// noServer places a problem at the domain if that has the key itself, otherwise at its plan.
func (c *checker) noServer(own bool, domain, plan, key, format string, args ...any) {
	if own {
		c.add(domain+key, format, args...)
	} else {
		c.once(plan+key, format, args...)
	}
}

func planPath(plans []Plan, name string) string {
	i := slices.IndexFunc(plans, func(p Plan) bool { return p.Name == name })
	return fmt.Sprintf("plans[%d]", i)
}

func (c *checker) account(a Account, path string) {
	if a.Address.IsZero() {
		c.add(path, "an account needs an address")
		return
	}
	t := c.accountTerms(a.Address, path+".address")
	c.address(a.Address, a.Address, path+".address")
	for i, other := range a.Addresses {
		at := fmt.Sprintf("%s.addresses[%d]", path, i)
		if other.IsZero() {
			c.add(at, "it is empty")
			continue
		}
		if otherTerms := c.accountTerms(other, at); otherTerms != nil && t != nil && otherTerms != t {
			c.add(at, "%s is in another domain than the mailbox %s", other, a.Address)
		}
		c.address(other, a.Address, at)
	}
	for _, text := range [...]struct{ key, is string }{{"name", a.Name}, {"login", a.Login}} {
		if err := settings.CheckText(text.is); err != nil {
			c.add(path+"."+text.key, "%v", err)
		}
	}
	for i, g := range a.Groups {
		if g == "" || settings.CheckText(g) != nil {
			c.add(fmt.Sprintf("%s.groups[%d]", path, i), "%q is not a group's name", g)
		}
	}
	c.devices(a.Devices, path+".devices")
	c.incoming(a.Protocol, path+".protocol")
	if t != nil && (a.Protocol == settings.IMAP || a.Protocol == settings.POP3) && t.Decide(a).Refused != "" {
		c.add(path+".protocol", "%s has no %s server for %s", a.Address.Domain(), a.Protocol, a.Address)
	}
}

func (c *checker) accountTerms(a settings.Address, path string) *Terms {
	primary, ok := c.names[a.Domain()]
	switch {
	case !ok:
		c.add(path, "there is no domain %s", a.Domain())
	case primary != a.Domain():
		c.add(path, "%s is an alias of %s: write %s", a.Domain(), primary, a.WithDomain(primary))
	default:
		return c.domains[primary]
	}
	return nil
}

func (c *checker) address(a, owner settings.Address, path string) {
	key := a.Key()
	if other, taken := c.addresses[key]; taken {
		switch {
		case other == key && a == owner:
			c.add(path, "there is already an account %s", a)
		case other == owner.Key():
			c.add(path, "%s is named twice", a)
		default:
			c.add(path, "%s already belongs to the account %s", a, other)
		}
		return
	}
	c.addresses[key] = owner.Key()
}

// CheckAccount lists what is wrong with an account of the domain, as [Site.Check] would. It considers only
// that account, as an import checks a million.
func (t *Terms) CheckAccount(a Account) error {
	c := &checker{
		names:     make(map[string]string, 1+len(t.Aliases)),
		domains:   map[string]*Terms{t.Name: t},
		addresses: make(map[string]string, 1+len(a.Addresses)),
	}
	for _, alias := range t.Aliases {
		c.names[alias] = t.Name
	}
	c.names[t.Name] = t.Name
	c.account(a, "")
	for i := range c.problems {
		c.problems[i].Path = strings.TrimPrefix(c.problems[i].Path, ".")
	}
	return c.problems.Err()
}
