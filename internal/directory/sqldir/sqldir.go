package sqldir

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
)

// DefaultTimeout bounds each call.
const DefaultTimeout = 2 * time.Second

const (
	// walkTimeout bounds a list that isn't asked for in pages.
	walkTimeout = 10 * time.Minute
	// maxRows bounds the rows of an answer about one address or domain.
	maxRows = 1000
)

// Queries are SELECTs in the database's own SQL, with parameters that are bound,
// never put into the text: :address (ASCII letters in lower case), its parts
// :local and :domain; :text that is searched for, and :pattern, which is the text
// with % around it for LIKE, where %, _ and \ of the text have a \ before them
// (SQLite needs ESCAPE '\'); :limit, and :after, the last address of the page
// before ("" for the first). PostgreSQL wants :domain::text where the place doesn't
// say what a parameter is.
type Queries struct {
	// Account finds mailboxes by :address, or by :local and :domain. Its columns, in
	// any order and letter case: address (the mailbox's primary address), and as far
	// as known login, name, groups and addresses (lists with commas or blanks), quota
	// (bytes, or a text such as 500MB), devices (one or several), protocol (imap or
	// pop3), active (0, false, n: there, but out of use). Several rows with one address
	// are one mailbox with the groups and addresses of all.
	Account string
	// Alias finds where an address leads that is no mailbox: column target, an address
	// or a list; and if it can match others than the one that is asked for, address,
	// the alias itself. It must not find catch-alls. May be "".
	Alias string
	// Domain finds a domain or an alias of one by :domain: columns domain (its primary
	// name), plan, active. May be "".
	Domain string
	// Domains gives the names of all domains, aliases as well: columns name, domain (its
	// primary name, if that is another one), plan, active. With :after and :limit it is
	// asked for page after page, ordered by the name. May be "".
	Domains string
	// Search finds accounts by :pattern or :text, at most :limit, within :domain unless
	// that is "". Its columns are those of Account. May be "".
	Search string
	// List gives all accounts, of which address, addresses and active are read. With
	// :after and :limit it is asked for page after page, ordered by the address. May be "".
	List string
}

// Options are what a Source needs.
type Options struct {
	Address database.Address
	Folder  string // of a relative SQLite file
	Queries Queries
	// Timeout bounds each call; [DefaultTimeout] if 0.
	Timeout time.Duration
	// Connections bounds the pool; [database.DefaultConnections] if 0. A list has one
	// beside them; in SQLite it has one of them, and there are 2 at least.
	Connections int
	// Logger is slog.Default if nil.
	Logger *slog.Logger
}

// Source is a [directory.Source] in a database.
type Source struct {
	db, lists   *database.DB // lists has no short limit in the server
	timeout     time.Duration
	attempts    int
	logger      *slog.Logger
	account     *query
	alias       *query
	domain      *query
	domains     *query
	search      *query
	list        *query
	asked       atomic.Int64 // questions
	ambiguous   atomic.Int64
	unusable    atomic.Int64
	dropped     atomic.Int64
	disbelieved atomic.Int64
}

var _ directory.Source = (*Source)(nil)

// Stats count what couldn't be used, since the start.
type Stats struct {
	// Ambiguous addresses led to several mailboxes, or a domain to several.
	Ambiguous int64
	// Unusable accounts, domains and targets had a value that can't be handed out.
	Unusable int64
	// Dropped are single values without which an account was used.
	Dropped int64
	// Disbelieved answers were for another address than the one that was asked for,
	// which the database takes for the same.
	Disbelieved int64
}

// query is one of the Queries.
type query struct {
	*statement
	name    string
	columns []string // those that it may have; the first must be there
	// given are those that it had when it was last asked.
	given atomic.Pointer[[]string]
}

var accountColumns = []string{
	"address", "login", "name", "groups", "quota", "devices", "protocol", "addresses",
	"active",
}

// Open reads the queries and prepares a pool. It doesn't connect.
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
		needed     [][]string // one of each must be used
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

// Close ends its connections.
func (s *Source) Close() error {
	if s.lists != s.db {
		return errors.Join(s.db.Close(), s.lists.Close())
	}
	return s.db.Close()
}

// Stats count what couldn't be used.
func (s *Source) Stats() Stats {
	return Stats{s.ambiguous.Load(), s.unusable.Load(), s.dropped.Load(), s.disbelieved.Load()}
}

// Ping tells whether it can be asked now.
func (s *Source) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.again(ctx, func() error { return s.db.Ping(ctx) })
}

// Check has the database judge all queries without reading a row. It joins a
// [QueryError] for each; those that are [ErrQuery] must be mended in the queries,
// others mean that it can't be asked.
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
		// The line break ends a comment. Databases don't work out what can't be.
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

// ask runs a query and calls each for every row. Where the connection turns out to
// have ended meanwhile, it is asked again, unless rows were there already.
func (s *Source) ask(ctx context.Context, q *query, values map[string]any, each func(row) error) error {
	text, args := q.sql(values)
	some := false
	return s.again(ctx, func() error {
		err := s.rows(ctx, s.db, q, text, args, func(r row) error {
			some = true
			return each(r)
		})
		switch {
		case some && err != nil:
			return final{err}
		case database.IsForeign(err) && slices.ContainsFunc(args, foreign):
			return nil // there can't be any
		}
		return err
	})
}

// foreign tells whether a value has letters that not every character set has.
func foreign(arg any) bool {
	text, ok := arg.(string)
	return ok && !isASCII(text)
}

// final is an error after which nothing is tried again.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// again repeats what failed because a connection of the pool had ended, which it
// finds out only by using it: at most once for each, and once anew.
func (s *Source) again(ctx context.Context, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		var last final
		if err == nil || n >= s.attempts || ctx.Err() != nil || errors.As(err, &last) || !database.IsLost(err) {
			return err
		}
	}
}

// rows runs a query's text.
func (s *Source) rows(
	ctx context.Context, db *database.DB, q *query, text string, args []any, each func(row) error,
) error {
	fail := func(err error) error {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w (%w)", cause, err)
		}
		return &QueryError{q.name, "ask the query " + q.name + ": " + withoutValues(err.Error(), args), err}
	}
	rows, err := db.Pool().QueryContext(ctx, text, args...)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = rows.Close() }() // its error is that of rows.Err
	columns, err := rows.Columns()
	if err != nil {
		return fail(err)
	}
	if err := q.checkColumns(columns); err != nil {
		return err
	}
	values := make([]any, len(columns))
	pointers := make([]any, len(columns))
	for i := range values {
		pointers[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return fail(err)
		}
		r := make(row, len(columns))
		for i, column := range columns {
			r[column] = values[i]
		}
		if err := each(r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fail(err)
	}
	return nil
}

// checkColumns looks at the columns of an answer, and brings their names into lower case.
func (q *query) checkColumns(columns []string) error {
	for i, column := range columns {
		columns[i] = strings.ToLower(column)
		if !slices.Contains(q.columns, columns[i]) {
			return unusable(q.name, "its column %q is not known: give it one of the names %s (… AS %s)", column,
				strings.Join(q.columns, ", "), q.columns[0])
		}
		if slices.Contains(columns[:i], columns[i]) {
			return unusable(q.name, "it has two columns %q", columns[i])
		}
	}
	if !slices.Contains(columns, q.columns[0]) {
		return unusable(q.name, "it has no column %q", q.columns[0])
	}
	q.given.Store(&columns)
	return nil
}

// QueryError is what is wrong with one query.
type QueryError struct {
	// Query is account, alias, domain, domains, search or list.
	Query string
	text  string // without the values in it: they are somebody's address
	err   error
}

func (e *QueryError) Error() string { return e.text }

// Unwrap is the cause, which is [ErrQuery] where the query must be mended.
func (e *QueryError) Unwrap() error { return e.err }

// unusable is a query that can't be used as it is written.
func unusable(name, format string, args ...any) error {
	err := fmt.Errorf("%w: "+name+": "+format, append([]any{ErrQuery}, args...)...)
	return &QueryError{name, err.Error(), err}
}

func withoutValues(text string, args []any) string {
	for _, arg := range args {
		if value, ok := arg.(string); ok && len(strings.Trim(value, "%")) > 2 {
			text = strings.ReplaceAll(text, value, "…")
		}
	}
	return text
}

// errEnough ends reading rows.
var errEnough = errors.New("enough")

// all reads at most limit rows.
func (s *Source) all(ctx context.Context, q *query, values map[string]any, limit int) ([]row, error) {
	s.asked.Add(1)
	var found []row
	err := s.ask(ctx, q, values, func(r row) error {
		if len(found) == limit {
			return errEnough
		}
		found = append(found, r)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}
