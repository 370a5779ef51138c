package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"autoconfig/internal/config"
	"autoconfig/internal/migrate"
	"autoconfig/policy"
	"autoconfig/settings"
)

type importCmd struct {
	Accounts importAccountsCmd `cmd:"" help:"Add and change accounts from a CSV or JSON lines."`
	Domains  importDomainsCmd  `cmd:"" help:"Add and change domains from a CSV or JSON lines."`
	Config   importConfigCmd   `cmd:"" help:"Add a domain from a published config-v1.1.xml."`
	Automx2  importAutomx2Cmd  `cmd:"" name:"automx2" help:"Add providers, plans and domains from automx2's database."`
}

// importFlags are on all imports.
type importFlags struct {
	jsonFlag
	DryRun bool   `help:"Show what would change, and change nothing. Exit status 1 if anything would."`
	Report string `help:"Write everything that is refused to this file; in a dry run, everything that would change as well." placeholder:"FILE" type:"path"`
}

// formatFlag tells how a file is written whose name doesn't.
type formatFlag struct {
	Format string `help:"How the file is written: csv or jsonl; by default what its name ends in." enum:",csv,jsonl" default:"" placeholder:"FORMAT"`
}

// shown is how many refusals and changes are printed; all refusals are in --json and
// --report, all changes of a dry run in --report.
const shown = 100

// errMeanwhile means that what was judged can't be written any more.
var errMeanwhile = refusal{errors.New("nothing was imported: the site has changed meanwhile; try again")}

// errInterrupted is said instead of what a database or a file says when it is given up.
var errInterrupted = errors.New("interrupted: nothing was imported")

// stopped says of what failed while the command was told to stop that it was stopped.
func stopped(c *call, err error) error {
	if err != nil && c.Err() != nil {
		return errInterrupted
	}
	return err
}

// outcome collects what an import prints.
type outcome struct {
	flags   importFlags
	file    string
	out     io.Writer // for --json
	report  *os.File
	counts  migrate.Counts
	refused []string // the first of them
	changes config.Changes
	// terms are for warnings about accounts, by the domains' primary names.
	terms    map[string]*policy.Terms
	warnings []string // the first of them, each once
	streams  bool     // whether the JSON has been begun
	failed   error
}

func (f importFlags) begin(c *call, file string) (*outcome, error) {
	o := &outcome{flags: f, file: file, out: c.std.out, changes: config.Changes{}}
	if f.Report == "" {
		return o, nil
	}
	before, err := os.Stat(f.Report)
	if from, missing := os.Stat(file); err == nil && missing == nil && os.SameFile(before, from) {
		return nil, fmt.Errorf("the report would be written over %s; name another file", file)
	}
	// It has addresses: nobody else's business on this machine.
	o.report, err = os.OpenFile(f.Report, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	return o, err
}

// refuse takes note of a refusal. With --json it is printed at once: there may be as
// many as the file has lines.
func (o *outcome) refuse(r migrate.Refusal) {
	o.counts.Refused++
	text := o.file + ":" + r.String()
	if r.Line == 0 {
		text = o.file + ": " + r.String()
	}
	if len(o.refused) < shown {
		o.refused = append(o.refused, text)
	}
	if o.report != nil {
		_, err := fmt.Fprintln(o.report, text)
		o.failed = errors.Join(o.failed, err)
	}
	if o.flags.JSON {
		begin := ",\n    "
		if !o.streams {
			begin = "{\n  \"refused\": [\n    "
		}
		o.streams = true
		line, err := json.Marshal(r)
		o.failed = errors.Join(o.failed, err)
		fmt.Fprintf(o.out, "%s%s", begin, line)
	}
}

// change takes note of an account that is added or changed.
func (o *outcome) change(before *policy.Account, after policy.Account) {
	o.warn(after)
	if len(o.changes) == shown && !o.reportsChanges() {
		return
	}
	if before == nil {
		o.keep(config.Compare(policy.Site{}, policy.Site{Accounts: []policy.Account{after}}))
		return
	}
	old := *before
	old.Address = after.Address // whose letter case may differ
	fields := config.Compare(policy.Site{Accounts: []policy.Account{old}}, policy.Site{Accounts: []policy.Account{after}})
	if len(fields) == 0 {
		fields = config.Changes{{Kind: "account", Name: after.Address.String(), Action: "change"}}
	}
	o.keep(fields)
}

func (o *outcome) reportsChanges() bool { return o.report != nil && o.flags.DryRun }

// keep takes the first changes to be shown, and writes all of a dry run into its report.
func (o *outcome) keep(changes config.Changes) {
	if o.reportsChanges() {
		for _, change := range changes {
			_, err := fmt.Fprint(o.report, change)
			o.failed = errors.Join(o.failed, err)
		}
	}
	o.changes = append(o.changes, changes[:min(len(changes), shown-len(o.changes))]...)
}

// warn takes note of what the formats can't carry of an account that has something
// of its own; the rest was said when its domain was applied.
func (o *outcome) warn(a policy.Account) {
	t := o.terms[a.Address.Domain()]
	if t == nil || a.Login == "" && a.Protocol == "" || len(o.warnings) == shown {
		return
	}
	for _, p := range limits(t.Settings(a.Address, a)) {
		if text := a.Address.String() + ": " + p.Text; !slices.Contains(o.warnings, text) {
			o.warnings = append(o.warnings, text)
		}
	}
}

// end prints the outcome, and gives the exit status.
func (o *outcome) end(c *call, counts migrate.Counts, notes []string) error {
	counts.Refused = o.counts.Refused
	o.counts = counts
	if o.report != nil {
		o.failed = errors.Join(o.failed, o.report.Close())
	}
	if o.failed != nil {
		return o.failed
	}
	applied := !o.flags.DryRun && counts.Refused == 0
	if o.flags.JSON {
		if err := o.json(c, applied, notes); err != nil {
			return err
		}
	} else {
		o.print(c, applied)
	}
	if counts.Refused > 0 || o.flags.DryRun && !counts.Empty() {
		return errFinding
	}
	return nil
}

func (o *outcome) print(c *call, applied bool) {
	for _, text := range o.warnings {
		fmt.Fprintln(c.std.err, "warning:", text)
	}
	for _, text := range o.refused {
		fmt.Fprintln(c.std.err, text)
	}
	if more := o.counts.Refused - len(o.refused); more > 0 {
		fmt.Fprintf(c.std.err, "... and %d more; all of them: --report FILE, or --json\n", more)
	}
	switch {
	case o.counts.Refused > 0:
		fmt.Fprintf(c.std.err, "autoconfig: nothing was imported: %d refused\n", o.counts.Refused)
	case applied && o.counts.Empty():
		c.printf("Nothing changes.\n")
	case applied:
		c.printf("Imported: %d added, %d changed, %d as they were.\n", o.counts.Added, o.counts.Changed, o.counts.Same)
	default:
		for _, change := range o.changes {
			c.printf("%s", change)
		}
		if more := o.counts.Added + o.counts.Changed - len(o.changes); more > 0 {
			c.printf("... and %d more; all of them: --report FILE\n", more)
		}
		c.printf("%d to add, %d to change, %d as they are. Nothing was changed: this was a dry run.\n", o.counts.Added, o.counts.Changed, o.counts.Same)
	}
}

func (o *outcome) json(c *call, applied bool, notes []string) error {
	rest := struct {
		Applied bool           `json:"applied"`
		Counts  migrate.Counts `json:"counts"`
		Changes config.Changes `json:"changes"` // the first of them
		Warned  []string       `json:"warnings,omitempty"`
		Notes   []string       `json:"not_imported,omitempty"`
	}{applied, o.counts, o.changes, o.warnings, notes}
	if !o.streams {
		return c.json(rest)
	}
	text, err := json.MarshalIndent(rest, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.std.out, "\n  ],%s\n", text[1:]) // goes on in the object that was begun
	return err
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
A column that is missing leaves what is stored, an empty cell takes it away. Groups
and other addresses are separated by blanks. JSON lines have the same keys. Accounts
that are not in the file stay. Every line that is refused is said with its number.

Examples:
  autoconfig import accounts accounts.csv --dry-run
  autoconfig import accounts accounts.csv --report refused.txt
  panel-export | autoconfig import accounts - --format jsonl`
}

func (i *importAccountsCmd) Run(c *call) error { return stopped(c, i.run(c)) }

func (i *importAccountsCmd) run(c *call) error {
	file, err := openInput(c, i.File, i.formatFlag)
	if err != nil {
		return err
	}
	defer file.close()
	target, err := openSite(c)
	if err != nil {
		return err
	}
	defer target.close()
	o, err := i.begin(c, file.name)
	if err != nil {
		return err
	}
	frame, err := target.store.Frame(c)
	if err != nil {
		return err
	}
	o.terms = frame.AllTerms()
	m := &meter{what: "reading " + file.name, size: file.size}
	work := migrate.AccountImport{Format: file.format, Refused: o.refuse, Changed: o.change, Read: func(n int) { m.lines.Add(int64(n)) }}
	stop := c.start(m, i.JSON)
	counts, err := work.Judge(c, stored{target.store}, m.reading(file.file))
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
		err := changeBulk(c, target.store, func(to migrate.Target) error { return work.Write(c, to, m.reading(file.file)) })
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
isn't said stays, an empty cell or null takes away. Domains that are not in the file stay.

Examples:
  autoconfig import domains domains.csv --dry-run
  autoconfig export domains --format jsonl | autoconfig import domains - --format jsonl`
}

func (i *importDomainsCmd) Run(c *call) error { return stopped(c, i.run(c)) }

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
	return i.frame(c, file.name, change, refused, nil)
}

// frame judges a change of providers, plans and domains, and writes it.
func (f importFlags) frame(c *call, name string, change migrate.FrameChange, refused []migrate.Refusal, notes []string) error {
	target, err := openSite(c)
	if err != nil {
		return err
	}
	defer target.close()
	o, err := f.begin(c, name)
	if err != nil {
		return err
	}
	var before, after policy.Site
	if len(refused) == 0 {
		if before, after, refused, err = change.Judge(c, stored{target.store}); err != nil {
			return err
		}
	}
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
	counts := migrate.Counts{Lines: len(change.Lines)}
	for _, c := range changes {
		if c.Action == "add" {
			counts.Added++
		} else {
			counts.Changed++
		}
	}
	counts.Same = max(0, counts.Lines-counts.Added-counts.Changed)
	o.keep(changes)
	for _, w := range changedWarnings(after, changes) {
		o.warnings = append(o.warnings, w.Text)
	}
	if !f.DryRun && !counts.Empty() {
		err := changeBulk(c, target.store, func(to migrate.Target) error { return change.Write(c, to) })
		if errors.Is(err, migrate.ErrRefused) {
			return errMeanwhile
		} else if err != nil {
			return err
		}
	}
	return o.end(c, counts, notes)
}

// changedWarnings are what the formats can't carry of the domains that change.
func changedWarnings(site policy.Site, changes config.Changes) settings.Problems {
	changed := map[string]bool{}
	for _, c := range changes {
		changed[c.Kind+" "+c.Name] = true
	}
	some := policy.Site{ID: site.ID, Providers: site.Providers, Plans: site.Plans}
	for _, d := range site.Domains {
		if changed["domain "+d.Name] || changed["plan "+d.Plan] {
			some.Domains = append(some.Domains, d)
		}
	}
	return formatWarnings(some)
}
