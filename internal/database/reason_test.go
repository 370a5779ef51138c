package database_test

import (
	"net/url"
	"strings"
	"testing"

	"autoconfig/internal/database"
	"autoconfig/internal/testkit"
)

// Why there is no connection is said in a line, and what was tried first and
// didn't matter isn't in it.
func TestWhyThereIsNoConnection(t *testing.T) {
	t.Parallel()
	closed := testkit.FreeAddress(t)
	with := func(address, user, host string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.RawQuery = "" // the tests' own says that there is no TLS
		if user != "" {
			u.User = url.UserPassword(user, "hush")
		}
		if host != "" {
			u.Host = host
		}
		return u.String()
	}
	postgres, maria := servers.PostgreSQL(t), servers.MariaDB(t)
	postgresURL, mariaURL := postgres.Create(t), maria.Create(t)
	for name, c := range map[string]struct {
		address    string
		want, once string
	}{
		"PostgreSQL, the user":                {with(postgresURL, "nobody", ""), `"nobody"`, "nobody"},
		"PostgreSQL, nobody there":            {with(postgresURL, "", closed), "connection refused", "connection refused"},
		"PostgreSQL, where MariaDB is":        {with(postgresURL, "", maria.Addr), maria.Addr, ""},
		"MariaDB, where PostgreSQL is":        {with(mariaURL, "", postgres.Addr), postgres.Addr + " doesn't answer", ""},
		"PostgreSQL, with TLS that it hasn't": {with(postgresURL, "", "") + "?sslmode=require", "server refused TLS connection", ""},
	} {
		err := open(t, c.address, database.Options{}).Ping(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
		if c.once != "" && err != nil && (strings.Contains(err.Error(), "refused TLS") || c.once != "nobody" && strings.Count(err.Error(), c.once) != 1) {
			t.Errorf("%s is said with what doesn't matter: %v", name, err)
		}
	}
}
