package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

type domainCmd struct {
	List   domainListCmd   `cmd:"" help:"List the domains."`
	Show   domainShowCmd   `cmd:"" help:"Show a domain with the parts of its plan."`
	Add    domainAddCmd    `cmd:"" help:"Add a domain."`
	Set    domainSetCmd    `cmd:"" help:"Change a domain."`
	Remove domainRemoveCmd `cmd:"" help:"Remove a domain."`
}

type domainListCmd struct {
	demoFlag
	jsonFlag
}

func (l *domainListCmd) Help() string {
	return `Lists the domains of our own site, and those that sources list, with the source. A
source's list is read again when it is older than 10 minutes (domains_every); while the
source is down, the last list is used.`
}

// listedDomain is a domain as it is listed.
type listedDomain struct {
	policy.Domain
	Source  string `json:"source,omitempty"`
	AliasOf string `json:"alias_of,omitempty"`
}

func (l *domainListCmd) Run(c *call, app *application) error {
	if err := app.freshen(c); err != nil {
		return err
	}
	if l.JSON {
		return c.jsonList(values(app.domains(c), func(d servedDomain) any { return listedDomain{d.Domain, d.Source, d.AliasOf} }))
	}
	rows := [][]string{{"DOMAIN", "ALIASES", "PLAN", "DEFAULT", "SOURCE"}}
	for d, err := range app.domains(c) {
		if err != nil {
			return err
		}
		from := d.Source
		if d.AliasOf != "" {
			from += " (alias of " + d.AliasOf + ")"
		}
		rows = append(rows, []string{d.Name, strings.Join(d.Aliases, " "), d.Plan, upper(d.Terms.DefaultProtocol()), from})
	}
	return c.table(rows)
}

type domainShowCmd struct {
	demoFlag
	jsonFlag
	Name string `arg:"" help:"The domain or an alias of it."`
}

func (s *domainShowCmd) Run(c *call, app *application) error {
	t, err := app.terms(c, s.Name)
	if err != nil {
		return err
	}
	if s.JSON {
		common := *t.Common
		common.Provider = t.Brand()
		return c.json(policy.Terms{Name: t.Name, Aliases: append([]string{}, t.Aliases...), Common: &common})
	}
	rows := [][]string{
		{"domain", t.Name},
		{"aliases", strings.Join(t.Aliases, " ")},
		{"provider", t.Brand().Name},
		{"default", upper(t.DefaultProtocol())},
	}
	for _, p := range []settings.Protocol{settings.IMAP, settings.POP3, settings.SMTP} {
		for _, server := range t.Servers.Of(p) {
			rows = append(rows, []string{string(p), serverText(server) + "  " + authText(server.Auth)})
		}
	}
	username := t.Username
	if username == "" {
		username = "{address}"
	}
	rows = append(rows, []string{"username", string(username)})
	for i, r := range t.Policy.Rules {
		rows = append(rows, []string{"rule " + strconv.Itoa(i+1), r.Name + ": " + upper(r.Protocol)})
	}
	return c.table(rows)
}

// offerFlags change a domain; what isn't given stays.
type offerFlags struct {
	Plan     *string  `help:"Its plan; empty for none."`
	Provider *string  `help:"Id of the provider; empty for the plan's."`
	Alias    []string `help:"An alias domain; may be repeated." placeholder:"DOMAIN"`
	NoAlias  []string `help:"Take an alias domain away; may be repeated." placeholder:"DOMAIN"`
	IMAP     []string `name:"imap" help:"IMAP server HOST[:PORT][/tls|starttls], best first; \"none\" for none." placeholder:"SERVER"`
	POP3     []string `name:"pop3" help:"POP3 server, likewise." placeholder:"SERVER"`
	SMTP     []string `name:"smtp" help:"Submission server, likewise." placeholder:"SERVER"`
	Username *string  `help:"Login pattern; empty for the plan's."`
	Default  *string  `help:"imap or pop3 where no rule matches; empty for the plan's."`
}

func (f *offerFlags) change(d *policy.Domain) error {
	set(&d.Plan, f.Plan)
	set(&d.Provider, f.Provider)
	set((*string)(&d.Username), f.Username)
	set((*string)(&d.Policy.Default), f.Default)
	d.Aliases = append(without(d.Aliases, f.NoAlias), f.Alias...)
	for _, list := range []struct {
		flags []string
		into  *policy.ServerList
	}{{f.IMAP, &d.Servers.IMAP}, {f.POP3, &d.Servers.POP3}, {f.SMTP, &d.Servers.SMTP}} {
		if list.flags == nil {
			continue
		}
		servers, err := parseServers(list.flags)
		if err != nil {
			return err
		}
		*list.into = servers
	}
	return nil
}

func set(to *string, from *string) {
	if from != nil {
		*to = *from
	}
}

func without(list, remove []string) []string {
	var kept []string
	for _, word := range list {
		keep := true
		for _, r := range remove {
			keep = keep && !strings.EqualFold(word, r)
		}
		if keep {
			kept = append(kept, word)
		}
	}
	return kept
}

func parseServers(flags []string) (policy.ServerList, error) {
	servers := policy.ServerList{}
	if len(flags) == 1 && flags[0] == "none" {
		return servers, nil
	}
	for _, flag := range flags {
		text, security, _ := strings.Cut(flag, "/")
		host, port, hasPort := strings.Cut(text, ":")
		server := settings.Server{Host: host, Security: settings.Security(security)}
		if hasPort {
			var err error
			if server.Port, err = strconv.Atoi(port); err != nil {
				return nil, fmt.Errorf("%q is not a server: write HOST[:PORT][/tls|starttls]", flag)
			}
		}
		servers = append(servers, server)
	}
	return servers, nil
}

type domainAddCmd struct {
	offerFlags
	Name string `arg:"" help:"The domain."`
}

func (a *domainAddCmd) Help() string {
	return `Examples:
  autoconfig domain add example.org --plan standard
  autoconfig domain add example.org --imap imap.example.org --smtp smtp.example.org:587/starttls`
}

func (a *domainAddCmd) Run(c *call, app *application) error {
	return app.putDomain(c, a.Name, func(before *policy.Domain) (d policy.Domain, err error) {
		if before != nil {
			return d, refusal{fmt.Errorf("the domain %s is there already; change it with: autoconfig domain set %s", a.Name, a.Name)}
		}
		d.Name = a.Name
		err = a.change(&d)
		return d, err
	})
}

type domainSetCmd struct {
	offerFlags
	Name string `arg:"" help:"The domain."`
}

func (s *domainSetCmd) Help() string {
	return `Changes what is given and leaves the rest. For rules and services, use export and apply.

Example:
  autoconfig domain set example.org --pop3 none --default imap`
}

func (s *domainSetCmd) Run(c *call, app *application) error {
	return app.putDomain(c, s.Name, func(before *policy.Domain) (policy.Domain, error) {
		if before == nil {
			return policy.Domain{}, noDomain(s.Name, app.near(c, s.Name))
		}
		err := s.change(before)
		return *before, err
	})
}

// putDomain stores what change makes of a domain; before is nil where there is none.
func (app *application) putDomain(c *call, name string, change func(before *policy.Domain) (policy.Domain, error)) error {
	ascii, err := parseDomain(name)
	if err != nil {
		return err
	}
	if _, err = app.admin().PutDomain(c, admin.CommandLine(), ascii, change); err != nil {
		return spoken(said(err), app.plans(c))
	}
	terms, err := app.store.Terms(c, ascii)
	if err != nil {
		return err
	}
	c.sayDomain(terms)
	return nil
}

type domainRemoveCmd struct {
	Name     string `arg:"" help:"The domain."`
	Accounts bool   `help:"Remove its accounts as well."`
}

func (r *domainRemoveCmd) Run(c *call, app *application) error {
	name, err := parseDomain(r.Name)
	if err != nil {
		return err
	}
	err = app.admin().RemoveDomain(c, admin.CommandLine(), name, r.Accounts, nil)
	if alias := (admin.AliasOf{}); errors.As(err, &alias) {
		return refusal{fmt.Errorf("%s is an alias of %s; take it away with: autoconfig domain set %s --no-alias %s", r.Name, alias.Domain, alias.Domain, r.Name)}
	} else if errors.Is(err, directory.ErrHasAccounts) {
		return refusal{fmt.Errorf("%w; to remove them as well, add --accounts", err)}
	}
	return said(err)
}
