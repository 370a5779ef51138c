package testkit_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/testkit"
)

func TestDatabasesKeepWhatTheyWereGiven(t *testing.T) {
	t.Parallel()
	for name, start := range databaseServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			db := open(t, s.Create(t))
			if _, err := db.ExecContext(t.Context(), "CREATE TABLE kept (n INT PRIMARY KEY)"); err != nil {
				t.Fatal(err)
			}
			rows := func() (n int) {
				t.Helper()
				// A pool finds out that a connection is gone by using it.
				for attempt := 0; ; attempt++ {
					err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM kept").Scan(&n)
					if err == nil {
						return n
					}
					if attempt == 20 {
						t.Fatal(err)
					}
				}
			}
			for n, fault := range []func(testing.TB){s.Stop, s.Kill, s.Kill} {
				if _, err := db.ExecContext(t.Context(), "INSERT INTO kept VALUES (?)", n); err != nil {
					t.Fatal(err)
				}
				fault(t)
				if err := db.Ping(t.Context()); err == nil {
					t.Error("it answers after its end")
				}
				s.Start(t)
				if got := rows(); got != n+1 {
					t.Errorf("%d rows after end %d", got, n)
				}
			}
		})
	}
}

func TestAFrozenDatabaseAnswersLater(t *testing.T) {
	t.Parallel()
	for name, start := range databaseServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			db := open(t, s.Create(t))
			if err := db.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Freeze(t)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			var one int
			if err := db.QueryRowContext(ctx, "SELECT 1").Scan(&one); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a frozen server says %d, %v", one, err)
			}
			s.Thaw(t)
			if err := db.QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err != nil || one != 1 {
				t.Errorf("after it went on: %d, %v", one, err)
			}
		})
	}
}

func TestADatabasesConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	for name, start := range databaseServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "max_connections=10")
			a, err := database.Parse(s.Create(t))
			if err != nil {
				t.Fatal(err)
			}
			db, err := database.Open(a, database.Options{Connections: 20})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			var failure error
			for range 12 {
				c, err := db.Pool().Conn(t.Context())
				if err != nil {
					failure = err
					break
				}
				defer func(c *sql.Conn) { _ = c.Close() }(c)
			}
			if failure == nil || !strings.Contains(strings.ToLower(failure.Error()), "many") {
				t.Errorf("the twelfth connection: %v", failure)
			}
		})
	}
}

var databaseServers = map[string]func(testing.TB, ...string) *testkit.DatabaseServer{
	"PostgreSQL": func(t testing.TB, settings ...string) *testkit.DatabaseServer {
		return testkit.StartPostgreSQL(t, settings...).DatabaseServer
	},
	"MariaDB": func(t testing.TB, settings ...string) *testkit.DatabaseServer {
		return testkit.StartMariaDB(t, settings...).DatabaseServer
	},
}

func open(t *testing.T, url string) *database.DB {
	t.Helper()
	a, err := database.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(a, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
