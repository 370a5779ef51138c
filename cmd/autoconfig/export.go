package main

import (
	"encoding/json"
	"fmt"

	"autoconfig/internal/config"
	"autoconfig/internal/migrate"
	"autoconfig/policy"
)

type exportCmd struct {
	Site     exportSiteCmd     `cmd:"" default:"withargs" help:"Write what is served as a site file (what export alone does)."`
	Accounts exportAccountsCmd `cmd:"" help:"Write the accounts as CSV or JSON lines."`
	Domains  exportDomainsCmd  `cmd:"" help:"Write the domains as CSV or JSON lines."`
}

type exportSiteCmd struct {
	demoFlag
	jsonFlag
}

func (e *exportSiteCmd) Help() string {
	return `Writes what decides the answers as a site file, which "apply" reads back to the same:
providers, plans, domains, accounts, and overrides of accounts in other sources.
It contains the site's identity: keep it, so that after a move new profiles replace those
on people's devices instead of adding a second account. It doesn't contain setup links,
people, tokens, the audit log and PACC documents: "backup" keeps everything.

Example:
  autoconfig export > site.yaml`
}

func (e *exportSiteCmd) Run(c *call, app *application) error {
	site, err := app.store.Site(c)
	if err != nil {
		return err
	}
	if err := e.write(c, site); err != nil {
		return err
	}
	rows, err := app.store.Holdings(c)
	if err != nil || e.Demo {
		return err
	}
	for _, table := range []string{"domains", "accounts", "overrides"} { // which the file has
		rows[table] = 0
	}
	if left := contents(rows); left != nothing {
		fmt.Fprintf(c.std.err, "not in this file: %s; autoconfig backup keeps everything\n", left)
	}
	return nil
}

func (e *exportSiteCmd) write(c *call, site policy.Site) error {
	if e.JSON {
		enc := json.NewEncoder(c.std.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(site)
	}
	return config.WriteSite(c.std.out, site)
}

// exportFlags are on the exports of many things.
type exportFlags struct {
	demoFlag
	Format string `help:"The format: csv or jsonl." enum:"csv,jsonl" default:"csv" placeholder:"FORMAT"`
}

type exportAccountsCmd struct {
	exportFlags
	Domain string `help:"Only of this domain."`
}

func (e *exportAccountsCmd) Help() string {
	return `Writes the accounts of which more is known than their address, a page at a time; "import
accounts" reads them back to the same.

Examples:
  autoconfig export accounts > accounts.csv
  autoconfig export accounts --domain example.org --format jsonl`
}

func (e *exportAccountsCmd) Run(c *call, app *application) error {
	domain := ""
	if e.Domain != "" {
		t, err := app.terms(c, e.Domain)
		if err != nil {
			return err
		}
		domain = t.Name
	}
	_, err := migrate.ExportAccounts(c, importReader{app.store}, domain, migrate.Format(e.Format), c.std.out)
	return err
}

type exportDomainsCmd struct {
	exportFlags
}

func (e *exportDomainsCmd) Help() string {
	return `Writes the domains; "import domains" reads them back to the same. A CSV has their names,
aliases, plans and providers, JSON lines have everything.

Examples:
  autoconfig export domains > domains.csv
  autoconfig export domains --format jsonl`
}

func (e *exportDomainsCmd) Run(c *call, app *application) error {
	domains := values(app.ownDomains(c), func(d servedDomain) policy.Domain { return d.Domain })
	lost, err := migrate.ExportDomains(domains, migrate.Format(e.Format), c.std.out)
	if err == nil && lost > 0 {
		fmt.Fprintf(c.std.err, "warning: %d domains have servers, rules or other things of their own, which a CSV has no columns for; use --format jsonl\n", lost)
	}
	return err
}
