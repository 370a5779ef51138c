package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"autoconfig/clients/reading"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// PublishedChange adds a domain with the content of a published document. An existing domain is
// refused unless replace is set, which changes only its servers. The name must be normalised by
// settings.ParseDomain.
func PublishedChange(c *thunderbird.Config, name string, replace bool) (SiteChange, []Skipped) {
	domain, provider, skipped := FromThunderbird(c, name)
	return SiteChange{Apply: func(site *policy.Site) []Refusal {
		if refused := nothingLeft(domain, skipped); len(refused) > 0 {
			return refused
		}
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

// AsThunderbirdReads lists what Thunderbird ignores in a published document, in the words of a
// check.
func AsThunderbirdReads(document []byte, domain string) []string {
	address := "somebody@" + domain
	passed, err := reading.ThunderbirdPassesOver(reading.Document{ContentType: "text/xml", Body: document},
		reading.Person{Email: address, RealName: address})
	if err != nil {
		return []string{"as it is published, Thunderbird makes no account of it: " + err.Error()}
	}
	for i := range passed {
		passed[i] = "as it is published, Thunderbird passes over a server: " + passed[i]
	}
	return passed
}

// nothingLeft says why a domain has no server to receive or to send by.
func nothingLeft(domain policy.Domain, skipped []Skipped) (refused []Refusal) {
	why := func(kinds ...string) string {
		var reasons []string
		for _, s := range skipped {
			if kind, _, _ := strings.Cut(s.Element, " "); slices.Contains(kinds, kind) {
				reasons = append(reasons, s.String())
			}
		}
		if len(reasons) == 0 {
			return "the document has none"
		}
		return strings.Join(reasons, "; ")
	}
	if len(domain.Servers.IMAP)+len(domain.Servers.POP3) == 0 {
		refused = append(refused, Refusal{Text: fmt.Sprintf("%s has neither an imap nor a pop3 server: %s", domain.Name,
			why("imap", "pop3"))})
	}
	if len(domain.Servers.SMTP) == 0 {
		refused = append(refused, Refusal{Text: fmt.Sprintf("%s has no smtp server: programs refuse a configuration that "+
			"can't send (%s)", domain.Name, why("smtp"))})
	}
	return refused
}

// replaceServers replaces a domain's servers. Each gets an explicit login pattern: the default
// that the document relies on mustn't become the pattern of the domain or its plan.
func replaceServers(site *policy.Site, at int, published policy.Offer) {
	domain := &site.Domains[at]
	shared := domain.Username
	if plan := slices.IndexFunc(site.Plans, func(p policy.Plan) bool { return p.Name == domain.Plan }); shared == "" &&
		plan >= 0 {
		shared = site.Plans[plan].Username
	}
	servers := published.Servers
	if own := cmp.Or(published.Username, addressPattern); own != cmp.Or(shared, addressPattern) {
		for _, list := range []*policy.ServerList{&servers.IMAP, &servers.POP3, &servers.SMTP} {
			*list = slices.Clone(*list) // as the change may be applied again
			for i := range *list {
				(*list)[i].Username = cmp.Or((*list)[i].Username, own)
			}
		}
	}
	domain.Servers = servers
}

// addressPattern is the login pattern where none is given.
const addressPattern settings.Username = "{address}"
