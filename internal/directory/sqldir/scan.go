package sqldir

import (
	"errors"
	"strings"

	"autoconfig/internal/database"
)

// token is what a piece of a query is.
type token int

const (
	tokenEnd       token = iota
	tokenBlank           // blanks and comments
	tokenWord            // a keyword, a name, a number
	tokenQuoted          // a text or a quoted name
	tokenParameter       // :name
	tokenMark            // a parameter in the database's own way, which we count ourselves
	tokenSemicolon
	tokenOther // an operator or a bracket
)

// scanner cuts a query into pieces, as far as needed to know what is text, what is
// a comment and what is a parameter. The dialects differ in that.
type scanner struct {
	kind database.Kind
	text string
	at   int // behind the piece that next returned
}

func (s *scanner) next() (token, string, error) {
	start := s.at
	kind, err := s.piece()
	return kind, s.text[start:s.at], err
}

// piece moves behind the next piece.
func (s *scanner) piece() (token, error) {
	rest := s.text[s.at:]
	if rest == "" {
		return tokenEnd, nil
	}
	switch c := rest[0]; {
	case isBlank(c):
		return s.one(tokenBlank)
	case c == '\'' || c == '"' || c == '`' && s.kind != database.PostgreSQL:
		return tokenQuoted, s.quoted(c, s.kind == database.MySQL && c != '`')
	case c == '[' && s.kind == database.SQLite:
		return tokenQuoted, s.until("]", 1, "the bracket of a name isn't closed")
	case s.isLineComment(rest):
		s.line()
		return tokenBlank, nil
	case strings.HasPrefix(rest, "/*"):
		return tokenBlank, s.comment()
	case c == ';':
		return s.one(tokenSemicolon)
	case c == ':':
		return s.colon(rest)
	case c == '?' && s.kind != database.PostgreSQL, c == '@' && s.kind == database.SQLite:
		return s.one(tokenMark)
	case c == '$' && s.kind != database.MySQL:
		return s.dollar(rest)
	case isNameByte(c):
		return s.word()
	}
	return s.one(tokenOther)
}

// one is a piece of one byte.
func (s *scanner) one(kind token) (token, error) {
	s.at++
	return kind, nil
}

// isLineComment tells whether a comment begins that ends with the line. MySQL wants a
// blank behind the dashes.
func (s *scanner) isLineComment(rest string) bool {
	if s.kind != database.MySQL {
		return strings.HasPrefix(rest, "--")
	}
	return rest[0] == '#' || strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' ')
}

// word is a name, a keyword or a number, or E'…' of PostgreSQL, the one text there in
// which a backslash counts.
func (s *scanner) word() (token, error) {
	start := s.at
	for s.at < len(s.text) && (isNameByte(s.text[s.at]) || s.text[s.at] == '$') {
		s.at++
	}
	quoted := s.at < len(s.text) && s.text[s.at] == '\''
	if s.kind == database.PostgreSQL && quoted && strings.EqualFold(s.text[start:s.at], "e") {
		return tokenQuoted, s.quoted('\'', true)
	}
	return tokenWord, nil
}

// colon is a parameter, a cast, or an operator.
func (s *scanner) colon(rest string) (token, error) {
	switch {
	case strings.HasPrefix(rest, "::"), strings.HasPrefix(rest, ":="):
		s.at += 2
		return tokenOther, nil
	case len(rest) > 1 && isNameByte(rest[1]) && (rest[1] < '0' || rest[1] > '9'):
		s.at++
		for s.at < len(s.text) && isNameByte(s.text[s.at]) {
			s.at++
		}
		return tokenParameter, nil
	}
	s.at++
	return tokenOther, nil
}

// dollar is a text in dollar quotes or a parameter, in PostgreSQL and SQLite.
func (s *scanner) dollar(rest string) (token, error) {
	n := 1
	for n < len(rest) && isNameByte(rest[n]) {
		n++
	}
	if s.kind == database.PostgreSQL && n < len(rest) && rest[n] == '$' && (n == 1 || rest[1] < '0' || rest[1] > '9') {
		return tokenQuoted, s.until(rest[:n+1], n+1, "the text in dollar quotes isn't closed")
	}
	s.at += n
	return tokenMark, nil
}

// quoted moves behind a text in quotes; a doubled quote is one in the text.
func (s *scanner) quoted(quote byte, backslash bool) error {
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '\\' && backslash:
			s.at++
		case c == quote && s.at+1 < len(s.text) && s.text[s.at+1] == quote:
			s.at++
		case c == quote:
			s.at++
			return nil
		}
	}
	s.at = len(s.text)
	return errors.New("a quote isn't closed")
}

// until moves behind an end that stands after the first skip bytes.
func (s *scanner) until(end string, skip int, problem string) error {
	i := strings.Index(s.text[s.at+skip:], end)
	if i < 0 {
		s.at = len(s.text)
		return errors.New(problem)
	}
	s.at += skip + i + len(end)
	return nil
}

func (s *scanner) line() {
	if i := strings.IndexByte(s.text[s.at:], '\n'); i >= 0 {
		s.at += i + 1
		return
	}
	s.at = len(s.text)
}

// comment moves behind one that may have others in it, in PostgreSQL.
func (s *scanner) comment() error {
	if rest := s.text[s.at+2:]; s.kind == database.MySQL &&
		(strings.HasPrefix(rest, "!") || strings.HasPrefix(rest, "M!")) {
		return errors.New("a comment that is run (/*! … */) can't be read")
	}
	if s.kind != database.PostgreSQL {
		return s.until("*/", 2, "a comment isn't closed")
	}
	for depth := 0; s.at < len(s.text); {
		switch rest := s.text[s.at:]; {
		case strings.HasPrefix(rest, "/*"):
			depth++
			s.at += 2
		case strings.HasPrefix(rest, "*/"):
			s.at += 2
			if depth--; depth == 0 {
				return nil
			}
		default:
			s.at++
		}
	}
	return errors.New("a comment isn't closed")
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}
