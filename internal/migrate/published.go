package migrate

import (
	"cmp"
	"fmt"
	"slices"

	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// PublishedChange adds a domain with what a published document says of it. For a
// domain that is there it is refused, unless replace is set: then only the servers
// change. The name must be one of settings.ParseDomain.
func PublishedChange(c *thunderbird.Config, name string, replace bool) (SiteChange, []Skipped) {
	domain, provider, skipped := FromThunderbird(c, name)
	return SiteChange{Apply: func(site *policy.Site) []Refusal {
		at := slices.IndexFunc(site.Domains, func(d policy.Domain) bool { return d.Name == name })
		switch {
		case at >= 0 && !replace:
			return []Refusal{{Text: fmt.Sprintf("there is already a domain %s; to change its servers, use --replace", name)}}
		case at >= 0:
			replaceServers(site, at, domain.Offer)
			return nil
		}
		site.Domains = append(site.Domains, domain)
		if !slices.ContainsFunc(site.Providers, func(p settings.Provider) bool { return p.ID == provider.ID }) {
			site.Providers = append(site.Providers, provider)
		}
		return nil
	}}, skipped
}

// replaceServers gives a domain other servers. They keep their logins: what the
// document leaves to the default mustn't become a pattern that the domain or its plan
// has for others.
func replaceServers(site *policy.Site, at int, published policy.Offer) {
	domain := &site.Domains[at]
	shared := domain.Username
	if plan := slices.IndexFunc(site.Plans, func(p policy.Plan) bool { return p.Name == domain.Plan }); shared == "" && plan >= 0 {
		shared = site.Plans[plan].Username
	}
	servers := published.Servers
	if own := cmp.Or(published.Username, addressPattern); own != cmp.Or(shared, addressPattern) {
		for _, list := range []*policy.ServerList{&servers.IMAP, &servers.POP3, &servers.SMTP} {
			*list = slices.Clone(*list) // the change may be applied again
			for i := range *list {
				(*list)[i].Username = cmp.Or((*list)[i].Username, own)
			}
		}
	}
	domain.Servers = servers
}

// addressPattern is what the pattern of a login is where none is given.
const addressPattern settings.Username = "{address}"
