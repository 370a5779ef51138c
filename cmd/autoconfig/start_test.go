package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

// A service whose database can't be used doesn't start, and says in a line what is
// wrong and where, without a password.
func TestServeSaysWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // connections are accepted, nothing is said
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	nobody := testkit.FreeAddress(t)
	postgres, mariadb := testkit.StartPostgreSQL(t), testkit.StartMariaDB(t)
	newer := func(s *testkit.DatabaseServer) string {
		address := s.Create(t)
		start(t, address, true)
		s.Run(t, address, "INSERT INTO autoconfig_schema (version_id, is_applied) VALUES (99, TRUE);")
		return address
	}
	const password = "hush/hush"
	with := func(scheme, host, parameters string) string {
		return scheme + "://autoconfig:" + url.QueryEscape(password) + "@" + host + "/site" + parameters
	}
	for name, c := range map[string]struct{ address, want string }{
		"PostgreSQL is down":       {with("postgres", nobody, ""), nobody + `.*connection refused`},
		"MariaDB is down":          {with("mysql", nobody, ""), nobody + `.*connection refused`},
		"PostgreSQL says nothing":  {with("postgres", silent.Addr().String(), ""), silent.Addr().String() + `.*(timeout|deadline)`},
		"MariaDB says nothing":     {with("mysql", silent.Addr().String(), ""), silent.Addr().String() + `.*(timeout|deadline)`},
		"PostgreSQL, the password": {with("postgres", postgres.Addr, "?sslmode=disable"), postgres.Addr + `.*password authentication failed`},
		"MariaDB, the password":    {with("mysql", mariadb.Addr, ""), mariadb.Addr + `.*Access denied`},
		"PostgreSQL, no such one":  {postgres.URL("nowhere"), postgres.Addr + `.*does not exist`},
		"MariaDB, no such one":     {mariadb.URL("nowhere"), mariadb.Addr + `.*Unknown database`},
		"PostgreSQL, newer":        {newer(postgres.DatabaseServer), postgres.Addr + `.*written by a newer version.*version 99.*restore the backup`},
		"MariaDB, newer":           {newer(mariadb.DatabaseServer), mariadb.Addr + `.*written by a newer version.*version 99.*restore the backup`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret := password
			if u, err := url.Parse(c.address); err == nil {
				secret, _ = u.User.Password()
			}
			began := time.Now()
			said, code := start(t, c.address, false)
			if code != exitFailure || !regexp.MustCompile(`^autoconfig: [^\n]*`+c.want).MatchString(said) || strings.Count(said, "\n") > 2 {
				t.Errorf("%d, and says\n%s", code, said)
			}
			if strings.Contains(said, secret) || strings.Contains(said, url.QueryEscape(secret)) || strings.Contains(said, "hush") {
				t.Errorf("it shows the password:\n%s", said)
			}
			if took := time.Since(began); took > 2*time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// start runs serve, or the list of domains where it is to work, with a database.
func start(t *testing.T, address string, works bool) (said string, code int) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "autoconfig.yaml"), fmt.Appendf(nil, "public_url: https://setup.example.com\ndatabase: %q\n", address), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"}
	if works {
		args = []string{"domain", "list"}
	}
	cmd := exec.Command("autoconfig", args...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if works && err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
