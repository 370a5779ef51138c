package database_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"autoconfig/internal/database"
	"autoconfig/internal/testkit"
)

// What was acknowledged is on the disk, whichever connection of the pool wrote it, and
// the journal doesn't keep its largest size.
func TestSQLiteWritesBeforeItAcknowledges(t *testing.T) {
	t.Parallel()
	db := open(t, kinds[database.SQLite](t), database.Options{Connections: 4})
	var all []*sql.Conn
	for range 4 {
		c, err := db.Pool().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for i, c := range all {
		for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "journal_size_limit": "4194304"} {
			var got string
			if err := c.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("connection %d: %s is %s, want %s (%v)", i, pragma, got, want, err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// After a big change that failed, the journal shrinks when the next ones are written.
func TestSQLitesJournalShrinksAgain(t *testing.T) {
	t.Parallel()
	url := kinds[database.SQLite](t)
	db := open(t, url, database.Options{})
	must(t, db, "CREATE TABLE t (a TEXT)")
	size := func() int64 {
		info, err := os.Stat(strings.TrimPrefix(url, "sqlite:") + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	refused := errors.New("refused")
	err := db.Change(t.Context(), func(tx database.Queryer) error {
		for range 200 {
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (?)", strings.Repeat("x", 100_000)); err != nil {
				return err
			}
		}
		return refused
	})
	if !errors.Is(err, refused) || size() < 10<<20 {
		t.Fatalf("%v, %d bytes", err, size())
	}
	for range 300 { // more pages than are kept before they go into the file
		must(t, db, "INSERT INTO t VALUES (?)", strings.Repeat("x", 40_000))
	}
	if n := size(); n > 6<<20 {
		t.Errorf("the journal still has %d bytes", n)
	}
}

// A server that may lose what it acknowledged is named with its setting.
func TestNotDurable(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind, url string) {
		// The tests' servers are set for speed.
		want := map[database.Kind]string{database.PostgreSQL: "fsync is off instead of on, full_page_writes is off instead of on", database.MySQL: "innodb_flush_log_at_trx_commit is 2 instead of 1"}[kind]
		if got, err := open(t, url, database.Options{}).NotDurable(t.Context()); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	})
	t.Run("postgres by its user", func(t *testing.T) {
		t.Parallel()
		server := testkit.StartPostgreSQL(t, "fsync=on", "full_page_writes=on", "synchronous_commit=off")
		if got, err := open(t, server.Create(t), database.Options{}).NotDurable(t.Context()); err != nil || got != "synchronous_commit is off instead of on" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// A change that fails for want of room is noted until one can be made.
func TestWhatCantBeWrittenIsNoted(t *testing.T) {
	t.Parallel()
	db := open(t, kinds[database.SQLite](t), database.Options{Connections: 1})
	must(t, db, "CREATE TABLE t (a TEXT UNIQUE)")
	insert := func(ctx context.Context) error {
		_, err := db.ExecContext(ctx, "INSERT INTO t VALUES (?)", strings.Repeat("x", 10_000))
		return err
	}
	if err := errors.Join(insert(t.Context()), insert(t.Context())); err == nil || db.Unwritable() != nil {
		t.Fatalf("refused for another reason: %v, noted %v", err, db.Unwritable())
	}
	must(t, db, "DELETE FROM t")
	must(t, db, "VACUUM")
	must(t, db, "PRAGMA max_page_count = 3")
	if err := insert(t.Context()); err == nil || db.Unwritable() == nil || !strings.Contains(db.Unwritable().Err.Error(), "full") {
		t.Fatalf("full: %v, noted %v", err, db.Unwritable())
	}
	if err := db.CanWrite(t.Context(), insert); err == nil || db.Unwritable() == nil {
		t.Errorf("tried again: %v, noted %v", err, db.Unwritable())
	}
	must(t, db, "PRAGMA max_page_count = 1000")
	if err := db.CanWrite(t.Context(), insert); err != nil || db.Unwritable() != nil {
		t.Errorf("there is room: %v, noted %v", err, db.Unwritable())
	}
	if err := db.Change(t.Context(), func(tx database.Queryer) error {
		must(t, tx, "PRAGMA max_page_count = 3")
		_, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (?)", strings.Repeat("y", 10_000))
		return err
	}); err == nil || db.Unwritable() == nil {
		t.Errorf("full in a transaction: %v, noted %v", err, db.Unwritable())
	}
}
