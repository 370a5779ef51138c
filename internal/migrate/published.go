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

// PublishedChange adds a domain with what a published document says of it. For a
// domain that is there it is refused, unless replace is set: then only the servers
// change. The name must be one of settings.ParseDomain.
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

// AsThunderbirdReads is what Thunderbird makes nothing of in a document as it is
// published, in the words that a check has for it.
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

// nothingLeft says why a domain has nothing to receive or to send by.
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

// replaceServers gives a domain other servers. They keep their logins: what the
// document leaves to the default mustn't become a pattern that the domain or its plan
// has for others.
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
