package sqldir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"autoconfig/internal/database"
)

// query is one of the [Queries].
type query struct {
	*statement
	name    string
	columns []string // the columns that it may return; the first is required
	// given are the columns that it returned when it last ran.
	given atomic.Pointer[[]string]
}

// ask runs a query and calls each for every row. If the connection turns out to be closed, the
// query runs again, unless it had returned rows already.
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
			return nil // no row can contain letters that the database can't store
		}
		return err
	})
}

// foreign reports whether a value contains letters that some character sets lack.
func foreign(arg any) bool {
	text, ok := arg.(string)
	return ok && !isASCII(text)
}

// final is an error that ends all attempts.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// again retries what failed because a pooled connection was closed. The pool notices that only
// when it uses the connection, so that each one may fail once before a new one is opened.
func (s *Source) again(ctx context.Context, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		var last final
		if err == nil || n >= s.attempts || ctx.Err() != nil || errors.As(err, &last) || !database.IsLost(err) {
			return err
		}
	}
}

// rows runs the text of a query, and calls each for every row.
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
	defer func() { _ = rows.Close() }() // rows.Err returns the same error
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

// checkColumns checks the columns of a result, and converts their names to lower case.
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

// QueryError is an error of one query.
type QueryError struct {
	// Query is account, alias, domain, domains, search or list.
	Query string
	text  string // without the bound values, which are personal data
	err   error
}

func (e *QueryError) Error() string { return e.text }

// Unwrap returns the cause: [ErrQuery] if the query's text is wrong.
func (e *QueryError) Unwrap() error { return e.err }

// unusable returns the error of a query whose text is wrong.
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

// errEnough stops the reading of rows.
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
