package autoconfig_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// namedTest is how docs/threats.md names a test: `TestX` (internal/server).
var namedTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)` \\(([a-z0-9/]+)\\)")

// Every row of docs/threats.md names a test that shows what it says, and that test
// is there.
func TestEveryThreatHasATest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/threats.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for number, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasSuffix(line, "| Test |") {
			continue
		}
		rows++
		named := namedTest.FindAllStringSubmatch(line, -1)
		if len(named) == 0 || len(named) != strings.Count(line, "`Test")+strings.Count(line, "`Fuzz") {
			t.Errorf("docs/threats.md:%d: no test, or one that isn't written as `TestX` (folder): %s", number+1, line)
		}
		for _, test := range named {
			if !hasTest(t, test[2], test[1]) {
				t.Errorf("docs/threats.md:%d: %s has no %s", number+1, test[2], test[1])
			}
		}
	}
	if rows < 40 {
		t.Errorf("only %d rows were read", rows)
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
