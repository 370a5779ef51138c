package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the tests compare with")

// Each file in testdata/bad has one mistake (but for several.yaml), and beside it
// the exact message.
func TestEachMistakeIsExplainedInItsPlace(t *testing.T) {
	t.Parallel()
	env := func(string) (string, bool) { return "", false }
	for folder, read := range map[string]func(string, []byte) error{
		"testdata/bad":         func(name string, s []byte) error { _, _, err := ReadSite(name, s); return err },
		"testdata/bad-process": func(name string, s []byte) error { _, err := ReadProcess(name, s, env); return err },
	} {
		files, err := filepath.Glob(folder + "/*.yaml")
		if err != nil || len(files) < 15 {
			t.Fatalf("%s: %d files, %v", folder, len(files), err)
		}
		for _, file := range files {
			t.Run(strings.TrimPrefix(file, "testdata/"), func(t *testing.T) {
				t.Parallel()
				source, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				err = read(filepath.Base(file), source)
				var wrong *Error
				if !errors.As(err, &wrong) {
					t.Fatalf("accepted, or another error: %v", err)
				}
				golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
			})
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}
