package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/directory"
	"autoconfig/internal/directory/ldapdir"
	"autoconfig/internal/directory/sqldir"
	"autoconfig/policy"
	"autoconfig/settings"
)

type sourceCmd struct {
	List    sourceListCmd    `cmd:"" help:"List the sources of accounts outside of our own database."`
	Check   sourceCheckCmd   `cmd:"" help:"Ask the sources, and say what is wrong with them."`
	Presets sourcePresetsCmd `cmd:"" help:"List the systems whose databases and directories are known, or show one's queries."`
}

type sourceListCmd struct{ jsonFlag }

// listedSource is a source as it is listed; nothing secret is in it.
type listedSource struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Place  string `json:"place"`
	Preset string `json:"preset,omitempty"`
	Plan   string `json:"plan,omitempty"`
}

func (l *sourceListCmd) Run(c *call, app *application) error {
	all := []listedSource{}
	for _, s := range app.process.Sources {
		all = append(all, app.process.listed(s))
	}
	header := []string{"NAME", "KIND", "PLACE", "PRESET", "PLAN"}
	return printList(c, l.JSON, header, all, func(s listedSource) []string {
		return []string{s.Name, s.Kind, s.Place, s.Preset, s.Plan}
	})
}

func (s configuration) listed(source config.Source) listedSource {
	l := listedSource{Name: source.Name, Kind: "ldap", Place: strings.Join(source.LDAP.Servers, " "), Preset: source.LDAP.Preset, Plan: source.Plan}
	if !source.IsSQL() {
		return l
	}
	l.Kind, l.Preset, l.Place = "sql", source.SQL.Preset, source.SQL.DatabaseFile
	if address, err := s.databaseOf(source.SQL); err == nil { // what is wrong with it was said before
		l.Place = address.String() // without its password
	}
	return l
}

type sourceCheckCmd struct {
	jsonFlag
	Name    []string `arg:"" optional:"" help:"Sources; all by default."`
	Address string   `help:"Also show what each says about an address." placeholder:"ADDRESS"`
}

func (k *sourceCheckCmd) Help() string {
	return `Connects to each source, has it judge the queries, and says how much it has (at most 10000
accounts and names of domains are looked at), which of them are ignored and why, what it doesn't tell about
accounts, and what "apply" would warn of in its domains' plans. With --address it shows the source's
account instead. Nothing is changed in the source. The exit status is 1 if the source can't be used.

Examples:
  autoconfig source check
  autoconfig source check panel --address somebody@example.org`
}

// checkedSource is what a check of a source found. Notes say what couldn't be used
// of what it has.
type checkedSource struct {
	Name    string          `json:"name"`
	Place   string          `json:"place"`
	Good    bool            `json:"good"`
	Problem string          `json:"problem,omitempty"`
	Took    string          `json:"took"`
	Known   *bool           `json:"known,omitempty"`
	Account *policy.Account `json:"account,omitempty"`
	Survey  *surveyed       `json:"survey,omitempty"`
	Notes   []string        `json:"notes,omitempty"`
}

// sourceCheckTime bounds the check of one source.
const sourceCheckTime = 15 * time.Second

func (k *sourceCheckCmd) Run(c *call, app *application) error {
	var address settings.Address
	if k.Address != "" {
		var err error
		if address, err = settings.ParseAddress(k.Address); err != nil {
			return err
		}
	}
	if err := app.checkSourceNames(k.Name); err != nil {
		return err
	}
	all, bad := []checkedSource{}, false
	for _, s := range app.sources {
		if len(k.Name) > 0 && !slices.Contains(k.Name, s.Name) {
			continue
		}
		one := app.checkSource(c, s, address)
		bad = bad || !one.Good
		if all = append(all, one); !k.JSON {
			one.print(c)
		}
	}
	if k.JSON {
		if err := c.json(all); err != nil {
			return err
		}
	} else if len(all) == 0 {
		c.printf("There are no sources in %s: all accounts are in our own database.\n", c.configFile)
	}
	if bad {
		return errFinding
	}
	return nil
}

func (app *application) checkSource(ctx context.Context, s directory.SourceOptions, address settings.Address) checkedSource {
	ctx, cancel := context.WithTimeout(ctx, sourceCheckTime)
	defer cancel()
	one := checkedSource{Name: s.Name}
	for _, configured := range app.process.Sources {
		if configured.Name == s.Name {
			one.Place = app.process.listed(configured).Place
		}
	}
	began := time.Now()
	err := s.Source.Ping(ctx)
	if judge, ok := s.Source.(interface {
		Check(ctx context.Context) error
	}); ok && err == nil {
		err = judge.Check(ctx)
	}
	if err == nil {
		err = app.checkPlan(ctx, s)
	}
	if !address.IsZero() && err == nil {
		var account policy.Account
		account, err = s.Source.Account(ctx, address)
		known := err == nil
		one.Known, one.Notes = &known, unused(s.Source, err)
		if known {
			one.Account = &account
		} else if errors.Is(err, directory.ErrNotFound) {
			err = nil
		}
	}
	if address.IsZero() && err == nil {
		one.Survey, one.Notes = app.survey(ctx, s)
	}
	one.Took = time.Since(began).Round(time.Millisecond).String()
	if one.Good = err == nil; err != nil {
		one.Problem = err.Error()
	}
	return one
}

// checkPlan judges the plan that a source's own domains would have.
func (app *application) checkPlan(ctx context.Context, s directory.SourceOptions) error {
	if s.Plan == "" {
		return nil
	}
	if _, err := app.store.PlanTerms(ctx, policy.Domain{Name: "domain-of-" + s.Name + ".invalid", Plan: s.Plan}); err != nil {
		return fmt.Errorf("the plan of the domains that only it knows: %w", err)
	}
	return nil
}

// surveyMost bounds how many accounts and names of domains a check looks at.
const surveyMost = 10_000

// survey says what a source has, what of that doesn't count, and what nobody says of
// its accounts. It gives what an apply would warn of in the plans of its domains, too.
func (app *application) survey(ctx context.Context, s directory.SourceOptions) (counts *surveyed, notes []string) {
	source, ok := s.Source.(directory.Surveyor)
	if !ok {
		return nil, nil
	}
	seen, err := source.Survey(ctx, surveyMost)
	if err != nil {
		notes = append(notes, "not all could be listed: "+err.Error())
	}
	notes = append(notes, app.plansOf(ctx, s, seen)...)
	for _, address := range seen.Sample {
		account, err := s.Source.Account(ctx, address)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, directory.ErrNotFound):
			why := "it is listed, and isn't found by its own address: a database that tells letters' cases apart has it in capitals, or the queries differ"
			if d := (directory.Discarded{}); errors.As(err, &d) {
				why = "it is listed, and isn't known: " + d.Why
			}
			seen.Lose(address.String(), why)
		case err == nil:
			entry, err := app.directory.Domain(ctx, account.Address.Domain())
			if err != nil {
				continue // another domain, or one that isn't served
			}
			if refused := entry.Terms.Decide(account).Refused; refused != "" {
				seen.Lose(address.String(), "its protocol is "+upper(refused)+", for which the domain has no server: it gets the domain's default")
			}
		}
	}
	for _, lost := range seen.Lost {
		notes = append(notes, lost.What+": "+lost.Why)
	}
	if seen.LostMore > 0 {
		notes = append(notes, fmt.Sprintf("and %d more", seen.LostMore))
	}
	if len(seen.Unknown) > 0 {
		notes = append(notes, "of accounts it doesn't say: "+strings.Join(seen.Unknown, ", "))
	}
	if len(seen.Nowhere) > 0 {
		notes = append(notes, "no account has, or the reader may not see: "+strings.Join(seen.Nowhere, ", "))
	}
	if !seen.Domains.Listed {
		notes = append(notes, "it can't list its domains: those that only it knows are served, but neither listed nor checked on the schedule")
	}
	return &surveyed{Accounts: countText(seen.Accounts), Domains: countText(seen.Domains)}, notes
}

// surveyed are the numbers of a survey.
type surveyed struct {
	Accounts string `json:"accounts"`
	Domains  string `json:"domains"`
}

func countText(n directory.Count) string {
	if !n.Listed {
		return "not listed"
	}
	text := strconv.Itoa(n.Number)
	if n.More {
		text = "at least " + text
	}
	if n.Off > 0 {
		text += fmt.Sprintf(", and %d out of use", n.Off)
	}
	return text
}

// plansOf judges the plans that a source's domains name, as an apply would.
func (app *application) plansOf(ctx context.Context, s directory.SourceOptions, seen *directory.Survey) (notes []string) {
	plans := map[string]int{}
	if s.Plan != "" {
		plans[s.Plan] = 0
	}
	for plan, n := range seen.Plans {
		plans[cmp.Or(plan, s.Plan)] += n
	}
	for _, plan := range slices.Sorted(maps.Keys(plans)) {
		if plan == "" {
			notes = append(notes, fmt.Sprintf("%d names of domains have no plan, and aren't served unless site.yaml has them: give the source a plan", plans[plan]))
			continue
		}
		warnings, err := app.store.PlanWarnings(ctx, policy.Domain{Name: "plan.invalid", Plan: plan})
		if err != nil {
			notes = append(notes, fmt.Sprintf("%d names of domains have the plan %s, and aren't served: %v", plans[plan], plan, err))
			continue
		}
		for _, w := range warnings {
			notes = append(notes, "the plan "+plan+": "+w.Text)
		}
	}
	return notes
}

// unused is what a source that was asked for one account left out, and why it doesn't
// know it.
func unused(source directory.Source, err error) (notes []string) {
	if d := (directory.Discarded{}); errors.As(err, &d) {
		notes = append(notes, d.Why)
	}
	note := func(n int64, text string) {
		if n > 0 {
			notes = append(notes, text)
		}
	}
	const dropped = "a value can't be used and was left out: an address is name@domain, a quota is a size, devices are one or several, " +
		"a protocol is imap or pop3, and texts have no control characters"
	switch source := source.(type) {
	case *sqldir.Source:
		n := source.Stats()
		note(n.Disbelieved, "the database has another address, which it takes for the same one")
		note(n.Dropped, dropped)
	case *ldapdir.Source:
		note(source.Stats().Dropped, dropped)
	}
	return notes
}

func (s checkedSource) print(c *call) {
	if !s.Good {
		where := s.Name
		if !strings.Contains(s.Problem, s.Place) {
			where += " (" + s.Place + ")"
		}
		for line := range strings.Lines(s.Problem) { // one for each query
			c.printf("%s: %s\n", where, strings.TrimSpace(line))
		}
		return
	}
	c.printf("%s (%s): good, in %s\n", s.Name, s.Place, s.Took)
	defer func() {
		for _, text := range s.Notes {
			c.printf("  note: %s\n", text)
		}
	}()
	switch {
	case s.Account != nil:
		a := s.Account
		var others []string
		for _, o := range a.Addresses {
			others = append(others, o.String())
		}
		_ = c.table([][]string{
			{"  address", a.Address.String()},
			{"  name", a.Name},
			{"  login", a.Login},
			{"  devices", string(a.Devices)},
			{"  quota", quotaText(a.Quota)},
			{"  groups", strings.Join(a.Groups, " ")},
			{"  protocol", upper(a.Protocol)},
			{"  also", strings.Join(others, " ")},
		})
	case s.Survey != nil:
		c.printf("  accounts: %s\n  names of domains: %s\n", s.Survey.Accounts, s.Survey.Domains)
	case s.Known != nil:
		c.printf("  it doesn't know the address, the account is disabled, or the alias leads to none or several of its mailboxes\n")
	}
}
