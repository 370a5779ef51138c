package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"autoconfig/internal/database"
)

// ErrNotEmpty means that restoring a backup would replace something.
var ErrNotEmpty = errors.New("the database is not empty")

// RestoreOptions configure a restoration. All are optional.
type RestoreOptions struct {
	// Replace permits it to replace what is there.
	Replace bool
	// Read is called for every row unless it is nil.
	Read func(rows int)
}

// Restore replaces everything by a backup, which may come from another kind of database or an older
// version. What was written is read back and compared before the commit. Caches are invalidated.
// Errors are [ErrBackup], [ErrNotEmpty], [ErrNewerSchema] and the database's.
func (s *Store) Restore(ctx context.Context, r io.Reader, o RestoreOptions) (all Archive, err error) {
	archive, err := openArchive(r)
	if err != nil {
		return all, err
	}
	provider, err := s.provider()
	if err != nil {
		return all, err
	}
	schema, err := provider.GetDBVersion(ctx)
	if err != nil {
		return all, err
	}
	if archive.about.Schema > schema {
		return all, fmt.Errorf("%w: autoconfig %s wrote the backup with schema %d, this database has %d; use the newer "+
			"autoconfig",
			ErrNewerSchema, archive.about.Program, archive.about.Schema, schema)
	}
	if archive.about.Schema < schema {
		newer, remove, err := s.upgraded(ctx, archive, o)
		if err != nil {
			return all, err
		}
		defer remove()
		about := archive.about
		if archive, err = openArchive(newer); err != nil {
			return all, err
		}
		defer func() { all.About = about }()
		o.Read = nil // already called
	}
	if !o.Replace {
		rows, err := s.Holdings(ctx)
		if err != nil {
			return all, err
		}
		if err := notEmpty(rows); err != nil { // early, before the work; empty decides
			return all, err
		}
	}
	err = s.changeBy(ctx, s.db.ChangeAlone, func(tx database.Queryer) (bool, error) {
		if err := s.alone(ctx, tx); err != nil {
			return false, err
		}
		if err := s.empty(ctx, tx, o.Replace); err != nil {
			return false, err
		}
		if all, err = s.restore(ctx, tx, archive, o); err != nil {
			return false, err
		}
		if err := s.reissue(ctx, tx); err != nil {
			return false, err
		}
		if err := unqueue(ctx, tx); err != nil {
			return false, err
		}
		return true, raiseConfig(ctx, tx)
	})
	return all, err
}

// alone locks out all other writers until the transaction ends; readers continue. MySQL does so when
// all rows are removed.
func (s *Store) alone(ctx context.Context, tx database.Queryer) error {
	if s.db.Kind != database.PostgreSQL {
		return nil
	}
	_, err := tx.ExecContext(ctx, `LOCK TABLE `+
		strings.Join(append(slices.Clone(emptied), kept...), ", ")+` IN EXCLUSIVE MODE`)
	return err
}

// empty removes what a backup replaces, or refuses to.
func (s *Store) empty(ctx context.Context, tx database.Queryer, replace bool) error {
	rows := map[string]int64{}
	for _, name := range append(slices.Clone(emptied), kept...) {
		where := ""
		if name == "meta" {
			where = ownMeta
		}
		result, err := tx.ExecContext(ctx, `DELETE FROM `+name+where)
		if err != nil {
			return err
		}
		if rows[name], err = result.RowsAffected(); err != nil {
			return err
		}
	}
	rows["meta"] = 0
	if replace {
		return nil
	}
	return notEmpty(rows)
}

// notEmpty returns [ErrNotEmpty] with the non-empty tables.
func notEmpty(rows map[string]int64) error {
	var there []string
	for _, name := range append(slices.Clone(kept), emptied...) {
		if name != "domain_names" && name != "addresses" && name != "digests" && rows[name] > 0 { // those are derived
			there = append(there, fmt.Sprintf("%s %d", name, rows[name]))
		}
	}
	if len(there) == 0 {
		return nil
	}
	return fmt.Errorf("%w: it has rows (%s)", ErrNotEmpty, strings.Join(there, ", "))
}

// restore inserts the rows of a backup into empty tables, and compares them.
func (s *Store) restore(
	ctx context.Context, tx database.Queryer, archive *archiveReader, o RestoreOptions,
) (Archive, error) {
	tables, err := s.tables(ctx, tx)
	if err != nil {
		return Archive{}, err
	}
	known := map[string]table{}
	for _, t := range tables {
		known[t.name] = t
	}
	w := &tableWriter{kind: s.db.Kind, tx: tx, sums: map[string]sum{}}
	all, err := archive.rest(func(line tableLine, values []json.RawMessage) error {
		if o.Read != nil {
			o.Read(1)
		}
		if line.Table != w.table.name {
			t, found := known[line.Table]
			if !found || !slices.Equal(t.columns, line.Columns) {
				return archive.broken("the schema %d has no table %q with the columns %s", archive.about.Schema, line.Table,
					strings.Join(line.Columns, ", "))
			}
			if err := w.flush(ctx); err != nil {
				return err
			}
			w.begin(t)
		}
		if err := w.put(ctx, values); err != nil {
			return fmt.Errorf("line %d of the backup, of the table %s: %w", archive.line, line.Table, err)
		}
		return nil
	})
	if err != nil {
		return all, err
	}
	if err := w.flush(ctx); err != nil {
		return all, err
	}
	if err := missing(tables, all.Rows); err != nil {
		return all, err
	}
	if err := identified(ctx, tx, all.SiteID); err != nil {
		return all, err
	}
	if err := s.passSequences(ctx, tx); err != nil {
		return all, err
	}
	return all, compareAll(ctx, tx, tables, w.sums)
}

// missing refuses a backup that lacks a table, which would otherwise count as empty.
func missing(tables []table, rows map[string]int64) error {
	for _, t := range tables {
		if _, found := rows[t.name]; !found {
			return fmt.Errorf("%w: it has no table %s", ErrBackup, t.name)
		}
	}
	return nil
}

// identified refuses a backup without the site's identity, on which everything depends.
func identified(ctx context.Context, tx database.Queryer, id string) error {
	var stored string
	err := tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, metaSiteID).Scan(&stored)
	if errors.Is(err, sql.ErrNoRows) || err == nil && stored != id {
		return fmt.Errorf("%w: its rows don't have the identity of the site, %q", ErrBackup, id)
	}
	return err
}

// compareAll reads back what was written, and compares it.
func compareAll(ctx context.Context, tx database.Queryer, tables []table, want map[string]sum) error {
	for _, t := range tables {
		var got sum
		err := t.read(ctx, tx, func(values []any) error { return got.add(values) })
		if err != nil {
			return err
		}
		if got != want[t.name] {
			return fmt.Errorf("the table %s isn't what the backup has, after it was written (%d rows of %d); nothing was "+
				"restored", t.name, got.rows, want[t.name].rows)
		}
	}
	return nil
}

// sum is an order-independent digest of rows.
type sum struct {
	rows   int64
	digest [sha256.Size]byte
}

func (s *sum) add(values []any) error {
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	s.rows++
	for i, b := range sha256.Sum256(text) {
		s.digest[i] ^= b
	}
	return nil
}

// tableWriter inserts the rows of tables, one table after the other.
type tableWriter struct {
	kind  database.Kind
	tx    database.Queryer
	table table
	batch *batch
	bytes int
	sums  map[string]sum
}

// maxInsert bounds a statement, in bytes: servers accept 16 MB by default.
const maxInsert = 2 << 20

func (w *tableWriter) begin(t table) {
	w.table = t
	w.bytes = 0
	w.batch = &batch{kind: w.kind, table: t.name, columns: t.columns}
}

func (w *tableWriter) put(ctx context.Context, texts []json.RawMessage) error {
	values, written := make([]any, len(texts)), make([]any, len(texts))
	for i, text := range texts {
		value, err := restored(w.table.types[i], text)
		if err == nil {
			written[i], err = archived(w.table.types[i], value)
		}
		if err != nil {
			return fmt.Errorf("%w: the column %s: %w", ErrBackup, w.table.columns[i], err)
		}
		values[i] = value
		w.bytes += len(text)
	}
	total := w.sums[w.table.name]
	if err := total.add(written); err != nil {
		return err
	}
	w.sums[w.table.name] = total
	if w.bytes > maxInsert {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	return w.batch.add(ctx, w.tx, values...)
}

func (w *tableWriter) flush(ctx context.Context) error {
	if w.batch == nil {
		return nil
	}
	w.bytes = 0
	return w.batch.flush(ctx, w.tx)
}

// passSequences sets PostgreSQL's sequences to continue after the inserted numbers; the others do so
// themselves. Sequences aren't rolled back.
func (s *Store) passSequences(ctx context.Context, tx database.Queryer) error {
	if s.db.Kind != database.PostgreSQL {
		return nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT table_name, column_name FROM information_schema.columns `+
		`WHERE table_schema = current_schema() AND is_identity = 'YES'`)
	if err != nil {
		return err
	}
	type identity struct{ table, column string }
	all, err := scanAll(rows, func(row scanner) (i identity, err error) { return i, row.Scan(&i.table, &i.column) })
	if err != nil {
		return err
	}
	for _, i := range all {
		if !slices.Contains(kept, i.table) {
			continue
		}
		sequence := `pg_get_serial_sequence('` + i.table + `', '` + i.column + `')`
		_, err := tx.ExecContext(ctx, `SELECT setval(`+sequence+`, GREATEST(nextval(`+sequence+`), (SELECT `+
			`COALESCE(MAX(`+i.column+`), 0) + 1 FROM `+i.table+`)), FALSE)`)
		if err != nil {
			return err
		}
	}
	return nil
}

// upgraded converts a backup of an older schema to the current one, in a database of its own to which
// the migrations are applied.
func (s *Store) upgraded(
	ctx context.Context, archive *archiveReader, o RestoreOptions,
) (newer io.Reader, remove func(), err error) {
	folder, err := os.MkdirTemp("", "autoconfig-restore-*") // mode 0700
	if err != nil {
		return nil, nil, err
	}
	remove = func() { _ = os.RemoveAll(folder) }
	file, err := os.Create(filepath.Join(folder, "newer"))
	if err != nil {
		remove()
		return nil, nil, err
	}
	remove = func() { _ = file.Close(); _ = os.RemoveAll(folder) }
	err = s.upgrade(ctx, folder, archive, file, o)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		remove()
		return nil, nil, fmt.Errorf("bring the backup of schema %d up to date: %w", archive.about.Schema, err)
	}
	return file, remove, nil
}

func (s *Store) upgrade(
	ctx context.Context, folder string, archive *archiveReader, to io.Writer, o RestoreOptions,
) error {
	db, err := database.Open(database.Address{Kind: database.SQLite, File: filepath.Join(folder, "older.db")},
		database.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	older := &Store{db: db, migrations: s.migrations}
	provider, err := older.provider()
	if err != nil {
		return err
	}
	if _, err := provider.UpTo(ctx, archive.about.Schema); err != nil {
		return err
	}
	err = db.Change(ctx, func(tx database.Queryer) error {
		_, err := older.restore(ctx, tx, archive, o)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	_, err = older.Backup(ctx, to, BackupOptions{Now: time.Time{}, Program: archive.about.Program})
	return err
}
