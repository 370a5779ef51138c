package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"autoconfig/internal/database"
)

// maxRows bounds every table of another system's database.
const maxRows = 1_000_000

// automx2 is the content of its database (release 2021.4 and later; the table davserver exists
// since 2021.3).
type automx2 struct {
	providers []automx2Provider
	servers   []automx2Server
	dav       []automx2DAV
	ldap      []automx2LDAP
	domains   []automx2Domain
	// by domain, in the order of the servers' own ids
	serversOf, davOf map[int64][]int64
}

type automx2Provider struct {
	id              int64
	name, shortName string
}

type automx2Server struct {
	id, prio                   int64
	kind, host                 string
	port                       int
	socket, username, authName string
}

type automx2DAV struct {
	id        int64
	kind, url string
	port      int
	username  string
}

// automx2LDAP doesn't include the password.
type automx2LDAP struct {
	id                           int64
	host                         string
	port                         int
	ssl                          bool
	base, filter, uid, cn, login string
}

type automx2Domain struct {
	id, provider, ldap int64
	name               string
}

// ErrNotAutomx2 means that a database has other tables.
var ErrNotAutomx2 = errors.New("this is not a database of automx2")

// readAutomx2 reads all tables in one consistent state.
func readAutomx2(ctx context.Context, db *database.DB) (all automx2, err error) {
	err = db.View(ctx, func(q database.Queryer) error {
		has := func(table string) (bool, error) { return hasTable(ctx, q, db.Kind, table) }
		for _, table := range []string{"provider", "domain", "server", "server_domain", "ldapserver"} {
			if there, err := has(table); err != nil {
				return err
			} else if !there {
				return fmt.Errorf("%w: there is no table %s", ErrNotAutomx2, table)
			}
		}
		dav, err := has("davserver")
		if err != nil {
			return err
		}
		return all.read(ctx, q, dav)
	})
	return all, err
}

func hasTable(ctx context.Context, q database.Queryer, kind database.Kind, table string) (bool, error) {
	query := map[database.Kind]string{
		database.SQLite: `SELECT COUNT(*) FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?`,
		database.PostgreSQL: `SELECT COUNT(*) FROM information_schema.tables ` +
			`WHERE table_schema = ANY (current_schemas(false)) AND table_name = ?`,
		database.MySQL: `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() ` +
			`AND table_name = ?`,
	}[kind]
	n := 0
	err := q.QueryRowContext(ctx, query, table).Scan(&n)
	return n > 0, err
}

func (a *automx2) read(ctx context.Context, q database.Queryer, dav bool) (err error) {
	if a.providers, err = rows(ctx, q, `SELECT id, name, short_name FROM provider ORDER BY id`,
		func(p *automx2Provider) []any {
			return []any{&p.id, &p.name, &p.shortName}
		}); err != nil {
		return err
	}
	if a.servers, err = rows(ctx, q, `SELECT id, prio, type, name, port, socket_type, user_name, authentication `+
		`FROM server ORDER BY prio, id`, func(s *automx2Server) []any {
		return []any{&s.id, &s.prio, &s.kind, &s.host, &s.port, &s.socket, &s.username, &s.authName}
	}); err != nil {
		return err
	}
	if a.ldap, err = rows(ctx, q, `SELECT id, name, port, use_ssl, search_base, search_filter, attr_uid, `+
		`COALESCE(attr_cn, ''), COALESCE(bind_user, '') FROM ldapserver ORDER BY id`, func(l *automx2LDAP) []any {
		return []any{&l.id, &l.host, &l.port, &l.ssl, &l.base, &l.filter, &l.uid, &l.cn, &l.login}
	}); err != nil {
		return err
	}
	if a.domains, err = rows(ctx, q, `SELECT id, name, provider_id, COALESCE(ldapserver_id, 0) FROM domain ORDER BY id`,
		func(d *automx2Domain) []any {
			return []any{&d.id, &d.name, &d.provider, &d.ldap}
		}); err != nil {
		return err
	}
	if a.serversOf, err = links(ctx, q, `SELECT l.domain_id, l.server_id FROM server_domain l `+
		`JOIN server s ON s.id = l.server_id ORDER BY l.server_id`); err != nil || !dav {
		return err
	}
	if a.dav, err = rows(ctx, q, `SELECT id, type, url, port, COALESCE(user_name, '') FROM davserver ORDER BY id`,
		func(d *automx2DAV) []any {
			return []any{&d.id, &d.kind, &d.url, &d.port, &d.username}
		}); err != nil {
		return err
	}
	a.davOf, err = links(ctx, q, `SELECT l.domain_id, l.davserver_id FROM davserver_domain l `+
		`JOIN davserver s ON s.id = l.davserver_id ORDER BY l.davserver_id`)
	return err
}

// rows reads a table. into returns pointers to a row's columns.
func rows[T any](ctx context.Context, q database.Queryer, query string, into func(*T) []any) ([]T, error) {
	found, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	var list []T
	for found.Next() {
		if len(list) == maxRows {
			return nil, fmt.Errorf("a table has more than %d rows", maxRows)
		}
		var row T
		if err := found.Scan(into(&row)...); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, found.Err()
}

// links reads links of domains. Its query joins, because SQLite may have links to rows that are
// gone, which automx2 ignores.
func links(ctx context.Context, q database.Queryer, query string) (map[int64][]int64, error) {
	type link struct{ domain, server sql.NullInt64 }
	list, err := rows(ctx, q, query, func(l *link) []any { return []any{&l.domain, &l.server} })
	if err != nil {
		return nil, err
	}
	of := map[int64][]int64{}
	for _, l := range list {
		of[l.domain.Int64] = append(of[l.domain.Int64], l.server.Int64)
	}
	return of, nil
}
