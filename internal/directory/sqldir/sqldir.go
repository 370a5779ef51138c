package sqldir

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
)

// DefaultTimeout is the time limit of each call.
const DefaultTimeout = 2 * time.Second

const (
	// walkTimeout is the time limit of a list that is not read in pages.
	walkTimeout = 10 * time.Minute
	// maxRows limits the rows of a result about one address or domain.
	maxRows = 1000
)

// Queries are SELECT statements in the database's own dialect. Parameters are bound, never inserted
// into the text:
//
//   - :address (ASCII letters in lower case) and its parts :local and :domain
//   - :text, what someone searches for, and :pattern, the same between two % for LIKE; %, _ and \ in
//     the text are escaped with \ (SQLite needs ESCAPE '\')
//   - :limit, and :after, the last address of the previous page ("" for the first page)
//
// PostgreSQL needs a cast, as in :domain::text, where it can't infer the type of a parameter.
type Queries struct {
	// Account finds mailboxes by :address, or by :local and :domain. Its columns, in any order and
	// letter case: address (the mailbox's primary address, required), login, name, groups and addresses
	// (lists separated by commas or spaces), quota (bytes, or a text such as 500MB), devices (one or
	// several), protocol (imap or pop3), active (0, false or n: exists, but is disabled). Rows with the
	// same address are one mailbox with the groups and addresses of all of them.
	Account string
	// Alias finds where an address leads that is not a mailbox. Its columns: target, an address or a
	// list, and address, the alias itself, if the query can match other aliases than the requested
	// one. It must not find catch-alls. May be "".
	Alias string
	// Domain finds a domain by :domain, its name or an alias. Its columns: domain (the primary name),
	// plan, active. May be "".
	Domain string
	// Domains lists the names of all domains, with aliases. Its columns: name, domain (the primary name,
	// if it differs), plan, active. A query with :after and :limit is run page by page, ordered by name.
	// May be "".
	Domains string
	// Search finds at most :limit accounts by :pattern or :text, within :domain unless that is "". Its
	// columns are those of Account. May be "".
	Search string
	// List lists all accounts; address, addresses and active are read. A query with :after and :limit
	// is run page by page, ordered by address. May be "".
	List string
}

// Options configure a [Source].
type Options struct {
	Address database.Address
	Folder  string // where a relative path of a SQLite file begins
	Queries Queries
	// Timeout is the time limit of each call; 0 means [DefaultTimeout].
	Timeout time.Duration
	// Connections is the size of the pool; 0 means [database.DefaultConnections]. Lists use one more
	// connection, except in SQLite: there they use one of the pool, which has at least 2.
	Connections int
	// Logger may be nil for [slog.Default].
	Logger *slog.Logger
}

// Source is a [directory.Source] in a database.
type Source struct {
	db, lists   *database.DB // the server gives lists more time
	timeout     time.Duration
	attempts    int
	logger      *slog.Logger
	account     *query
	alias       *query
	domain      *query
	domains     *query
	search      *query
	list        *query
	asked       atomic.Int64 // queries that were run
	ambiguous   atomic.Int64
	unusable    atomic.Int64
	dropped     atomic.Int64
	disbelieved atomic.Int64
}

var _ directory.Source = (*Source)(nil)

// Stats count data that could not be used, since the start.
type Stats struct {
	// Ambiguous addresses lead to several mailboxes, and names to several domains.
	Ambiguous int64
	// Unusable accounts, domains and targets have a value that must not be handed out.
	Unusable int64
	// Dropped values were ignored, and the rest of their account used.
	Dropped int64
	// Disbelieved results were for another address than the requested one, which the database
	// considers equal.
	Disbelieved int64
}

var accountColumns = []string{
	"address", "login", "name", "groups", "quota", "devices", "protocol", "addresses",
	"active",
}

// Open parses the queries and prepares a pool. It does not connect.
func Open(o Options) (*Source, error) {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Connections == 0 {
		o.Connections = database.DefaultConnections
	}
	s := &Source{timeout: o.Timeout, attempts: o.Connections + 1, logger: o.Logger}
	if o.Queries.Account == "" {
		return nil, &QueryError{"account", ErrQuery.Error() + ": there is none for account", ErrQuery}
	}
	for _, q := range []struct {
		into       **query
		name, text string
		parameters []string
		needed     [][]string // of each list, one must be used
		columns    []string
	}{
		{
			&s.account, "account", o.Queries.Account,
			[]string{"address", "local", "domain"},
			[][]string{{"address", "local"}},
			accountColumns,
		},
		{
			&s.alias, "alias", o.Queries.Alias,
			[]string{"address", "local", "domain"},
			[][]string{{"address", "local"}},
			[]string{"target", "address"},
		},
		{
			&s.domain, "domain", o.Queries.Domain,
			[]string{"domain"},
			[][]string{{"domain"}},
			[]string{"domain", "plan", "active"},
		},
		{
			&s.domains, "domains", o.Queries.Domains,
			[]string{"limit", "after"},
			nil,
			[]string{"name", "domain", "plan", "active"},
		},
		{
			&s.search, "search", o.Queries.Search,
			[]string{"text", "pattern", "limit", "domain"},
			[][]string{{"text", "pattern"}, {"limit"}},
			accountColumns,
		},
		{&s.list, "list", o.Queries.List, []string{"limit", "after"}, nil, []string{"address", "addresses", "active"}},
	} {
		if q.text == "" {
			continue
		}
		parsed, err := parseStatement(o.Address.Kind, q.text, q.parameters)
		if err != nil {
			return nil, unusable(q.name, "%w", err)
		}
		for _, names := range q.needed {
			if !slices.ContainsFunc(names, parsed.has) {
				return nil, unusable(q.name, "it doesn't use %s", strings.ReplaceAll(colons(names), ", ", " or "))
			}
		}
		*q.into = &query{statement: parsed, name: q.name, columns: q.columns}
	}
	for _, q := range []*query{s.list, s.domains} {
		if q != nil && q.has("after") != q.has("limit") {
			return nil, unusable(q.name, "it needs both :after and :limit, or neither")
		}
	}
	if s.domains != nil && s.domain == nil {
		return nil, unusable("domains", "there is none for domain: what is listed must be found by its name as well")
	}
	if o.Address.Kind == database.SQLite && o.Connections == 1 {
		o.Connections = 2
	}
	var err error
	if s.db, err = database.Open(o.Address, database.Options{
		Folder: o.Folder, Connections: o.Connections,
		ReadOnly: true, Timeout: o.Timeout,
	}); err != nil {
		return nil, err
	}
	s.lists = s.db
	if o.Address.Kind != database.SQLite {
		if s.lists, err = database.Open(o.Address, database.Options{
			Folder: o.Folder, Connections: 1, ReadOnly: true,
			Timeout: walkTimeout,
		}); err != nil {
			return nil, errors.Join(err, s.db.Close())
		}
	}
	return s, nil
}

// Close closes the connections.
func (s *Source) Close() error {
	if s.lists != s.db {
		return errors.Join(s.db.Close(), s.lists.Close())
	}
	return s.db.Close()
}

// Stats returns the counters.
func (s *Source) Stats() Stats {
	return Stats{s.ambiguous.Load(), s.unusable.Load(), s.dropped.Load(), s.disbelieved.Load()}
}

// Ping reports whether the database answers now.
func (s *Source) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.again(ctx, func() error { return s.db.Ping(ctx) })
}

// Check lets the database parse all queries, without reading a row. It joins the [QueryError]s of all
// queries. [ErrQuery] means that the query's text is wrong, any other error that the database can't
// be asked.
func (s *Source) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.again(ctx, func() error { return s.db.Ping(ctx) }); err != nil {
		return err
	}
	var problems []error
	for _, q := range []*query{s.account, s.alias, s.domain, s.domains, s.search, s.list} {
		if q == nil {
			continue
		}
		text, args := q.sql(map[string]any{
			"address": "a@example.com", "local": "a", "domain": "example.com", "text": "a",
			"pattern": "%a%", "limit": int64(1), "after": "",
		})
		// The line break ends a comment in the query. Databases don't evaluate WHERE 1 = 0 row by row.
		err := s.rows(ctx, s.db, q, "SELECT * FROM (\n"+text+"\n) AS checked WHERE 1 = 0", args,
			func(row) error { return nil })
		switch {
		case errors.Is(err, ErrQuery):
			problems = append(problems, err)
		case ctx.Err() != nil || database.IsLost(err):
			return errors.Join(append(problems, err)...)
		case err != nil:
			problems = append(problems, &QueryError{q.name, ErrQuery.Error() + ": " + err.Error(), errors.Join(ErrQuery, err)})
		}
	}
	return errors.Join(problems...)
}
