package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"autoconfig/internal/admin"
	"autoconfig/internal/config"
	"autoconfig/internal/migrate"
	"autoconfig/policy"
	"autoconfig/settings"
)

type importCmd struct {
	Accounts importAccountsCmd `cmd:"" help:"Add and change accounts from CSV or JSON lines."`
	Domains  importDomainsCmd  `cmd:"" help:"Add and change domains from CSV or JSON lines."`
	Config   importConfigCmd   `cmd:"" help:"Add a domain from a published config-v1.1.xml."`
	Automx2  importAutomx2Cmd  `cmd:"" name:"automx2" help:"Add providers, plans and domains from automx2's database."`
}

// importFlags are on all imports.
type importFlags struct {
	jsonFlag
	DryRun bool   `help:"Show what would change, and change nothing. Exit status 1 if anything would, 3 if it is refused."`
	Report string `help:"Write everything that is refused to this file; in a dry run, everything that would change as well." placeholder:"FILE" type:"path"`
}

// formatFlag tells how a file is written whose name doesn't.
type formatFlag struct {
	Format string `help:"The format: csv or jsonl; taken from the file's name by default." enum:",csv,jsonl" default:"" placeholder:"FORMAT"`
}

type importAccountsCmd struct {
	importFlags
	formatFlag
	File string `arg:"" help:"The file; - for standard input."`
}

func (i *importAccountsCmd) Help() string {
	return `Adds the accounts of a file, and changes those that are there: all of it or nothing.
The first line of a CSV names its columns, in any order:
  address,name,login,devices,quota,groups,protocol,addresses
A missing column leaves the stored value; an empty cell removes it. Groups
and other addresses are separated by spaces. JSON lines have the same keys. Accounts
that are not in the file stay. Every refused line is listed with its number.

Examples:
  autoconfig import accounts accounts.csv --dry-run
  autoconfig import accounts accounts.csv --report refused.txt
  panel-export | autoconfig import accounts - --format jsonl`
}

func (i *importAccountsCmd) Run(c *call) error { return i.ended(c, i.run(c)) }

func (i *importAccountsCmd) run(c *call) error {
	file, err := openInput(c, i.File, i.formatFlag)
	if err != nil {
		return err
	}
	defer file.close()
	app, err := openSite(c)
	if err != nil {
		return err
	}
	defer app.close()
	o, err := i.begin(c, file.name)
	if err != nil {
		return err
	}
	m := &meter{what: "reading " + file.name, size: file.size}
	work := migrate.AccountImport{Format: file.format, Refused: o.refuse, Changed: o.change, Read: func(n int) { m.lines.Add(int64(n)) }}
	stop := c.start(m, i.JSON)
	counts, err := work.Judge(c, importReader{app.store}, m.reading(file.file))
	stop()
	if err != nil {
		return err
	}
	if o.counts.Refused == 0 && !i.DryRun && !counts.Empty() {
		if err := file.again(); err != nil {
			return err
		}
		m = &meter{what: "writing " + file.name, size: file.size}
		stop := c.start(m, i.JSON)
		err := app.admin().ImportAccounts(c, admin.CommandLine(), func(ctx context.Context) (admin.Imported, error) {
			err := app.bulk(ctx, func(to migrate.Target) error {
				written, err := work.Write(ctx, to, m.reading(file.file))
				if err == nil {
					counts = written
				}
				return err
			})
			return admin.Imported{Added: counts.Added, Changed: counts.Changed}, err
		})
		stop()
		switch {
		case errors.Is(err, migrate.ErrRefused) && o.counts.Refused == 0:
			return errMeanwhile
		case err != nil && !errors.Is(err, migrate.ErrRefused):
			return err
		}
	}
	return o.end(c, counts, nil)
}

type importDomainsCmd struct {
	importFlags
	formatFlag
	File string `arg:"" help:"The file; - for standard input."`
}

func (i *importDomainsCmd) Help() string {
	return `Adds the domains of a file, and changes those that are there: all of it or nothing.
The first line of a CSV names its columns, in any order:
  domain,aliases,plan,provider
JSON lines have the keys of a domain in a site file: name, aliases, plan, provider,
servers, services, username, policy and so on; servers and rules are lists there. What
a line doesn't mention stays; an empty cell or null removes it. Domains that are not in the file stay.

Examples:
  autoconfig import domains domains.csv --dry-run
  autoconfig export domains --format jsonl | autoconfig import domains - --format jsonl`
}

func (i *importDomainsCmd) Run(c *call) error { return i.ended(c, i.run(c)) }

func (i *importDomainsCmd) run(c *call) error {
	file, err := openInput(c, i.File, i.formatFlag)
	if err != nil {
		return err
	}
	defer file.close()
	m := &meter{what: "reading " + file.name, size: file.size}
	stop := c.start(m, i.JSON)
	change, refused, err := migrate.ReadDomains(m.reading(file.file), file.format, func(n int) { m.lines.Add(int64(n)) })
	stop()
	if err != nil {
		return err
	}
	return i.changeSite(c, file.name, change, bySite{refused: refused})
}

// bySite is what is known of a change of providers, plans and domains before it is judged.
type bySite struct {
	refused []migrate.Refusal
	// notes are what isn't imported; warnings are about what is.
	notes, warnings []string
}

// changeSite judges a change of providers, plans and domains, and writes it.
func (f importFlags) changeSite(c *call, name string, change migrate.SiteChange, known bySite) error {
	notes := known.notes
	app, err := openSite(c)
	if err != nil {
		return err
	}
	defer app.close()
	o, err := f.begin(c, name)
	if err != nil {
		return err
	}
	before, after, judged, err := change.Judge(c, importReader{app.store})
	if err != nil {
		return err
	}
	o.warnings = append(o.warnings, known.warnings...)
	refused := slices.Concat(known.refused, judged, app.unknownSources(after, change.Lines))
	slices.SortStableFunc(refused, func(a, b migrate.Refusal) int { return cmp.Compare(a.Line, b.Line) })
	for _, r := range refused {
		o.refuse(r)
	}
	if !f.JSON {
		for _, note := range notes {
			fmt.Fprintln(c.std.err, "not imported:", note)
		}
	}
	if len(refused) > 0 {
		return o.end(c, migrate.Counts{}, notes)
	}
	changes := config.Compare(before, after)
	counts := countsOf(change, changes)
	o.keep(changes)
	for _, w := range changedWarnings(after, changes) {
		o.warnings = append(o.warnings, w.Text)
	}
	if !f.DryRun && !counts.Empty() {
		err := app.admin().ImportDomains(c, admin.CommandLine(), func(ctx context.Context) (admin.Imported, error) {
			err := app.bulk(ctx, func(to migrate.Target) (err error) {
				before, after, err = change.Write(ctx, to)
				return err
			})
			counts = countsOf(change, config.Compare(before, after))
			return admin.Imported{Added: counts.Added, Changed: counts.Changed}, err
		})
		if errors.Is(err, migrate.ErrRefused) {
			return errMeanwhile
		} else if err != nil {
			return err
		}
	}
	return o.end(c, counts, notes)
}

func countsOf(change migrate.SiteChange, changes config.Changes) migrate.Counts {
	counts := migrate.Counts{Lines: len(change.Lines)}
	for _, c := range changes {
		if c.Action == "add" {
			counts.Added++
		} else {
			counts.Changed++
		}
	}
	counts.Same = max(0, counts.Lines-counts.Added-counts.Changed)
	return counts
}

// unknownSources are those that domains of a file name and the configuration hasn't.
func (app *application) unknownSources(site policy.Site, lines map[string]int) (refused []migrate.Refusal) {
	for _, d := range site.Domains {
		if line := lines[d.Name]; line > 0 {
			if err := app.checkSourceNames(d.Sources); err != nil {
				refused = append(refused, migrate.Refusal{Line: line, Field: "sources", Text: err.Error()})
			}
		}
	}
	return refused
}

// changedWarnings are what the formats can't carry of the domains that change, and what
// applying the same would warn of.
func changedWarnings(site policy.Site, changes config.Changes) settings.Problems {
	changed := map[string]bool{}
	for _, c := range changes {
		changed[c.Kind+" "+c.Name] = true
	}
	some := policy.Site{ID: site.ID, Providers: site.Providers, Plans: site.Plans}
	for _, d := range site.Domains {
		if changed["domain "+d.Name] || changed["plan "+d.Plan] {
			some.Domains = append(some.Domains, d)
			changed["plan "+d.Plan] = true
		}
	}
	warnings := formatWarnings(some)
	for _, w := range site.Check().Warnings() {
		if name, list := named(site, w.Path); changed[list+" "+name] {
			w.Text = name + ": " + w.Text
			warnings = append(warnings, w)
		}
	}
	return warnings
}

var listPath = regexp.MustCompile(`^(domain|plan|provider)s\[(\d+)\]`)

// named is the item of a list that a path of a site begins with, and of what kind it is.
func named(site policy.Site, path string) (name, kind string) {
	m := listPath.FindStringSubmatch(path)
	if m == nil {
		return "", ""
	}
	n, err := strconv.Atoi(m[2])
	switch {
	case err != nil:
	case m[1] == "domain" && n < len(site.Domains):
		return site.Domains[n].Name, m[1]
	case m[1] == "plan" && n < len(site.Plans):
		return site.Plans[n].Name, m[1]
	case m[1] == "provider" && n < len(site.Providers):
		return site.Providers[n].ID, m[1]
	}
	return "", ""
}
