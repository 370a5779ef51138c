package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"autoconfig/internal/doctor"
	"autoconfig/internal/doctor/probe"
)

type dnsCmd struct {
	demoFlag
	jsonFlag
	Domain   string `arg:"" optional:"" help:"The domain, or an alias of one."`
	All      bool   `help:"The records of all domains of the site, with their aliases." xor:"do"`
	Format   string `help:"zone, json, octodns or nsupdate." enum:"zone,json,octodns,nsupdate" default:"zone"`
	Variant  string `help:"certificates: the special names have certificates. redirect: they have none, and plain http at them leads to public_url." enum:"certificates,redirect" default:"certificates"`
	Diff     bool   `help:"Show only what differs from what is published. Exit status 1 if anything does." xor:"do"`
	Apply    bool   `help:"Show what differs, and publish it by dynamic update (RFC 2136)." xor:"do"`
	Server   string `help:"The zone's primary server; --diff then asks it instead of the resolver." placeholder:"HOST[:PORT]"`
	TSIGFile string `name:"tsig-file" help:"Key for the update, as tsig-keygen writes it." placeholder:"FILE"`
	resolverFlag
}

func (d *dnsCmd) Help() string {
	return `Prints the records that a domain should publish, from its policy: the special names
that lead to this service, SRV records with the right priorities, "0 0 0 ." for
what isn't offered, and where calendars and contacts are.

A hoster who can't have certificates for all customers' names can use --variant redirect:
docs/certificates.md lists the programs that it serves.

With --all, each domain's records are printed as soon as they are known. JSON has one
line for each domain, octoDNS one document for each.

Examples:
  autoconfig dns example.com --demo
  autoconfig dns example.org --format nsupdate
  autoconfig dns example.org --variant redirect
  autoconfig dns --all --json > records.jsonl
  autoconfig dns example.org --diff
  autoconfig dns example.org --apply --server ns1.example.org --tsig-file update.key`
}

func (d *dnsCmd) Run(c *call) error {
	if d.Apply && (d.Server == "" || d.TSIGFile == "") {
		return errors.New("--apply needs --server and --tsig-file")
	}
	if (d.Domain == "") != d.All {
		return errors.New("which domain? Name one, or all of the site with --all")
	}
	app, err := d.open(c)
	if err != nil {
		return err
	}
	defer app.close()
	if d.All {
		if err := app.freshen(c); err != nil {
			return err
		}
		return d.all(c, app)
	}
	plan, err := d.plan(c, app, d.Domain)
	if err != nil {
		return err
	}
	if d.Diff || d.Apply {
		return d.compare(c, app, plan)
	}
	text, err := doctor.Write(d.format(), plan.Domain, plan.Records())
	if err != nil {
		return err
	}
	c.printf("%s", text)
	return nil
}

// plan is what a domain should publish, in the variant that was asked for.
func (d *dnsCmd) plan(c *call, app *application, domain string) (doctor.Plan, error) {
	plan, err := app.plan(c, domain)
	if d.Variant == "redirect" {
		plan = plan.WithoutCertificates()
	}
	return plan, err
}

func (d *dnsCmd) format() doctor.Format {
	if d.JSON {
		return doctor.FormatJSON
	}
	return doctor.Format(d.Format)
}

// all prints the records of all names, one after the other.
func (d *dnsCmd) all(c *call, app *application) error {
	out := bufio.NewWriter(c.std.out)
	printed := 0
	one := func(name string) error {
		plan, err := d.plan(c, app, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if d.format() == doctor.FormatJSON {
			e := json.NewEncoder(out)
			e.SetEscapeHTML(false)
			return e.Encode(map[string]any{"domain": name, "records": plan.Records()})
		}
		text, err := doctor.Write(d.format(), name, plan.Records())
		if err == nil && printed > 0 && d.format() == doctor.FormatZone {
			_, err = out.WriteString("\n")
		}
		if err == nil {
			_, err = out.Write(text)
		}
		return err
	}
	for name, err := range app.names(c) {
		if err == nil && c.Err() == nil {
			err = one(name)
		}
		if c.Err() != nil {
			return errors.Join(fmt.Errorf("%w: the records of %d domains were printed", errInterrupted, printed), out.Flush())
		}
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		printed++
	}
	return out.Flush()
}

func (d *dnsCmd) compare(c *call, app *application, plan doctor.Plan) error {
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
		resolver, err := d.resolver(app.process)
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
