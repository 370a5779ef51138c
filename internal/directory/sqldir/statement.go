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
	s := scanner{kind: kind, text: query}
	out := &statement{kind: kind}
	copied, words, ended := 0, 0, -1
	for {
		kind, token, err := s.next()
		if err != nil {
			return nil, err
		}
		if kind == tokenEnd {
			break
		}
		if kind == tokenBlank {
			continue
		}
		if ended >= 0 && kind != tokenSemicolon {
			return nil, errors.New("it has more than one statement: there is something behind a semicolon")
		}
		if words == 0 && !strings.EqualFold(token, "SELECT") && !strings.EqualFold(token, "WITH") {
			return nil, errors.New("it doesn't begin with SELECT (or WITH)")
		}
		words++
		switch kind {
		case tokenSemicolon:
			if ended < 0 {
				ended = s.at - len(token)
			}
		case tokenWord:
			if strings.EqualFold(token, "INTO") {
				return nil, errors.New("SELECT … INTO writes, and only reading is possible")
			}
		case tokenMark:
			return nil, fmt.Errorf("%q stands for a parameter without a name: write one of %s", token, colons(allowed))
		case tokenParameter:
			name := token[1:]
			if !slices.Contains(allowed, name) {
				return nil, fmt.Errorf("it has no parameter %s: use %s (quote a colon that means something else)", token, colons(allowed))
			}
			out.parts = append(out.parts, query[copied:s.at-len(token)])
			out.names = append(out.names, name)
			copied = s.at
		}
	}
	if words == 0 {
		return nil, errors.New("it is empty")
	}
	if ended < 0 {
		ended = len(query)
	}
	out.parts = append(out.parts, query[copied:ended])
	return out, nil
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
