package sqldir

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"autoconfig/internal/database"
)

// maxQuery bounds the text of a query in bytes.
const maxQuery = 64 << 10

// ErrQuery means that a query can't be used as it is written.
var ErrQuery = errors.New("the query can't be used")

// statement is a query whose named parameters were found. parts has one element
// more than names: the text before, between and behind them.
type statement struct {
	kind  database.Kind
	parts []string
	names []string
}

// parseStatement reads one SELECT. Only the names in allowed may stand in it, each
// as a colon and the name, as often as it likes. Its errors are without the name
// of the query.
func parseStatement(kind database.Kind, query string, allowed []string) (*statement, error) {
	switch {
	case len(query) > maxQuery:
		return nil, fmt.Errorf("it is longer than %d bytes", maxQuery)
	case strings.ContainsRune(query, 0):
		return nil, errors.New("it contains a NUL")
	}
	r := reader{
		scanner: scanner{kind: kind, text: query}, allowed: allowed,
		out: &statement{kind: kind}, end: -1,
	}
	for {
		kind, token, err := r.next()
		switch {
		case err != nil:
			return nil, err
		case kind == tokenEnd:
			return r.finish()
		case kind == tokenBlank:
			continue
		}
		if err := r.take(kind, token); err != nil {
			return nil, err
		}
	}
}

// reader makes a statement of the tokens of a query.
type reader struct {
	scanner
	allowed []string
	out     *statement
	copied  int  // how far the text is in out
	begun   bool // there was a token
	end     int  // where the first semicolon is; negative before
}

// take looks at a token that isn't blank.
func (r *reader) take(kind token, text string) error {
	if r.end >= 0 && kind != tokenSemicolon {
		return errors.New("it has more than one statement: there is something behind a semicolon")
	}
	if !r.begun && !strings.EqualFold(text, "SELECT") && !strings.EqualFold(text, "WITH") {
		return errors.New("it doesn't begin with SELECT (or WITH)")
	}
	r.begun = true
	switch kind {
	case tokenSemicolon:
		if r.end < 0 {
			r.end = r.at - len(text)
		}
	case tokenWord:
		if strings.EqualFold(text, "INTO") {
			return errors.New("SELECT … INTO writes, and only reading is possible")
		}
	case tokenMark:
		return fmt.Errorf("%q stands for a parameter without a name: write one of %s", text, colons(r.allowed))
	case tokenParameter:
		name := text[1:]
		if !slices.Contains(r.allowed, name) {
			return fmt.Errorf("it has no parameter %s: use %s (quote a colon that means something else)", text,
				colons(r.allowed))
		}
		r.out.parts = append(r.out.parts, r.text[r.copied:r.at-len(text)])
		r.out.names = append(r.out.names, name)
		r.copied = r.at
	}
	return nil
}

// finish adds what is behind the last parameter.
func (r *reader) finish() (*statement, error) {
	if !r.begun {
		return nil, errors.New("it is empty")
	}
	if r.end < 0 {
		r.end = len(r.text)
	}
	r.out.parts = append(r.out.parts, r.text[r.copied:r.end])
	return r.out, nil
}

func colons(names []string) string {
	return ":" + strings.Join(names, ", :")
}

// has tells whether the query uses a parameter.
func (s *statement) has(name string) bool { return s != nil && slices.Contains(s.names, name) }

// sql is the query in the database's own way, each parameter once for each place
// where it stands, and their values in that order.
func (s *statement) sql(values map[string]any) (string, []any) {
	var b strings.Builder
	args := make([]any, len(s.names))
	for i, name := range s.names {
		b.WriteString(s.parts[i])
		// Blanks keep it apart from a word before and behind.
		if s.kind == database.PostgreSQL {
			b.WriteString(" $" + strconv.Itoa(i+1) + " ")
		} else {
			b.WriteString(" ? ")
		}
		args[i] = values[name]
	}
	b.WriteString(s.parts[len(s.names)])
	return b.String(), args
}
