package store_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

// dump is a database as its own program writes it down, without what belongs to the
// machine or the day.
func dump(t *testing.T, p place) string {
	t.Helper()
	var cmd *exec.Cmd
	kind, rest, _ := strings.Cut(p.address, ":")
	switch kind {
	case "sqlite":
		testkit.Need(t, "sqlite3")
		cmd = exec.Command("sqlite3", filepath.Join(p.folder, rest), ".dump")
	case "postgres":
		testkit.Need(t, "pg_dump")
		cmd = exec.Command("pg_dump", "--inserts", "--no-owner", "--no-privileges", "--dbname", p.address)
	default:
		testkit.Need(t, "mariadb-dump")
		u, err := url.Parse(p.address)
		if err != nil {
			t.Fatal(err)
		}
		word, _ := u.User.Password()
		cmd = exec.Command("mariadb-dump", "--no-defaults", "--compact", "--hex-blob", "--skip-extended-insert",
			"--default-character-set=utf8mb4", "-h", u.Hostname(), "-P", u.Port(), "-u", u.User.Username(),
			strings.Trim(u.Path, "/"))
		cmd.Env = append(os.Environ(), "MYSQL_PWD="+word)
	}
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, " \n"); line == "" || aboutTheDump(line) {
			continue
		}
		kept.WriteString(line + "\n")
	}
	return kept.String()
}

// aboutTheDump tells whether a line says something of the program that wrote it.
func aboutTheDump(line string) bool {
	for _, start := range []string{"--", "/*", `\`, "SET ", "SELECT pg_catalog.set_config("} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}
