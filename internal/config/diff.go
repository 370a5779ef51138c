package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"autoconfig/policy"
)

// Changes are the differences between two sites, in a stable order.
type Changes []Change

// Summary counts the changes: "2 domain add, 1 account remove". It names no account.
func (c Changes) Summary() string {
	counts := map[string]int{}
	for _, change := range c {
		counts[change.Kind+" "+change.Action]++
	}
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[what], what))
	}
	return strings.Join(parts, ", ")
}

// Change is one provider, plan, domain or account that differs.
type Change struct {
	Kind   string  `json:"kind"` // provider, plan, domain, account, override, site
	Name   string  `json:"name"`
	Action string  `json:"action"` // add, change, remove
	Fields []Field `json:"fields,omitempty"`
}

// Field is one key that differs, with its values as JSON; "" for none.
type Field struct {
	Key string `json:"key"`
	Old string `json:"old"`
	New string `json:"new"`
}

// Compare lists what changes if next replaces old.
func Compare(old, next policy.Site) Changes {
	var changes Changes
	if next.ID != "" && next.ID != old.ID {
		changes = append(changes, Change{
			Kind: "site", Name: "site_id", Action: "change",
			Fields: []Field{{"site_id", old.ID, next.ID}},
		})
	}
	changes = append(changes, compare("provider", named(old.Providers), named(next.Providers))...)
	changes = append(changes, compare("plan", named(old.Plans), named(next.Plans))...)
	changes = append(changes, compare("domain", named(old.Domains), named(next.Domains))...)
	changes = append(changes, compare("account", named(old.Accounts), named(next.Accounts))...)
	if next.Overrides == nil { // not mentioned, so they stay
		return changes
	}
	return append(changes, compare("override", named(laid(old.Overrides)), named(laid(next.Overrides)))...)
}

// laid are overrides without the fields that the service sets by itself.
func laid(all []policy.Override) []policy.Override {
	all = slices.Clone(all)
	for i := range all {
		all[i].GoneAt = time.Time{}
	}
	return all
}

// Empty reports whether nothing changes.
func (c Changes) Empty() bool { return len(c) == 0 }

// shown bounds the accounts that are listed; a file may have a million.
const shown = 100

// String lists the changes for people, one a line.
func (c Changes) String() string {
	var b strings.Builder
	counts := map[string]int{}
	listed := 0
	for _, change := range c {
		counts[change.Action]++
		if change.Kind == "account" {
			if listed++; listed > shown {
				continue
			}
		}
		b.WriteString(change.String())
	}
	if listed > shown {
		fmt.Fprintf(&b, "... and %d more accounts\n", listed-shown)
	}
	fmt.Fprintf(&b, "%d to add, %d to change, %d to remove.\n", counts["add"], counts["change"], counts["remove"])
	return b.String()
}

// String describes the change for people, with a line for each field.
func (c Change) String() string {
	var b strings.Builder
	sign := map[string]string{"add": "+", "change": "~", "remove": "-"}[c.Action]
	fmt.Fprintf(&b, "%s %s %s\n", sign, c.Kind, c.Name)
	for _, f := range c.Fields {
		fmt.Fprintf(&b, "    %s: %s -> %s\n", f.Key, orNone(f.Old), orNone(f.New))
	}
	return b.String()
}

func orNone(text string) string { return cmp.Or(text, "(none)") }

// named returns the JSON of things by their names.
func named[T any](list []T) map[string][]byte {
	m := make(map[string][]byte, len(list))
	for _, item := range list {
		text, err := json.Marshal(item)
		if err != nil {
			panic(err) // our own types
		}
		m[nameOf(item)] = text
	}
	return m
}

func nameOf(item any) string {
	text, err := json.Marshal(item)
	if err != nil {
		panic(err)
	}
	var names struct{ ID, Name, Address string }
	if err := json.Unmarshal(text, &names); err != nil {
		panic(err)
	}
	return cmp.Or(names.Address, names.ID, names.Name)
}

func compare(kind string, old, next map[string][]byte) Changes {
	var changes Changes
	names := slices.Collect(maps.Keys(next))
	for name := range old {
		if _, kept := next[name]; !kept {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		before, wasThere := old[name]
		after, isThere := next[name]
		change := Change{Kind: kind, Name: name}
		switch {
		case !wasThere:
			change.Action = "add"
		case !isThere:
			change.Action = "remove"
		case bytes.Equal(before, after):
			continue
		default:
			change.Action = "change"
			change.Fields = fieldsOf(before, after)
		}
		changes = append(changes, change)
	}
	return changes
}

func fieldsOf(before, after []byte) []Field {
	old := map[string]json.RawMessage{}
	next := map[string]json.RawMessage{}
	if err := json.Unmarshal(before, &old); err != nil {
		panic(err)
	}
	if err := json.Unmarshal(after, &next); err != nil {
		panic(err)
	}
	keys := slices.Collect(maps.Keys(next))
	for key := range old {
		if _, kept := next[key]; !kept {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var fields []Field
	for _, key := range keys {
		if !bytes.Equal(old[key], next[key]) {
			fields = append(fields, Field{key, string(old[key]), string(next[key])})
		}
	}
	return fields
}
