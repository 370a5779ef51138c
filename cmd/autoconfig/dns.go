package main

import (
	"errors"
	"fmt"
	"os"

	"autoconfig/internal/doctor"
	"autoconfig/internal/doctor/probe"
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
	app, err := d.open(c)
	if err != nil {
		return err
	}
	defer app.close()
	plan, err := app.plan(c, d.Domain)
	if err != nil {
		return err
	}
	if d.Diff || d.Apply {
		return d.compare(c, app, plan)
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
