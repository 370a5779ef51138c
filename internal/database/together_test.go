package database_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"autoconfig/internal/database"
)

// What is done together stays or goes together, whichever method does it, and
// whatever a caller makes of an error in the middle.
func TestTogetherIsAllOrNothing(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, _ database.Kind, url string) {
		db := open(t, url, database.Options{})
		must(t, db, "CREATE TABLE t (a VARCHAR(20) PRIMARY KEY)")
		insert := func(ctx context.Context, a string) error {
			_, err := db.ExecContext(ctx, "INSERT INTO t (a) VALUES (?)", a)
			return err
		}
		count := func(ctx context.Context) (n int) {
			if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM t").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		refused := errors.New("refused")
		for name, f := range map[string]func(ctx context.Context) error{
			"its error": func(ctx context.Context) error { return errors.Join(insert(ctx, "a"), refused) },
			"a part's error that its caller passes over": func(ctx context.Context) error {
				_ = db.Change(ctx, func(tx database.Queryer) error {
					_, err := tx.ExecContext(ctx, "INSERT INTO t (a) VALUES ('b')")
					return errors.Join(err, refused)
				})
				return nil
			},
			"that of a part in a part": func(ctx context.Context) error {
				_ = db.Together(ctx, func(ctx context.Context) error { return errors.Join(insert(ctx, "c"), refused) })
				return nil
			},
			"a value that is there": func(ctx context.Context) error {
				return errors.Join(insert(ctx, "d"), insert(ctx, "d"), refused)
			},
		} {
			if err := db.Together(t.Context(), f); !errors.Is(err, refused) || count(t.Context()) != 0 {
				t.Errorf("%s: %v, %d rows", name, err, count(t.Context()))
			}
		}
		err := db.Together(t.Context(), func(ctx context.Context) error {
			if err := insert(ctx, "a"); err != nil {
				return err
			}
			var inside int
			err := db.View(ctx, func(q database.Queryer) error {
				return q.QueryRowContext(ctx, "SELECT COUNT(*) FROM t").Scan(&inside)
			})
			if inside != 1 || count(ctx) != 1 {
				t.Errorf("the transaction sees %d of its rows", inside)
			}
			return errors.Join(err, insert(ctx, "b"))
		})
		if err != nil || count(t.Context()) != 2 {
			t.Errorf("%v, %d rows of 2", err, count(t.Context()))
		}
	})
}

// Two who take the same rows in another order wait for each other: the database ends
// one, which is done again.
func TestTogetherIsDoneAgainAfterADeadlock(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, _ database.Kind, url string) {
		db := open(t, url, database.Options{})
		must(t, db, "CREATE TABLE t (a VARCHAR(20) PRIMARY KEY, n INT NOT NULL)")
		must(t, db, "INSERT INTO t (a, n) VALUES ('x', 0), ('y', 0)")
		var all sync.WaitGroup
		const several = 8 // each deadlock lets one get on, so that nobody needs more than maxRepeats tries
		for i := range several {
			rows := []string{"x", "y"}
			if i%2 == 1 {
				rows = []string{"y", "x"}
			}
			all.Go(func() {
				err := db.Together(t.Context(), func(ctx context.Context) error {
					for _, row := range rows {
						if _, err := db.ExecContext(ctx, "UPDATE t SET n = n + 1 WHERE a = ?", row); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if x, y := text(t, db, "SELECT n FROM t WHERE a = 'x'"), text(t, db, "SELECT n FROM t WHERE a = 'y'"); x != "8" || y != "8" {
			t.Errorf("%s and %s, want %d", x, y, several)
		}
	})
}
