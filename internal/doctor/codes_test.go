package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const checksPage = "../../docs/checks.md"

// docs/checks.md is written from the catalogue: go test ./internal/doctor -run Page -update
func TestPageOfCodesIsComplete(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# What checks find

Generated from the code (` + "`go test ./internal/doctor -run Page -update`" + `); a test fails when it differs.

` + "`autoconfig check DOMAIN`" + ` prints these codes. They never change their meaning, so that scripts may know them.
An *error* means that some program fails or that passwords are at risk, a *warning* that some program may be
misled, or will be soon; *info* is what could be better. What is known better in a case (a server that nobody may
dial, a mechanism beside others that work) is printed with a lower severity.

| Code | Severity | Means | What to do |
|---|---|---|---|
`)
	for _, m := range Catalogue() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Code, m.Severity, m.Means, m.Remedy)
	}
	if *update {
		if err := os.WriteFile(checksPage, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(checksPage)
	if err != nil || string(page) != b.String() {
		t.Errorf("%s is not what the code says (%v); write it anew with -update", checksPage, err)
	}
}

// Every code that is declared has a meaning, only one, and a test that names it.
func TestEveryCodeIsExplainedAndTested(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\t(\w+)\s+Code = "([A-Z-]+)"$`).FindAllStringSubmatch(string(source), -1)
	if len(declared) != len(catalogue) {
		t.Errorf("%d codes are declared, %d explained", len(declared), len(catalogue))
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	seen := map[Code]bool{}
	for i, d := range declared {
		if i < len(catalogue) && catalogue[i].Code != Code(d[2]) {
			t.Errorf("%s is explained out of order", d[2])
		}
		if seen[Code(d[2])] || !regexp.MustCompile(`\b`+d[1]+`\b`).MatchString(tests.String()) {
			t.Errorf("%s is declared twice, or no test names it", d[2])
		}
		seen[Code(d[2])] = true
	}
}
