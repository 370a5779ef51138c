package migrate

import (
	"fmt"
	"slices"

	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// PublishedChange adds a domain with what a published document says of it. For a
// domain that is there it is refused, unless replace is set: then only the servers
// change. The name must be one of settings.ParseDomain.
func PublishedChange(c *thunderbird.Config, name string, replace bool) (FrameChange, []Skipped) {
	domain, provider, skipped := FromThunderbird(c, name)
	return FrameChange{Apply: func(site *policy.Site) []Refusal {
		at := slices.IndexFunc(site.Domains, func(d policy.Domain) bool { return d.Name == name })
		switch {
		case at >= 0 && !replace:
			return []Refusal{{Text: fmt.Sprintf("there is already a domain %s; to change its servers, use --replace", name)}}
		case at >= 0:
			site.Domains[at].Servers = domain.Servers
			return nil
		}
		site.Domains = append(site.Domains, domain)
		if !slices.ContainsFunc(site.Providers, func(p settings.Provider) bool { return p.ID == provider.ID }) {
			site.Providers = append(site.Providers, provider)
		}
		return nil
	}}, skipped
}
