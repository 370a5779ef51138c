package main

import (
	"fmt"
	"net/netip"
	"strings"

	"autoconfig/internal/config"
	"autoconfig/internal/doctor"
	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
)

// everywhere permits all networks: the operator names a domain of their own, whose
// servers may stand beside this machine.
var everywhere = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}

// offers are the answers that are offered for each protocol's server: what the domain has,
// as far as it can be seen.
func (i *initCmd) offers(c *call, ask *asker, domain string) map[settings.Protocol]string {
	offer := map[settings.Protocol]string{settings.IMAP: "imap." + domain, settings.POP3: "none", settings.SMTP: "smtp." + domain}
	given := map[settings.Protocol]string{settings.IMAP: i.IMAP, settings.POP3: i.POP3, settings.SMTP: i.SMTP}
	if i.Offline || ask.err != nil || i.IMAP != "" && i.POP3 != "" && i.SMTP != "" {
		return offer
	}
	resolver, err := i.resolver(configuration{Process: config.Defaults()})
	if err != nil {
		fmt.Fprintf(c.std.err, "The servers of %s can't be looked for: %v\n", domain, err)
		return offer
	}
	fmt.Fprintf(c.std.err, "Looking for the mail servers of %s ...\n", domain)
	checker := &doctor.Checker{Prober: probe.Prober{
		Resolver: resolver, Dialer: probe.Dialer{Policy: probe.DialPolicy{Allowed: everywhere}},
	}}
	found := checker.FindServers(c, domain)
	for _, s := range found {
		if given[s.Protocol] != "" {
			continue
		}
		text := serverText(s.Server)
		fmt.Fprintf(c.std.err, "  %-5s %s  %s\n", strings.ToUpper(string(s.Protocol)), text, s.Why)
		for _, wrong := range s.Wrong {
			fmt.Fprintf(c.std.err, "        but %s: %s. %s\n", wrong.Code, wrong.Seen, wrong.Remedy)
		}
		if len(s.Wrong) == 0 {
			offer[s.Protocol] = text
		}
	}
	if len(found) == 0 {
		fmt.Fprintln(c.std.err, "  none answers")
	}
	return offer
}
