package autoconfig_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
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

// namedPath is a file or folder as prose names it. Words in capitals and stars stand for
// something.
var namedPath = regexp.MustCompile("`((?:" + strings.Join([]string{
	"autodiscover", "clients", "cmd", "docs", "internal", "mobileconfig", "pacc", "policy", "scripts", "settings",
	"templates", "thunderbird",
}, "|") + ")/[a-z0-9_/.-]*)`")

// namedFile is a Go file as prose names it, in whole or with the end of its path.
var namedFile = regexp.MustCompile("`([a-z0-9_/]+\\.go)`")

// What documents call a file or a folder is there. A file may be named without `internal/`,
// and by its name alone where the paragraph names its folder.
func TestProseNamesFilesThatAreThere(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, document := range append(documents, "README.md", "CONTRIBUTING.md", "SECURITY.md") {
		for _, paragraph := range strings.Split(read(t, document), "\n\n") {
			folders := []string{".", "internal"}
			for _, n := range namedPath.FindAllStringSubmatch(paragraph, -1) {
				named++
				if !exists(n[1]) {
					t.Errorf("%s names %s, which isn't there", document, n[1])
				}
				folders = append(folders, n[1], path.Dir(n[1]))
			}
			files := namedFile.FindAllStringSubmatch(paragraph, -1)
			for _, n := range files {
				folders = append(folders, path.Join("internal", path.Dir(n[1])))
			}
			for _, n := range files {
				named++
				if !slices.ContainsFunc(folders, func(folder string) bool { return exists(path.Join(folder, n[1])) }) {
					t.Errorf("%s names %s, which isn't there", document, n[1])
				}
			}
		}
	}
	if named < 120 {
		t.Errorf("only %d files and folders are named", named)
	}
}

// What code, examples and scripts call a page of docs is there.
func TestCodeNamesPagesThatAreThere(t *testing.T) {
	t.Parallel()
	namedPage := regexp.MustCompile(`docs/[a-z0-9-]+\.md`)
	named := 0
	for _, folder := range []string{"cmd", "internal", "clients", "examples", "packaging", "scripts", "templates", "."} {
		err := filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && (entry.Name() == "testdata" || folder == "." && file != ".") {
				return fs.SkipDir
			}
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			for _, page := range namedPage.FindAllString(read(t, file), -1) {
				named++
				if !exists(page) {
					t.Errorf("%s names %s, which isn't there", file, page)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if named < 30 {
		t.Errorf("only %d pages are named", named)
	}
}

func exists(name string) bool {
	_, err := os.Stat(filepath.FromSlash(name))
	return err == nil
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
