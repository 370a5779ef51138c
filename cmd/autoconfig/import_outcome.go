package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"autoconfig/internal/admin"
	"autoconfig/internal/config"
	"autoconfig/internal/migrate"
	"autoconfig/policy"
)

// shown is how many refusals and changes are printed; all refusals are in --json and
// --report, all changes of a dry run in --report.
const shown = 100

// errMeanwhile means that what was judged can't be written any more.
var errMeanwhile = refusal{admin.ErrMeanwhile}

// ended says of what failed while the command was told to stop that it was stopped, and of
// what a dry run refused that it would be refused.
func (f importFlags) ended(c *call, err error) error {
	var refused refusal
	switch {
	case err != nil && c.Err() != nil:
		return fmt.Errorf("%w: nothing was imported", errInterrupted)
	case f.DryRun && (errors.As(err, &refused) || isRefusal(err)):
		fmt.Fprintln(c.std.err, "autoconfig:", err)
		return errWouldRefuse
	}
	return err
}

// outcome collects what an import prints.
type outcome struct {
	flags    importFlags
	file     string
	out      io.Writer // for --json
	report   *os.File
	counts   migrate.Counts
	refused  []string // the first of them
	changes  config.Changes
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
		return nil, fmt.Errorf("the report would overwrite %s; name another file", file)
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
func (o *outcome) change(before *policy.Account, after policy.Account, terms *policy.Terms) {
	o.warn(after, terms)
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
func (o *outcome) warn(a policy.Account, t *policy.Terms) {
	if a.Login == "" && a.Protocol == "" || len(o.warnings) == shown {
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
	switch {
	case counts.Refused > 0 && o.flags.DryRun:
		return errWouldRefuse
	case counts.Refused > 0, o.flags.DryRun && !counts.Empty():
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
