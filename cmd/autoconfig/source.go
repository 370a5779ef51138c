package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
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

func (l *sourceListCmd) Run(c *call) error {
	site, err := openSite(c)
	if err != nil {
		return err
	}
	defer site.close()
	all := []listedSource{}
	for _, s := range site.process.Sources {
		all = append(all, site.process.listed(s))
	}
	if l.JSON {
		return c.json(all)
	}
	rows := [][]string{{"NAME", "KIND", "PLACE", "PRESET", "PLAN"}}
	for _, s := range all {
		rows = append(rows, []string{s.Name, s.Kind, s.Place, s.Preset, s.Plan})
	}
	return c.table(rows)
}

func (s settled) listed(source config.Source) listedSource {
	l := listedSource{Name: source.Name, Kind: "ldap", Place: strings.Join(source.LDAP.Servers, " "), Preset: source.LDAP.Preset, Plan: source.Plan}
	if source.SQL == (config.SQL{}) {
		return l
	}
	l.Kind, l.Preset, l.Place = "sql", source.SQL.Preset, source.SQL.DatabaseFile
	if source.SQL.Database != "" {
		if address, err := database.Parse(source.SQL.Database); err == nil {
			l.Place = address.String() // without its password
		}
	}
	return l
}

type sourceCheckCmd struct {
	jsonFlag
	Name    []string `arg:"" optional:"" help:"Sources; all by default."`
	Address string   `help:"Also show what each says of an address." placeholder:"ADDRESS"`
}

func (k *sourceCheckCmd) Help() string {
	return `Connects to each source, has it judge the queries, and with --address shows the account that it
has. Nothing is changed there. The exit status is 1 if anything is wrong.

Examples:
  autoconfig source check
  autoconfig source check panel --address somebody@example.org`
}

// checkedSource is what a check of a source found.
type checkedSource struct {
	Name    string          `json:"name"`
	Good    bool            `json:"good"`
	Problem string          `json:"problem,omitempty"`
	Took    string          `json:"took"`
	Known   *bool           `json:"known,omitempty"`
	Account *policy.Account `json:"account,omitempty"`
}

// sourceCheckTime bounds the check of one source.
const sourceCheckTime = 15 * time.Second

func (k *sourceCheckCmd) Run(c *call) error {
	var address settings.Address
	if k.Address != "" {
		var err error
		if address, err = settings.ParseAddress(k.Address); err != nil {
			return err
		}
	}
	site, err := openSite(c)
	if err != nil {
		return err
	}
	defer site.close()
	if err := site.checkSourceNames(k.Name); err != nil {
		return err
	}
	all, bad := []checkedSource{}, false
	for _, s := range site.outside {
		if len(k.Name) > 0 && !slices.Contains(k.Name, s.Name) {
			continue
		}
		one := checkSource(c, s, address)
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

func checkSource(ctx context.Context, s directory.OutsideSource, address settings.Address) checkedSource {
	ctx, cancel := context.WithTimeout(ctx, sourceCheckTime)
	defer cancel()
	one := checkedSource{Name: s.Name}
	began := time.Now()
	err := s.Outside.Ping(ctx)
	if judge, ok := s.Outside.(interface {
		Check(ctx context.Context) error
	}); ok && err == nil {
		err = judge.Check(ctx)
	}
	if !address.IsZero() && err == nil {
		var account policy.Account
		account, err = s.Outside.Account(ctx, address)
		known := err == nil
		one.Known = &known
		if known {
			one.Account = &account
		} else if errors.Is(err, directory.ErrNotFound) {
			err = nil
		}
	}
	one.Took = time.Since(began).Round(time.Millisecond).String()
	if one.Good = err == nil; err != nil {
		one.Problem = err.Error()
	}
	return one
}

func (s checkedSource) print(c *call) {
	if !s.Good {
		c.printf("%s: %s\n", s.Name, s.Problem)
		return
	}
	c.printf("%s: good, in %s\n", s.Name, s.Took)
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
	case s.Known != nil:
		c.printf("  it doesn't know the address, or the account is disabled\n")
	}
}

type sourcePresetsCmd struct {
	Name string `arg:"" optional:"" help:"Show the queries or filters of this one."`
	Kind string `help:"Of which kind of database." enum:"sqlite,postgres,mysql," default:""`
}

func (p *sourcePresetsCmd) Help() string {
	return `Examples:
  autoconfig source presets
  autoconfig source presets postfixadmin --kind mysql`
}

func (p *sourcePresetsCmd) Run(c *call) error {
	if p.Name == "" {
		rows := [][]string{{"PRESET", "KIND", "READ FROM"}}
		for _, i := range sqldir.Presets() {
			var kinds []string
			for _, k := range i.Kinds {
				kinds = append(kinds, string(k))
			}
			rows = append(rows, []string{i.Name, "sql: " + strings.Join(kinds, ", "), i.Version})
		}
		for _, i := range ldapdir.Presets() {
			rows = append(rows, []string{i.Name, "ldap", i.Version})
		}
		return c.table(rows)
	}
	text, found := presetText(p.Name, database.Kind(p.Kind))
	if !found {
		return refusal{noPreset(p.Name, append(sqlPresets(), ldapPresets()...), "")}
	}
	c.printf("%s", text)
	return nil
}

// presetText is a preset as it would stand in autoconfig.yaml. The kind "" is the
// first that it has.
func presetText(name string, kind database.Kind) (string, bool) {
	var b strings.Builder
	row := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	for _, i := range sqldir.Presets() {
		if i.Name != name {
			continue
		}
		if kind == "" {
			kind = i.Kinds[0]
		}
		q, found := sqldir.Preset(name, kind)
		if !found {
			continue
		}
		for _, pair := range [][2]string{{"account", q.Account}, {"alias", q.Alias}, {"domain", q.Domain}, {"search", q.Search}, {"list", q.List}} {
			if pair[1] != "" {
				fmt.Fprintf(&b, "%s: |\n  %s\n", pair[0], strings.ReplaceAll(strings.TrimSpace(pair[1]), "\n", "\n  "))
			}
		}
		return b.String(), true
	}
	m, found := ldapdir.Preset(name)
	if !found || kind != "" {
		return "", false
	}
	row("filter", m.Filter)
	row("alias_filter", m.AliasFilter)
	row("search_filter", m.SearchFilter)
	row("list_filter", m.ListFilter)
	b.WriteString("attributes:\n")
	a := m.Attributes
	for _, pair := range [][2]string{{"address", a.Address}, {"login", a.Login}, {"name", a.Name}, {"groups", a.Groups}, {"quota", a.Quota}, {"devices", a.Devices}, {"protocol", a.Protocol}, {"addresses", a.Addresses}, {"target", a.Target}} {
		row("  "+pair[0], pair[1])
	}
	row("quota_unit", m.QuotaUnit)
	if m.Enabled.Attribute != "" {
		fmt.Fprintf(&b, "enabled: {attribute: %s, values: [%s], disabled_bit: %d}\n", m.Enabled.Attribute, strings.Join(m.Enabled.Values, ", "), m.Enabled.DisabledBit)
	}
	row("domain_filter", m.DomainFilter)
	if d := m.DomainAttributes; d != (ldapdir.DomainAttributes{}) {
		fmt.Fprintf(&b, "domain_attributes: {name: %s, aliases: %s, plan: %s}\n", d.Name, d.Aliases, d.Plan)
	}
	return b.String(), true
}
