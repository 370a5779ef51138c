package autoconfig_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// placeRow is a row of the table "Where is it?" in docs/contributors.md.
var placeRow = regexp.MustCompile("(?m)^\\| [^|`]+ \\| `([^`]+)` \\| `([A-Za-z]+)` \\|$")

// Each behaviour of the stranger's test lives where it is said to.
func TestAStrangerFindsWhatIsSoughtAfter(t *testing.T) {
	t.Parallel()
	rows := placeRow.FindAllStringSubmatch(read(t, "docs/contributors.md"), -1)
	if len(rows) != 7 {
		t.Fatalf("%d rows instead of 7", len(rows))
	}
	for _, row := range rows {
		file, name := row[1], row[2]
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(read(t, file)) {
			t.Errorf("%s has no %s", file, name)
		}
	}
}

// namedPath is a file or folder as the recipes name it. Words in capitals and stars
// stand for something.
var namedPath = regexp.MustCompile("`((?:clients|cmd|internal|templates|pacc|autodiscover)/[a-z0-9_/.-]*)`")

// The recipes lead to files that are there.
func TestRecipesNameFilesThatAreThere(t *testing.T) {
	t.Parallel()
	named := namedPath.FindAllStringSubmatch(read(t, "docs/extending.md"), -1)
	if len(named) < 30 {
		t.Errorf("only %d files are named", len(named))
	}
	for _, n := range named {
		if _, err := os.Stat(strings.TrimSuffix(n[1], "/")); err != nil {
			t.Error(err)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
