package database_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"autoconfig/internal/database"
)

// Two that wait for each other's rows both get on: the database ends one of them,
// which is done again, be it a statement by itself or a transaction in Repeat.
func TestADeadlockIsNobodysFailure(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind, url string) {
		if kind == database.SQLite { // its writers take turns
			return
		}
		db := open(t, url, database.Options{})
		must(t, db, "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)")
		must(t, db, "INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)")
		var statement sync.WaitGroup
		begin := sync.OnceFunc(func() {
			statement.Go(func() {
				if _, err := db.ExecContext(t.Context(), "UPDATE t SET n = n + 1 WHERE id < 3"); err != nil {
					t.Errorf("the statement: %v", err)
				}
			})
		})
		again := false
		err := database.Repeat(t.Context(), func() error {
			return db.Change(t.Context(), func(tx database.Queryer) error {
				// It has more to lose than the statement, which then is ended.
				if _, err := tx.ExecContext(t.Context(), "UPDATE t SET n = n + 1 WHERE id > 1"); err != nil {
					return err
				}
				begin()
				for err := error(nil); !again && !errors.Is(err, sql.ErrNoRows); { // until the statement has the first row, and wants the next
					var id int
					if err = db.QueryRowContext(t.Context(), "SELECT id FROM t WHERE id = 1 FOR UPDATE SKIP LOCKED").Scan(&id); err != nil && !errors.Is(err, sql.ErrNoRows) {
						return err
					}
				}
				again = true // if this one is ended, the statement may be through
				_, err := tx.ExecContext(t.Context(), "UPDATE t SET n = n + 1 WHERE id = 1")
				return err
			})
		})
		statement.Wait()
		if got := text(t, db, "SELECT SUM(n) FROM t"); err != nil || got != "8" {
			t.Errorf("%v, sum %s", err, got)
		}
	})
}

// Whoever waits for another process that changes a SQLite file for long, as an
// import does, keeps nobody from reading, and is told at last what it is.
func TestWaitingToWriteKeepsNobodyFromReading(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	db, other := open(t, url, database.Options{}), open(t, url, database.Options{})
	must(t, db, "CREATE TABLE t (n INT NOT NULL)")
	begun, end := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		err := other.Change(t.Context(), func(database.Queryer) error { close(begun); <-end; return nil })
		if err != nil {
			t.Errorf("the long change: %v", err)
		}
	})
	<-begun
	ctx, giveUp := context.WithCancel(t.Context())
	var waiting, waiters sync.WaitGroup
	for range 30 { // more than there are connections
		waiting.Add(1)
		waiters.Go(func() {
			waiting.Done()
			_, _ = db.ExecContext(ctx, "INSERT INTO t VALUES (1)")
		})
	}
	waiting.Wait()
	for range 1000 {
		if err := read(t.Context(), db); err != nil {
			t.Fatalf("a reader: %v", err)
		}
	}
	if n := db.Pool().Stats().WaitCount; n > 0 {
		t.Errorf("connections were waited for %d times", n)
	}
	giveUp()
	waiters.Wait()
	third := open(t, url, database.Options{})
	for name, change := range map[string]func() error{
		"a statement":   func() error { _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (2)"); return err },
		"a transaction": func() error { return third.Change(t.Context(), func(database.Queryer) error { return nil }) },
	} {
		waiters.Go(func() {
			err := change()
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "such as an import") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	waiters.Wait()
	close(end)
	group.Wait()
}

func read(ctx context.Context, db *database.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT n FROM t")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		continue
	}
	return rows.Err()
}
