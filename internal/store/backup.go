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

// kept are the tables of a backup, in the order in which foreign keys allow their restoration.
var kept = []string{
	"meta", "providers", "plans", "domains", "domain_names", "accounts", "addresses", "digests", "overrides",
	"pacc", "checks", "links", "link_events", "link_notices", "messages", "people", "recovery_codes",
	"passkeys", "tokens", "audit", "certificates", "acme_accounts",
}

// leftOut are the tables that aren't in a backup, and why. A test compares both lists with the
// schema.
var leftOut = map[string]string{
	schemaTable: "the schema's version is in the first line",
	"failures":  "what clients got wrong in the last minutes",
	"leases":    "who works at something right now",
	"sessions":  "everybody signs in again: one that ended since must not come back",

	"acme_challenges":    "what an ACME server asks for right now",
	"certificate_orders": "what was ordered in the last hours",
	"source_names":       "they are read from the sources again",
}

// emptied are tables that aren't in a backup, but whose rows refer to rows that a restoration
// replaces.
var emptied = []string{"sessions"}

// ownMeta excludes facts of the database, not of the site: these numbers only rise.
const ownMeta = ` WHERE name NOT IN ('` + metaGeneration + `', '` + metaConfig + `', '` +
	metaIssued + `', '` + metaNames + `')`

// BackupOptions are the parts of [About] that the database doesn't know.
type BackupOptions struct {
	Now     time.Time
	Program string // the version of autoconfig
	Secret  string // see [About]
	// Wrote is called for every row unless it is nil.
	Wrote func(rows int)
}

// Backup writes everything that is kept, in one consistent state. Its memory doesn't depend on
// the amount.
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

// Holdings returns the number of rows of each table that a backup would have, not counting the
// site's identity.
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

// columnTypes are the databases' names for them. MySQL may report texts as bytes.
var columnTypes = map[string]columnType{
	"text": textType, "varchar": textType, "mediumtext": textType, "character varying": textType,
	"integer": integerType, "bigint": integerType, "int": integerType,
	"blob": bytesType, "bytea": bytesType, "binary": bytesType, "varbinary": bytesType, "mediumblob": bytesType,
}

// table is one of our tables, with its columns sorted by name, which is the same in all
// databases.
type table struct {
	name    string
	columns []string
	types   []columnType
	where   string // selects the rows to keep
}

// tables returns the tables to keep that the schema has: an older one has fewer.
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

// read calls each with the values of every row, as they are in a backup. They are only valid
// during the call.
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
