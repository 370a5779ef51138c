package sqldir

import (
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/database"
)

var allKinds = []database.Kind{database.SQLite, database.PostgreSQL, database.MySQL}

func TestParametersAreFoundWhereTheyAre(t *testing.T) {
	t.Parallel()
	const p, m, l = database.PostgreSQL, database.MySQL, database.SQLite
	for _, test := range []struct {
		kind        database.Kind
		query, want string // want "" is that nothing changes but the end
		names       string
	}{
		{p, "SELECT a FROM t WHERE b = :address", "SELECT a FROM t WHERE b =  $1 ", "address"},
		{m, "SELECT a FROM t WHERE b = :address", "SELECT a FROM t WHERE b =  ? ", "address"},
		{l, "select:local,:domain,:local", "select ? , ? , ? ", "local domain local"},
		{p, "SELECT :local||'@'||:domain;", "SELECT  $1 ||'@'|| $2 ", "local domain"},
		{p, "SELECT ':address', \":address\", E'\\':address', 'it''s :address' ; ; -- :address", "SELECT ':address', \":address\", E'\\':address', 'it''s :address' ", ""},
		{p, `SELECT '\', :local, ':x'`, `SELECT '\',  $1 , ':x'`, "local"}, // a backslash is nothing special
		{m, `SELECT '\', :local, ':x'`, "", "!no parameter :x"},
		{m, `SELECT '\':x', "\":x", :local`, `SELECT '\':x', "\":x",  ? `, "local"},
		{m, "SELECT `a``:x`, :local # :x\n, 1", "SELECT `a``:x`,  ?  # :x\n, 1", "local"},
		{l, "SELECT [a:x], `b:x`, \"c:x\", :local", "SELECT [a:x], `b:x`, \"c:x\",  ? ", "local"},
		{p, "SELECT ARRAY[:local]", "SELECT ARRAY[ $1 ]", "local"},
		{p, "SELECT $$:x$$, $a$ $$:x $a$, :local", "SELECT $$:x$$, $a$ $$:x $a$,  $1 ", "local"},
		{p, "SELECT :local::text, a#>>'{b,c}', d ? 'e', d @> :domain, x$y", "SELECT  $1 ::text, a#>>'{b,c}', d ? 'e', d @>  $2 , x$y", "local domain"},
		{p, "SELECT 1 /* :x /* :y */ :z */, :local -- :x\n", "SELECT 1 /* :x /* :y */ :z */,  $1  -- :x\n", "local"},
		{l, "SELECT 1 /* :x /* :y */, :local -- :x", "SELECT 1 /* :x /* :y */,  ?  -- :x", "local"},
		{m, "SELECT 1--1, :local", "SELECT 1--1,  ? ", "local"},
		{m, "SELECT @a := :local, @@version", "SELECT @a :=  ? , @@version", "local"},
		{p, "SELECT a[1:2], :local", "SELECT a[1:2],  $1 ", "local"},
		{p, "/* ours */ WITH x AS (SELECT 1) SELECT :local", "/* ours */ WITH x AS (SELECT 1) SELECT  $1 ", "local"},

		{p, "", "", "!it is empty"},
		{p, " -- nothing", "", "!it is empty"},
		{p, "DELETE FROM t WHERE a = :local", "", "!doesn't begin with SELECT"},
		{p, "(SELECT 1)", "", "!doesn't begin with SELECT"},
		{p, "SELECT 1; DROP TABLE t", "", "!more than one statement"},
		{m, "SELECT 1 ;/* */ SELECT 2", "", "!more than one statement"},
		{p, "SELECT * INTO u FROM t", "", "!INTO writes"},
		{m, "SELECT 1 into outfile '/tmp/x'", "", "!INTO writes"},
		{p, "SELECT :mail", "", "!no parameter :mail: use :address, :local, :domain"},
		{p, "SELECT $1", "", `!"$1" stands for a parameter`},
		{m, "SELECT ?", "", `!"?" stands for a parameter`},
		{l, "SELECT @a", "", `!"@" stands for a parameter`},
		{l, "SELECT $a", "", `!"$a" stands for a parameter`},
		{p, "SELECT 'a", "", "!a quote isn't closed"},
		{p, "SELECT $a$ x $b$", "", "!dollar quotes isn't closed"},
		{p, "SELECT /* a /* b */", "", "!a comment isn't closed"},
		{l, "SELECT /* a", "", "!a comment isn't closed"},
		{l, "SELECT [a", "", "!bracket"},
		{m, "SELECT 1 /*!40000 INTO OUTFILE 'x' */", "", "!a comment that is run"},
		{m, "SELECT 1 /*M! , 2 */", "", "!a comment that is run"},
		{m, "SELECT 1\x00", "", "!NUL"},
		{m, "SELECT " + strings.Repeat("1", maxQuery), "", "!longer than"},
	} {
		s, err := parseStatement(test.kind, test.query, []string{"address", "local", "domain"})
		if problem, wrong := strings.CutPrefix(test.names, "!"); wrong {
			if err == nil || !strings.Contains(err.Error(), problem) {
				t.Errorf("%s %.60q: %v, want %s", test.kind, test.query, err, problem)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %q: %v", test.kind, test.query, err)
			continue
		}
		text, args := s.sql(map[string]any{"address": "address", "local": "local", "domain": "domain"})
		names := make([]string, len(args))
		for i, arg := range args {
			names[i] = arg.(string)
		}
		if got := strings.Join(names, " "); text != test.want || got != test.names {
			t.Errorf("%s %q:\n%q with %q, want\n%q with %q", test.kind, test.query, text, got, test.want, test.names)
		}
	}
}

// What is quoted or a comment stays as it is; no text makes the scanner panic or
// lose a byte.
func FuzzStatement(f *testing.F) {
	for _, seed := range []string{"SELECT :a", "SELECT ':a' \"b\" `c` [d] $$e$$ $f$g$f$", "WITH x AS (SELECT E'\\'' -- c\n/* d /* */ */ :b::text) SELECT a->>'b' ? 'c'", "SELECT '", "SELECT /*", "SELECT $a", "#\n", ":", "::", ":="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, kind := range allKinds {
			pieces := 0
			var all strings.Builder
			for s := (scanner{kind: kind, text: query}); ; pieces++ {
				what, piece, err := s.next()
				all.WriteString(piece)
				if err != nil || what == tokenEnd {
					if err == nil && all.String() != query {
						t.Fatalf("%s: %q became %q", kind, query, all.String())
					}
					break
				}
				if piece == "" || pieces > len(query) {
					t.Fatalf("%s: it stands still in %q", kind, query)
				}
			}
			s, err := parseStatement(kind, query, []string{"a", "b"})
			if err != nil {
				continue
			}
			if len(s.parts) != len(s.names)+1 {
				t.Fatalf("%s: %q has %d parts and %d names", kind, query, len(s.parts), len(s.names))
			}
			var back strings.Builder
			for i, part := range s.parts {
				back.WriteString(part)
				if i < len(s.names) {
					back.WriteString(":" + s.names[i])
				}
			}
			if !strings.HasPrefix(query, back.String()) {
				t.Fatalf("%s: %q came back as %q", kind, query, back.String())
			}
			// The same text in quotes and in a comment has no parameters.
			for _, hidden := range []string{"'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(query) + "'", "/*" + strings.NewReplacer("*/", "", "/*", "", "*", "").Replace(query) + " */ 1"} {
				if strings.ContainsRune(hidden, 0) || len(hidden) > maxQuery/2 || strings.HasPrefix(hidden, "/*!") || strings.HasPrefix(hidden, "/*M!") {
					continue
				}
				h, err := parseStatement(kind, "SELECT "+hidden, []string{"a", "b"})
				if err != nil || len(h.names) != 0 || !slices.Equal(h.parts, []string{"SELECT " + hidden}) {
					t.Fatalf("%s: %q hidden: %v %+v", kind, hidden, err, h)
				}
			}
		}
	})
}
