package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"autoconfig/internal/directory/ldapdir"
	"autoconfig/internal/directory/sqldir"
)

// docs/sources.md lists every preset as the code has it: UPDATE_SCRIPTS=1 writes
// the table.
func TestPresetsInTheDocs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, p := range sqldir.Presets() {
		var kinds []string
		for _, k := range p.Kinds {
			kinds = append(kinds, string(k))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.Name, strings.Join(kinds, ", "), p.Version, p.Doc)
	}
	for _, p := range ldapdir.Presets() {
		fmt.Fprintf(&b, "| `%s` | ldap | %s | %s |\n", p.Name, p.Version, p.Doc)
	}
	const file, head = "../../docs/sources.md", "| Preset | Kind | Read from | What it knows |\n|---|---|---|---|\n"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), head)
	if !found {
		t.Fatal("the page has no table of presets")
	}
	end := 0
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		end += len(line)
	}
	switch {
	case rest[:end] == b.String():
	case os.Getenv("UPDATE_SCRIPTS") != "":
		if err := os.WriteFile(file, []byte(before+head+b.String()+rest[end:]), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table of presets is\n%s\nwant\n%s", rest[:end], b.String())
	}
}
