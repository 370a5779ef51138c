package main

import (
	"fmt"

	"autoconfig/autodiscover"
	"autoconfig/mobileconfig"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// formatWarnings are what the formats can't carry of a site: of all that a
// domain's default and its rules hand out, and of accounts that have something of
// their own. What is true for many domains is said once.
func formatWarnings(site policy.Site) settings.Problems {
	var warnings settings.Problems
	terms := site.AllTerms()
	said := map[string]bool{} // texts, which name servers and not domains
	for i, d := range site.Domains {
		for _, s := range handedOut(terms[d.Name], sample(d.Name)) {
			for _, p := range limits(s) {
				if !said[p.Text] {
					said[p.Text] = true
					warnings = append(warnings, at(fmt.Sprintf("domains[%d]", i), d.Name, settings.Problems{p})...)
				}
			}
		}
	}
	for i, a := range site.Accounts {
		t := terms[a.Address.Domain()]
		if t == nil {
			continue
		}
		own := t.Settings(a.Address, a)
		if general := t.Settings(a.Address, policy.Account{Address: a.Address}); sameShape(own, general) && own.IncomingLogin.Pattern != "" {
			continue // what there is to say was said of the domain
		}
		for _, p := range limits(own) {
			if !said[p.Text] {
				warnings = append(warnings, at(fmt.Sprintf("accounts[%d]", i), a.Address.String(), settings.Problems{p})...)
			}
		}
	}
	return warnings
}

// handedOut are the settings that somebody in a domain may get: the default, each
// protocol that a rule gives, and each rule's servers.
func handedOut(t *policy.Terms, typed settings.Address) []settings.Settings {
	base := t.Settings(typed, policy.Account{Address: typed})
	all := []settings.Settings{base}
	offers := []policy.Servers{t.Servers}
	for _, r := range t.Policy.Rules {
		offers = append(offers, r.Servers.Over(t.Servers))
	}
	for _, servers := range offers {
		for _, protocol := range t.Given() {
			s := base
			s.Decision.Protocol = protocol
			var incoming, outgoing bool
			s.Incoming, incoming = settings.Best(servers.Of(protocol))
			s.Outgoing, outgoing = settings.Best(servers.SMTP)
			if incoming && outgoing {
				all = append(all, s)
			}
		}
	}
	return all
}

// sample is an address that stands for all that have nothing of their own.
func sample(domain string) settings.Address { return settings.MustAddress("somebody@" + domain) }

func sameShape(a, b settings.Settings) bool {
	return a.Decision.Protocol == b.Decision.Protocol && a.Decision.Rule == b.Decision.Rule &&
		a.IncomingLogin == b.IncomingLogin && a.OutgoingLogin == b.OutgoingLogin
}

func at(path, what string, problems settings.Problems) settings.Problems {
	for i := range problems {
		problems[i].Path = path
		problems[i].Text = what + ": " + problems[i].Text
	}
	return problems
}

// limits are what each format can't carry of these settings.
func limits(s settings.Settings) settings.Problems {
	return append(append(thunderbird.Check(s), autodiscover.Check(s)...), mobileconfig.Check(s)...)
}
