package store

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"autoconfig/internal/database"
)

// kept are the tables of a backup. What a restored link or person needs comes
// before what is said of it.
var kept = []string{
	"meta", "providers", "plans", "domains", "domain_names", "accounts", "addresses", "digests", "overrides",
	"pacc", "checks", "links", "link_events", "messages", "people", "tokens", "audit", "certificates", "acme_accounts",
}

// leftOut are the tables that a backup doesn't have, and why. A test holds both
// lists against the schema.
var leftOut = map[string]string{
	schemaTable: "the schema's version is in the first line",
	"failures":  "what clients got wrong in the last minutes",
	"leases":    "who works at something right now",
	"sessions":  "everybody signs in again: one that ended since must not come back",

	"acme_challenges":    "what an ACME server asks for right now",
	"certificate_orders": "what was ordered in the last hours",
	"source_names":       "they are read from the sources again",
}

// emptied are tables that a backup doesn't have, whose rows belong to what a
// restore takes away.
var emptied = []string{"sessions"}

// ownMeta are facts of a database and not of the site: they only ever rise.
const ownMeta = ` WHERE name NOT IN ('` + metaGeneration + `', '` + metaConfig + `', '` +
	metaIssued + `', '` + metaNames + `')`

// BackupOptions are what the first line of a backup says beside what the database
// knows.
type BackupOptions struct {
	Now     time.Time
	Program string // the version of autoconfig
	Secret  string // see [About]
	// Wrote is told of every row; nil is good.
	Wrote func(rows int)
}

// Backup writes everything that is kept, as it was at one moment, and changes
// nothing. It needs the same memory however much there is.
func (s *Store) Backup(ctx context.Context, w io.Writer, o BackupOptions) (all Archive, err error) {
	provider, err := s.provider()
	if err != nil {
		return all, err
	}
	schema, err := provider.GetDBVersion(ctx)
	if err != nil {
		return all, err
	}
	err = s.db.View(ctx, func(q database.Queryer) error {
		all, err = s.backup(ctx, q, w, schema, o)
		return err
	})
	return all, err
}

func (s *Store) backup(
	ctx context.Context, q database.Queryer, w io.Writer, schema int64, o BackupOptions,
) (all Archive, err error) {
	about := About{
		Format: archiveFormat, Schema: schema, Kind: string(s.db.Kind), MadeAt: o.Now.UTC(),
		Program: o.Program, Secret: o.Secret,
	}
	if about.SiteID, err = meta(ctx, q, metaSiteID); err != nil {
		return all, err
	}
	tables, err := s.tables(ctx, q)
	if err != nil {
		return all, err
	}
	archive, err := newArchiveWriter(w, about)
	if err != nil {
		return all, err
	}
	for _, t := range tables {
		if err := archive.begin(tableLine{t.name, t.columns}); err != nil {
			return all, err
		}
		err := t.read(ctx, q, func(values []any) error {
			if o.Wrote != nil {
				o.Wrote(1)
			}
			return archive.row(values)
		})
		if err != nil {
			return all, err
		}
	}
	return Archive{about, archive.rows}, archive.end()
}

// Holdings are the rows of each table that a backup would have; the site's own
// identity isn't counted.
func (s *Store) Holdings(ctx context.Context) (map[string]int64, error) {
	rows := map[string]int64{}
	err := s.db.View(ctx, func(q database.Queryer) error {
		tables, err := s.tables(ctx, q)
		for _, t := range tables {
			var n int64
			if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+t.name+t.where).Scan(&n); err != nil {
				return err
			}
			rows[t.name] = n
		}
		rows["meta"] = 0
		return err
	})
	return rows, err
}

// columnType is what a column holds.
type columnType int

const (
	textType columnType = iota + 1
	integerType
	bytesType
)

// columnTypes are the databases' words for them. MySQL keeps texts as bytes too.
var columnTypes = map[string]columnType{
	"text": textType, "varchar": textType, "mediumtext": textType, "character varying": textType,
	"integer": integerType, "bigint": integerType, "int": integerType,
	"blob": bytesType, "bytea": bytesType, "binary": bytesType, "varbinary": bytesType, "mediumblob": bytesType,
}

// table is one of ours as the database has it; its columns are in the order of
// their names, which is the same everywhere.
type table struct {
	name    string
	columns []string
	types   []columnType
	where   string // of the rows that are kept
}

// tables are those that are kept, as far as the schema has them: an older one has
// fewer.
func (s *Store) tables(ctx context.Context, q database.Queryer) ([]table, error) {
	rows, err := q.QueryContext(ctx, map[database.Kind]string{
		database.SQLite: `SELECT t.name, c.name, LOWER(c.type) FROM sqlite_master t JOIN pragma_table_info(t.name) c ` +
			`WHERE t.type = 'table'`,
		database.PostgreSQL: `SELECT table_name, column_name, data_type FROM information_schema.columns ` +
			`WHERE table_schema = current_schema()`,
		database.MySQL: `SELECT table_name, column_name, data_type FROM information_schema.columns ` +
			`WHERE table_schema = DATABASE()`,
	}[s.db.Kind])
	if err != nil {
		return nil, err
	}
	type cell struct{ table, column, kind string }
	cells, err := scanAll(rows, func(row scanner) (c cell, err error) { return c, row.Scan(&c.table, &c.column, &c.kind) })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(cells, func(a, b cell) int { return strings.Compare(a.column, b.column) })
	var all []table
	for _, name := range kept {
		t := table{name: name}
		if name == "meta" {
			t.where = ownMeta
		}
		for _, c := range cells {
			if c.table != name {
				continue
			}
			of, known := columnTypes[c.kind]
			if !known {
				return nil, fmt.Errorf("the column %s of the table %s is of the type %q, which a backup has no form for",
					c.column, name, c.kind)
			}
			t.columns, t.types = append(t.columns, c.column), append(t.types, of)
		}
		if len(t.columns) > 0 {
			all = append(all, t)
		}
	}
	return all, nil
}

// read gives every row as it is written in a backup; the values are good until the
// next.
func (t table) read(ctx context.Context, q database.Queryer, each func(values []any) error) error {
	rows, err := q.QueryContext(ctx, `SELECT `+strings.Join(t.columns, ", ")+` FROM `+t.name+t.where)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	values, into := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range into {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			if values[i], err = archived(t.types[i], v); err != nil {
				return fmt.Errorf("the column %s of the table %s: %w", t.columns[i], t.name, err)
			}
		}
		if err := each(values); err != nil {
			return err
		}
	}
	return rows.Err()
}
