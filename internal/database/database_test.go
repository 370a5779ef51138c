package database_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/testkit"
)

var servers testkit.DatabaseServers

func TestMain(m *testing.M) {
	os.Exit(testkit.Run(m, servers.Close))
}

// kinds make an empty database of each kind.
var kinds = map[database.Kind]func(t *testing.T) string{
	database.SQLite:     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "a file?.db") },
	database.PostgreSQL: func(t *testing.T) string { return servers.PostgreSQL(t).Create(t) },
	database.MySQL:      func(t *testing.T) string { return servers.MariaDB(t).Create(t) },
}

func open(t *testing.T, url string, o database.Options) *database.DB {
	t.Helper()
	a, err := database.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(a, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func onEachKind(t *testing.T, test func(t *testing.T, kind database.Kind, url string)) {
	t.Helper()
	for kind, create := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			test(t, kind, create(t))
		})
	}
}

func must(t *testing.T, q database.Queryer, statement string, args ...any) {
	t.Helper()
	if _, err := q.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func text(t *testing.T, q database.Queryer, query string, args ...any) (s string) {
	t.Helper()
	if err := q.QueryRowContext(t.Context(), query, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

func TestUpsertSetsWhatIsThere(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind, url string) {
		db := open(t, url, database.Options{})
		must(t, db, "CREATE TABLE t (a VARCHAR(20), b VARCHAR(20), c VARCHAR(20), d VARCHAR(20), PRIMARY KEY (a, b))")
		both := kind.Upsert("t", []string{"a", "b"}, []string{"c", "d"})
		must(t, db, both, "1", "2", "three", "four")
		must(t, db, both, "1", "2", "?", "$1")
		must(t, db, both, "1", "3", "other", "row")
		if got := text(t, db, "SELECT CONCAT(c, d) FROM t WHERE a = ? AND b = ?", "1", "2"); got != "?$1" {
			t.Errorf("after the second: %q", got)
		}
		must(t, db, kind.Upsert("t", []string{"a", "b"}, nil), "1", "2")
		if got := text(t, db, "SELECT CONCAT(c, d) FROM t WHERE b = ? AND a = ?", "2", "1"); got != "?$1" {
			t.Errorf("a key alone has changed the row: %q", got)
		}
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t").Scan(&n); err != nil || n != 2 {
			t.Errorf("%d rows, %v", n, err)
		}
	})
}

func TestATakenValueIsRecognised(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, _ database.Kind, url string) {
		db := open(t, url, database.Options{})
		must(t, db, "CREATE TABLE t (a INT PRIMARY KEY, b INT NOT NULL UNIQUE)")
		must(t, db, "INSERT INTO t VALUES (1, 1)")
		for statement, taken := range map[string]bool{
			"INSERT INTO t VALUES (1, 2)":    true,
			"INSERT INTO t VALUES (2, 1)":    true,
			"INSERT INTO t VALUES (3, NULL)": false,
			"INSERT INTO nowhere VALUES (1)": false,
		} {
			_, err := db.ExecContext(t.Context(), statement)
			if err == nil || database.IsTaken(err) != taken {
				t.Errorf("%s: %v, taken: %t", statement, err, database.IsTaken(err))
			}
		}
		if database.IsTaken(nil) {
			t.Error("nothing wrong is taken for a taken value")
		}
	})
}

func TestReadOnlyRefusesChanges(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, _ database.Kind, url string) {
		must(t, open(t, url, database.Options{}), "CREATE TABLE t (a INT PRIMARY KEY)")
		db := open(t, url, database.Options{ReadOnly: true, Timeout: time.Minute})
		for _, statement := range []string{"INSERT INTO t VALUES (1)", "DELETE FROM t", "DROP TABLE t", "CREATE TABLE u (a INT)"} {
			if _, err := db.ExecContext(t.Context(), statement); err == nil {
				t.Errorf("%s was done", statement)
			}
			err := db.Change(t.Context(), func(tx database.Queryer) error {
				_, err := tx.ExecContext(t.Context(), statement)
				return err
			})
			if err == nil {
				t.Errorf("%s was done in a transaction", statement)
			}
		}
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t").Scan(&n); err != nil || n != 0 {
			t.Errorf("reading: %d, %v", n, err)
		}
		if err := db.View(t.Context(), func(q database.Queryer) error {
			return q.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t WHERE a = ?", 1).Scan(&n)
		}); err != nil {
			t.Errorf("reading in a view: %v", err)
		}
	})
}

func TestReadOnlyMakesNoFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if _, err := database.Open(database.Address{Kind: database.SQLite, File: "typo.db"}, database.Options{Folder: folder, ReadOnly: true}); err == nil {
		t.Error("a file that isn't there was opened")
	}
	if found, _ := filepath.Glob(filepath.Join(folder, "*")); len(found) != 0 {
		t.Errorf("it made %q", found)
	}
	db := open(t, "sqlite::memory:", database.Options{ReadOnly: true})
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE t (a INT)"); err == nil {
		t.Error("a database in memory was changed")
	}
}

func TestAFailedChangeLeavesNothing(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, _ database.Kind, url string) {
		db := open(t, url, database.Options{})
		must(t, db, "CREATE TABLE t (a INT PRIMARY KEY)")
		failure := errors.New("no")
		err := db.Change(t.Context(), func(tx database.Queryer) error {
			must(t, tx, "INSERT INTO t VALUES (?)", 1)
			return failure
		})
		var n int
		if scan := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t").Scan(&n); !errors.Is(err, failure) || scan != nil || n != 0 {
			t.Errorf("%v, %v, %d rows", err, scan, n)
		}
	})
}

func TestAViewSeesOneState(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, _ database.Kind, url string) {
		db := open(t, url, database.Options{})
		must(t, db, "CREATE TABLE t (a INT PRIMARY KEY)")
		must(t, db, "INSERT INTO t VALUES (1)")
		if err := db.View(t.Context(), func(q database.Queryer) error {
			for range 2 {
				var n int
				if err := q.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t").Scan(&n); err != nil || n != 1 {
					t.Errorf("%d rows, %v", n, err)
				}
				must(t, db, "INSERT INTO t SELECT MAX(a) + 1 FROM t")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// The server ends a statement also when it doesn't hear from us any more.
func TestAServerEndsALongStatement(t *testing.T) {
	t.Parallel()
	for kind, query := range map[database.Kind]string{database.PostgreSQL: "SELECT pg_sleep(200)", database.MySQL: "SELECT COUNT(*) FROM (SELECT SLEEP(200)) AS s"} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			db := open(t, kinds[kind](t), database.Options{ReadOnly: true, Timeout: 2 * time.Second})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			rows, err := db.QueryContext(ctx, query)
			if err == nil {
				defer rows.Close()
				for rows.Next() {
					t.Log("a row")
				}
				err = rows.Err()
			}
			if err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

func TestOnlyPostgreSQLTells(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind, url string) {
		db := open(t, url, database.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		heard := 0
		err := db.Listen(ctx, `odd "name"`, func() {
			if heard++; heard == 2 {
				cancel()
				return
			}
			must(t, db, `NOTIFY "odd ""name"""`)
		})
		if kind != database.PostgreSQL {
			if !errors.Is(err, database.ErrListen) || heard != 0 {
				t.Errorf("%v, heard %d", err, heard)
			}
			return
		}
		if !errors.Is(err, context.Canceled) || heard != 2 {
			t.Errorf("%v, heard %d", err, heard)
		}
	})
}

func TestAWrongPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	for kind, url := range map[database.Kind]string{
		database.PostgreSQL: servers.PostgreSQL(t).URL("postgres"), database.MySQL: servers.MariaDB(t).URL("mysql"),
	} {
		wrong := strings.Replace(url, "secret", "wrong-secret", 1)
		if wrong == url {
			t.Fatal("the password isn't where it was")
		}
		err := open(t, wrong, database.Options{}).Ping(t.Context())
		if err == nil || strings.Contains(err.Error(), "wrong-secret") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// A server that accepts connections and says nothing keeps nobody for long, and no
// place in the pool.
func TestASilentServerKeepsNobody(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // the system accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for _, scheme := range []string{"postgres", "mysql"} {
		address, err := database.Parse(scheme + "://u:p@" + l.Addr().String() + "/x")
		if err != nil {
			t.Fatal(err)
		}
		db, err := database.Open(address, database.Options{Connections: 1, Timeout: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var waiting sync.WaitGroup
		for range 3 { // one connects, two wait for its place: the pool connects for them
			waiting.Go(func() {
				if err := db.Ping(ctx); err == nil || ctx.Err() != nil {
					t.Errorf("%s: %v, %v", scheme, err, ctx.Err())
				}
			})
		}
		waiting.Wait()
	}
}
