package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/doctor/probe"
	"autoconfig/pacc"
	"autoconfig/policy"
	"autoconfig/settings"
)

type dnsCmd struct {
	demoFlag
	jsonFlag
	Domain   string `arg:"" help:"The domain, or an alias of one."`
	Format   string `help:"zone, json, octodns or nsupdate." enum:"zone,json,octodns,nsupdate" default:"zone"`
	Diff     bool   `help:"Show only what differs from what is published. Exit status 1 if anything does." xor:"do"`
	Apply    bool   `help:"Show what differs, and publish it by dynamic update (RFC 2136)." xor:"do"`
	Server   string `help:"The zone's primary server; --diff then asks it instead of the resolver." placeholder:"HOST[:PORT]"`
	TSIGFile string `name:"tsig-file" help:"Key for the update, as tsig-keygen writes it." placeholder:"FILE"`
	resolverFlag
}

// resolverFlag is on the commands that ask the DNS.
type resolverFlag struct {
	Resolver []string `help:"Recursive name server to ask; the system's by default." placeholder:"HOST[:PORT]"`
}

func (r resolverFlag) resolver(process settled) (*probe.Resolver, error) {
	servers := r.Resolver
	if len(servers) == 0 {
		servers = process.Check.Resolver
	}
	if len(servers) == 0 {
		return probe.SystemResolver("/etc/resolv.conf")
	}
	resolver := &probe.Resolver{}
	for _, server := range servers {
		resolver.Servers = append(resolver.Servers, probe.WithPort(server))
	}
	return resolver, nil
}

func (d *dnsCmd) Help() string {
	return `Prints the records that a domain should publish, from its policy: the special names
that lead to this service, SRV records with the right priorities, "0 0 0 ." for
what isn't offered, and where calendars and contacts are.

Examples:
  autoconfig dns example.com --demo
  autoconfig dns example.org --format nsupdate
  autoconfig dns example.org --diff
  autoconfig dns example.org --apply --server ns1.example.org --tsig-file update.key`
}

func (d *dnsCmd) Run(c *call) error {
	if d.Apply && (d.Server == "" || d.TSIGFile == "") {
		return errors.New("--apply needs --server and --tsig-file")
	}
	site, err := d.open(c)
	if err != nil {
		return err
	}
	defer site.close()
	plan, err := site.plan(c, d.Domain)
	if err != nil {
		return err
	}
	if d.Diff || d.Apply {
		return d.compare(c, site, plan)
	}
	format := doctor.Format(d.Format)
	if d.JSON {
		format = doctor.FormatJSON
	}
	text, err := doctor.Write(format, plan.Domain, plan.Records())
	if err != nil {
		return err
	}
	c.printf("%s", text)
	return nil
}

func (d *dnsCmd) compare(c *call, site *opened, plan doctor.Plan) error {
	updater := doctor.Updater{Server: probe.WithPort(d.Server)}
	var asker doctor.Asker = updater
	if d.Apply {
		text, err := os.ReadFile(d.TSIGFile)
		if err != nil {
			return err
		}
		if updater.Key, err = doctor.ParseKey(text); err != nil {
			return fmt.Errorf("%s: %w", d.TSIGFile, err)
		}
	} else if d.Server == "" {
		resolver, err := d.resolver(site.process)
		if err != nil {
			return err
		}
		asker = resolver
	}
	changes, err := doctor.Diff(c, asker, plan.Records())
	if err != nil {
		return err
	}
	if err := d.show(c, plan.Domain, changes); err != nil {
		return err
	}
	switch {
	case len(changes) == 0:
		return nil
	case !d.Apply:
		return errFinding
	}
	if err := updater.Apply(c, plan.Domain, changes); err != nil {
		if errors.Is(err, doctor.ErrRaced) {
			return refusal{err}
		}
		return err
	}
	if !d.JSON {
		c.printf("Published.\n")
	}
	return nil
}

func (d *dnsCmd) show(c *call, domain string, changes []doctor.Change) error {
	if d.JSON {
		return c.json(map[string]any{"domain": domain, "changes": changes})
	}
	if len(changes) == 0 {
		c.printf("%s is published as it should be.\n", domain)
	}
	for _, change := range changes {
		c.printf("%s", change)
	}
	return nil
}

// plan is what a served domain should publish.
func (o *opened) plan(c *call, name string) (doctor.Plan, error) {
	domain, err := settings.ParseDomain(name)
	if err != nil {
		return doctor.Plan{}, fmt.Errorf("%q is not a domain name", name)
	}
	terms, err := o.domainTerms(c, domain)
	if errors.Is(err, directory.ErrNotFound) {
		return doctor.Plan{}, refusal{notServed{domain, err}}
	} else if err != nil {
		return doctor.Plan{}, err
	}
	var byHand []settings.Protocol
	if o.directory.HasSources(terms) { // whose accounts may have either, and can't all be asked for
		byHand = []settings.Protocol{settings.IMAP, settings.POP3}
	}
	misled := 0
	for a, err := range o.store.AllAccounts(c, terms.Name) {
		if err != nil {
			return doctor.Plan{}, err
		}
		byHand = append(byHand, a.Protocol)
		if terms.Decide(a).Protocol != terms.DefaultProtocol() {
			misled++
		}
	}
	documents, err := o.documents(c, domain, terms)
	return doctor.Plan{
		Domain: domain, Host: o.process.PublicURL.Hostname(), Terms: terms,
		Given: terms.Given(byHand...), Documents: documents, Misled: misled,
	}, err
}

// sourceAccountsMost bounds the accounts of other sources that a check looks at.
const sourceAccountsMost = 200

// lookAtSources counts what a policy does to the accounts of a domain that are kept
// in other sources: to the first ones, for the sources aren't ours to burden. It
// names the sources that couldn't be asked.
func (o *opened) lookAtSources(c context.Context, plan *doctor.Plan) (failed []string, err error) {
	if !o.directory.HasSources(plan.Terms) {
		return nil, nil
	}
	entry, err := o.directory.Domain(c, plan.Domain)
	if err != nil {
		return nil, err
	}
	accounts, failed, err := o.directory.Search(c, "@"+plan.Terms.Name, []string{plan.Terms.Name}, sourceAccountsMost)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		found, err := o.directory.Lookup(c, entry, a.Address)
		switch {
		case err != nil:
			return failed, err
		case found.Source == "":
			continue // counted already
		}
		decision := plan.Terms.Decide(found.Account)
		if decision.Refused != "" {
			plan.Serverless++
		}
		if decision.Protocol != plan.Terms.DefaultProtocol() {
			plan.Misled++
		}
	}
	return failed, nil
}

// documents are the PACC documents whose digests belong into the DNS: those that
// are stored, or the one that will be at first. A domain that only another source
// knows has none: nobody would bring it up to date.
func (o *opened) documents(c *call, name string, terms *policy.Terms) ([][]byte, error) {
	if own, err := o.isOwn(c, name); !own {
		return nil, err
	}
	d, err := o.store.PACC(c, name)
	if err != nil {
		return nil, err
	}
	if d.Served == nil && d.Waiting == nil {
		if d.Served, err = pacc.Render(terms.DefaultSettings(name)); err != nil {
			return nil, nil // the format can't say it: there is none to publish
		}
	}
	return slices.DeleteFunc([][]byte{d.Served, d.Waiting}, func(d []byte) bool { return d == nil }), nil
}

// isOwn tells whether a domain is in our own site.
func (o *opened) isOwn(c context.Context, name string) (bool, error) {
	_, err := o.store.Terms(c, name)
	if errors.Is(err, directory.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// notServed says that a domain isn't in the site.
type notServed struct {
	domain string
	why    error
}

func (n notServed) Error() string {
	text := "the domain " + n.domain + " is not served here"
	if without := (directory.Planless{}); errors.As(n.why, &without) {
		return text + ": " + without.Error() + "; give the source a plan in the configuration (plan: NAME), or the domain one in the site"
	}
	return text + "; see: autoconfig domain list"
}

func (n notServed) Is(target error) bool { return target == directory.ErrNotFound }
