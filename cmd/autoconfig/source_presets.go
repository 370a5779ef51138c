package main

import (
	"fmt"
	"slices"
	"strings"

	"autoconfig/internal/database"
	"autoconfig/internal/directory/ldapdir"
	"autoconfig/internal/directory/sqldir"
)

type sourcePresetsCmd struct {
	Name string `arg:"" optional:"" help:"Show the queries or filters of this one."`
	Kind string `help:"The kind: sqlite, postgres, mysql or ldap." enum:"sqlite,postgres,mysql,ldap," default:""`
}

func (p *sourcePresetsCmd) Help() string {
	return `Examples:
  autoconfig source presets
  autoconfig source presets postfixadmin --kind mysql
  autoconfig source presets iredmail --kind ldap`
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
	kinds := presetKinds(p.Name)
	switch {
	case len(kinds) == 0:
		return refusal{noPreset(p.Name, append(sqlPresets(""), ldapPresets()...), "")}
	case p.Kind == "":
		p.Kind = kinds[0]
	case !slices.Contains(kinds, p.Kind):
		return refusal{fmt.Errorf("the preset %s is not for %s, but for %s", p.Name, p.Kind, strings.Join(kinds, ", "))}
	}
	c.printf("# %s, as it is for %s\n", p.Name, p.Kind)
	if len(kinds) > 1 {
		c.printf("# Others, by --kind: %s\n", strings.Join(slices.DeleteFunc(kinds, func(k string) bool { return k == p.Kind }), ", "))
	}
	c.printf("%s", presetText(p.Name, p.Kind))
	return nil
}

// presetKinds are what a preset is for.
func presetKinds(name string) (kinds []string) {
	for _, i := range sqldir.Presets() {
		if i.Name == name {
			for _, k := range i.Kinds {
				kinds = append(kinds, string(k))
			}
		}
	}
	if _, found := ldapdir.Preset(name); found {
		kinds = append(kinds, "ldap")
	}
	return kinds
}

// presetText is a preset as it would stand in autoconfig.yaml.
func presetText(name, kind string) string {
	var b strings.Builder
	row := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	if q, found := sqldir.Preset(name, database.Kind(kind)); found {
		for _, pair := range [][2]string{{"account", q.Account}, {"alias", q.Alias}, {"domain", q.Domain}, {"domains", q.Domains}, {"search", q.Search}, {"list", q.List}} {
			if pair[1] != "" {
				fmt.Fprintf(&b, "%s: |\n  %s\n", pair[0], strings.ReplaceAll(strings.TrimSpace(pair[1]), "\n", "\n  "))
			}
		}
		return b.String()
	}
	m, _ := ldapdir.Preset(name)
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
		fmt.Fprintf(&b, "enabled: {attribute: %s, values: [%s], disabled_bit: %d", m.Enabled.Attribute, strings.Join(m.Enabled.Values, ", "), m.Enabled.DisabledBit)
		if m.Enabled.Expires != "" {
			fmt.Fprintf(&b, ", expires: %s", m.Enabled.Expires)
		}
		b.WriteString("}\n")
	}
	row("domain_filter", m.DomainFilter)
	row("domain_list_filter", m.DomainListFilter)
	if d := m.DomainAttributes; d != (ldapdir.DomainAttributes{}) {
		fmt.Fprintf(&b, "domain_attributes: {name: %s, aliases: %s, plan: %s}\n", d.Name, d.Aliases, d.Plan)
	}
	return b.String()
}
