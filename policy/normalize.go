package policy

import (
	"slices"
	"time"

	"autoconfig/settings"
)

// Normalize returns the site in canonical form: domain names in ASCII, ports and mechanisms filled in. It
// doesn't validate: that is [Site.Check].
func (s Site) Normalize() Site {
	s.Plans = slices.Clone(s.Plans)
	for i := range s.Plans {
		s.Plans[i].Offer = s.Plans[i].Normalize()
	}
	s.Domains = slices.Clone(s.Domains)
	for i := range s.Domains {
		s.Domains[i] = s.Domains[i].Normalize()
	}
	s.Overrides = slices.Clone(s.Overrides) // nil and empty stay different
	for i := range s.Overrides {
		s.Overrides[i] = s.Overrides[i].Normalize()
	}
	return s
}

// Normalize returns the override as it is stored: under its address's key, with its time in whole seconds.
// Otherwise it would differ from itself whenever it is applied.
func (o Override) Normalize() Override {
	if key, err := settings.ParseAddress(o.Address.Key()); err == nil {
		o.Address = key
	}
	o.ChangedAt = o.ChangedAt.UTC().Truncate(time.Second)
	return o
}

// Normalize is [Site.Normalize] for one domain.
func (d Domain) Normalize() Domain {
	d.Name = asciiName(d.Name)
	d.Aliases = slices.Clone(d.Aliases)
	for i, alias := range d.Aliases {
		d.Aliases[i] = asciiName(alias)
	}
	d.Offer = d.Offer.Normalize()
	return d
}

// Normalize is [Site.Normalize] for one offer.
func (o Offer) Normalize() Offer {
	o.Servers = o.Servers.normalize()
	o.Services = o.Services.Normalize()
	o.Policy.Rules = slices.Clone(o.Policy.Rules)
	for i := range o.Policy.Rules {
		o.Policy.Rules[i].Servers = o.Policy.Rules[i].Servers.normalize()
	}
	return o
}

func (s Servers) normalize() Servers {
	return Servers{
		IMAP: s.IMAP.normalize(settings.IMAP),
		POP3: s.POP3.normalize(settings.POP3),
		SMTP: s.SMTP.normalize(settings.SMTP),
	}
}

func (l ServerList) normalize(p settings.Protocol) ServerList {
	l = slices.Clone(l) // nil and empty stay different
	for i := range l {
		l[i] = l[i].Normalize(p)
	}
	return l
}

// asciiName returns the name's ASCII form, or an invalid name itself, which Check reports.
func asciiName(name string) string {
	if ascii, err := settings.ParseDomain(name); err == nil {
		return ascii
	}
	return name
}
