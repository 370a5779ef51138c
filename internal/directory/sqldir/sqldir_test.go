package sqldir

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

// houseTables are an operator's own, and houseQueries ask them for all that there is.
const houseTables = `
CREATE TABLE people (mail VARCHAR(200) PRIMARY KEY, login VARCHAR(200), full_name VARCHAR(200), room VARCHAR(200), devices VARCHAR(20), protocol VARCHAR(20), others VARCHAR(200), state VARCHAR(20));
CREATE TABLE membership (mail VARCHAR(200), team VARCHAR(200));
CREATE TABLE aliases (source VARCHAR(200), target VARCHAR(200));
CREATE TABLE domains (name VARCHAR(200), main VARCHAR(200), plan VARCHAR(200), state VARCHAR(20));
`

func houseQueries(kind database.Kind) Queries {
	d := dialect{kind}
	member := "membership m ON m.mail = p.mail"
	columns := "p.mail AS Address, p.login AS LOGIN, p.full_name AS name, p.room AS quota, p.devices AS devices, p.protocol AS protocol, p.others AS addresses, p.state AS active"
	team := `, m.team AS "groups"`
	domain := ":domain"
	if kind == database.PostgreSQL {
		domain += "::text"
	}
	if kind == database.MySQL {
		team = ", m.team AS `groups`"
	}
	return Queries{
		Account: "SELECT " + columns + team + " FROM people p LEFT JOIN " + member + " WHERE p.mail = :address ORDER BY p.mail, m.team -- whoever asks",
		Alias:   "SELECT source AS address, target FROM aliases WHERE source = :address;",
		Domain:  "SELECT main AS domain, plan, state AS active FROM domains WHERE name = :domain",
		Search:  "SELECT " + columns + " FROM people p WHERE " + d.like("p.mail", "p.full_name") + " AND (:domain = '' OR p.mail LIKE CONCAT('%@', " + domain + ")) ORDER BY p.mail LIMIT :limit",
		List:    "SELECT p.mail AS address, p.others AS addresses, p.state AS active FROM people p WHERE p.mail > :after ORDER BY p.mail LIMIT :limit",
	}
}

// house is a source with rows of its own.
func house(t testing.TB, kind database.Kind, rows string) *Source {
	t.Helper()
	return source(t, load(t, kind, houseTables+rows), Options{Queries: houseQueries(kind)})
}

func onEachKind(t *testing.T, test func(t *testing.T, kind database.Kind)) {
	t.Helper()
	for _, kind := range allKinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			test(t, kind)
		})
	}
}

func TestColumnsBecomeAnAccount(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind) {
		s := house(t, kind, `
INSERT INTO people VALUES ('plain@example.com', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO people VALUES ('Full@Example.com', 'u1', ' Fülle ', '500MB', 'ONE', 'POP3', 'x@example.com, y@example.com full@example.com x@example.com', 'y');
INSERT INTO people VALUES ('bytes@example.com', '', '', '1048576', 'several', 'jmap', '', '1');
INSERT INTO people VALUES ('negative@example.com', '', '', '-1', '', 'imap', '', 't');
INSERT INTO people VALUES ('odd@example.com', '', 'a`+"\u202e"+`b', 'lots', 'many', '', 'not-an-address', '');
INSERT INTO people VALUES ('login@example.com', 'a`+"\x01"+`b', '', '', '', '', '', '');
INSERT INTO people VALUES ('off0@example.com', '', '', '', '', '', '', '0');
INSERT INTO people VALUES ('offn@example.com', '', '', '', '', '', '', 'N');
INSERT INTO people VALUES ('offf@example.com', '', '', '', '', '', '', 'f');
INSERT INTO people VALUES ('offfalse@example.com', '', '', '', '', '', '', 'False');
INSERT INTO membership VALUES ('plain@example.com', 'a');
INSERT INTO membership VALUES ('plain@example.com', 'b,c');
INSERT INTO membership VALUES ('plain@example.com', 'a');
`)
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		full := "Full@example.com Fülle u1 one pop3 500MB (x@example.com) (y@example.com)"
		for address, want := range map[string]string{
			"plain@example.com":    "plain@example.com a+b+c",
			"bytes@example.com":    "bytes@example.com several 1MiB",
			"negative@example.com": "negative@example.com imap",
			"odd@example.com":      "odd@example.com",
			"login@example.com":    "-",
			"off0@example.com":     "-", "offn@example.com": "-", "offf@example.com": "-", "offfalse@example.com": "-",
			"nobody@example.com": "-",
		} {
			if got := look(t, s, address); got != want {
				t.Errorf("%s: %q, want %q", address, got, want)
			}
		}
		if kind == database.MySQL { // the others compare exactly, and are asked in lower case
			if got := look(t, s, "FULL@example.com"); got != full {
				t.Errorf("%q, want %q", got, full)
			}
		}
		if got, want := s.Stats(), (Stats{Unusable: 1, Dropped: 5}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestAliasesAreFollowed(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind) {
		s := house(t, kind, `
INSERT INTO people VALUES ('anna@example.com', '', '', '', '', '', 'known@example.com', ''), ('bert@example.com', '', '', '', '', '', '', ''), ('off@example.com', '', '', '', '', '', '', '0');
INSERT INTO aliases VALUES ('info@example.com', 'Anna@example.com'), ('known@example.com', 'anna@example.com'),
  ('one@example.com', 'two@example.com'), ('two@example.com', 'three@example.com'), ('three@example.com', 'anna@example.com'), ('four@example.com', 'one@example.com'),
  ('both@example.com', 'anna@example.com'), ('both@example.com', 'bert@example.com'), ('list@example.com', 'anna@example.com,bert@example.com'),
  ('twice@example.com', 'anna@example.com'), ('twice@example.com', 'ANNA@example.com anna@EXAMPLE.com'),
  ('round@example.com', 'about@example.com'), ('about@example.com', 'round@example.com'), ('self@example.com', 'self@example.com'),
  ('away@example.com', 'x@elsewhere.example'), ('pipe@example.com', 'anna@example.com'), ('pipe@example.com', '|/bin/cat'), ('closed@example.com', 'off@example.com'),
  ('bert@example.com', 'bert@example.com'), ('bert@example.com', 'copy@elsewhere.example'), ('off@example.com', 'anna@example.com'),
  ('empty@example.com', ''), ('null@example.com', NULL);
INSERT INTO domains VALUES ('example.com', 'example.com', 'gold', 'y'), ('example.net', 'EXAMPLE.com', NULL, NULL), ('old.example', 'example.com', '', 'n'),
  ('twofold.example', 'example.com', '', ''), ('twofold.example', 'example.org', '', ''), ('broken.example', 'not a domain', '', '');
`)
		for address, want := range map[string]string{
			"info@example.com":    "anna@example.com (known@example.com) (info@example.com)",
			"known@example.com":   "anna@example.com (known@example.com)",
			"one@example.com":     "anna@example.com (known@example.com) (one@example.com)",
			"four@example.com":    "-", // too far
			"both@example.com":    "-",
			"list@example.com":    "-",
			"twice@example.com":   "anna@example.com (known@example.com) (twice@example.com)",
			"round@example.com":   "-",
			"self@example.com":    "-",
			"away@example.com":    "-",
			"pipe@example.com":    "-",
			"closed@example.com":  "-",
			"bert@example.com":    "bert@example.com", // a mailbox that also sends copies
			"off@example.com":     "-",
			"empty@example.com":   "-",
			"null@example.com":    "-",
			"anna@example.net":    "anna@example.com (known@example.com) (anna@example.net)",
			"info@example.net":    "anna@example.com (known@example.com) (info@example.net)",
			"anna@old.example":    "-",
			"anna@broken.example": "-",
		} {
			if got := look(t, s, address); got != want {
				t.Errorf("%s: %q, want %q", address, got, want)
			}
		}
		for name, want := range map[string]string{
			"example.com": "example.com gold", "example.net": "example.com", "old.example": "-", "twofold.example": "-", "broken.example": "-", "other.example": "-",
		} {
			if got := domainOf(t, s, name); got != want {
				t.Errorf("domain %s: %q, want %q", name, got, want)
			}
		}
		if got, want := s.Stats(), (Stats{Ambiguous: 1, Unusable: 2}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestSeveralMailboxesAreNone(t *testing.T) {
	t.Parallel()
	s := source(t, load(t, database.SQLite, "CREATE TABLE t (a, b)"), Options{Queries: Queries{
		Account: "SELECT 'one@example.com' AS address, :local AS name UNION SELECT 'two@example.com', ''",
	}})
	if got := look(t, s, "a@example.com"); got != "-" || s.Stats().Ambiguous != 1 {
		t.Errorf("%q, %+v", got, s.Stats())
	}
	for _, address := range []string{"a@example.com"} { // what a source doesn't know
		if _, err := s.Domain(t.Context(), address); !errors.Is(err, directory.ErrNotFound) {
			t.Error(err)
		}
	}
	if err := s.Walk(t.Context(), func(policy.Account) error { return nil }); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func TestSearchHasLimits(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind) {
		var rows strings.Builder
		for n := range 40 {
			fmt.Fprintf(&rows, "INSERT INTO people VALUES ('p%02d@d%d.example', '', 'Person %d', '', '', '', '', '');\n", n, n%20, n)
		}
		rows.WriteString("INSERT INTO people VALUES ('p99@d0.example', '', 'Person out', '', '', '', '', '0');\n")
		s := house(t, kind, rows.String())
		if got := searched(t, s, "PERSON", nil, 3); got != "p00@d0.example p01@d1.example p02@d2.example" {
			t.Errorf("three: %q", got)
		}
		if got := searched(t, s, "person", []string{"d19.example", "d0.example"}, 10); got != "p19@d19.example p39@d19.example p00@d0.example p20@d0.example" {
			t.Errorf("in two domains: %q", got)
		}
		many := make([]string, 20)
		for n := range many {
			many[n] = fmt.Sprintf("d%d.example", n)
		}
		if got := searched(t, s, "person 1", many[1:], 2); got != "p01@d1.example p10@d10.example" {
			t.Errorf("in very many: %q", got)
		}
		for text, domains := range map[string][]string{"person": {}, "no\nbody": nil, "out": nil} {
			if got := searched(t, s, text, domains, 10); got != "" {
				t.Errorf("%q in %q: %q", text, domains, got)
			}
		}
		if got := searched(t, s, "person", nil, 0); got != "" {
			t.Errorf("none: %q", got)
		}
	})
}

func TestWithoutASearchAnAddressIsFound(t *testing.T) {
	t.Parallel()
	s := source(t, load(t, database.SQLite, "CREATE TABLE t (a); INSERT INTO t VALUES ('a@example.com')"), Options{Queries: Queries{Account: "SELECT a AS address FROM t WHERE a = :address"}})
	for text, want := range map[string]string{"a@example.com": "a@example.com", "b@example.com": "", "a": ""} {
		if got := searched(t, s, text, nil, 1); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := searched(t, s, "a@example.com", []string{"other.example"}, 1); got != "" {
		t.Errorf("in another domain: %q", got)
	}
}

// Whoever walks may ask something meanwhile (whose domain an address is in), and so
// may everybody else, however few connections there are.
func TestAWalkLeavesAConnectionToOthers(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind) {
		url := load(t, kind, houseTables+"INSERT INTO people VALUES ('p@example.com', '', '', '', '', '', '', '')")
		for name, list := range map[string]string{"pages": houseQueries(kind).List, "one": "SELECT p.mail AS address FROM people p"} {
			queries := houseQueries(kind)
			queries.List = list
			s, seen := source(t, url, Options{Queries: queries, Connections: 1, Timeout: time.Minute}), 0
			if err := s.Walk(t.Context(), func(a policy.Account) error {
				seen++
				_, err := s.Account(t.Context(), a.Address)
				return err
			}); err != nil || seen == 0 {
				t.Errorf("%s: %d were seen: %v", name, seen, err)
			}
		}
	})
}

func TestAWalkMeetsEverybodyOnce(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind) {
		const people = 2*pageSize + 3
		var rows strings.Builder
		rows.WriteString("INSERT INTO people VALUES ('off@example.com', '', '', '', '', '', '', '0'), ('wrong', '', '', '', '', '', '', '')")
		for n := range people {
			fmt.Fprintf(&rows, ", ('p%05d@example.com', '', '', '', '', '', 'q%05d@example.com', '')", n, n)
		}
		url := load(t, kind, houseTables+rows.String())
		queries := houseQueries(kind)
		for name, list := range map[string]string{"pages": queries.List, "one": "SELECT p.mail AS address, p.others AS addresses, p.state AS active FROM people p"} {
			queries.List = list
			s := source(t, url, Options{Queries: queries})
			seen := map[string]int{}
			if err := s.Walk(t.Context(), func(a policy.Account) error {
				seen[a.Address.String()]++
				if len(a.Addresses) != 1 {
					t.Errorf("%s has the addresses %v", a.Address, a.Addresses)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if len(seen) != people || seen["p00000@example.com"] != 1 || seen["p01000@example.com"] != 1 || seen["p00999@example.com"] != 1 {
				t.Errorf("%s: %d of %d", name, len(seen), people)
			}
			enough := errors.New("enough")
			if err := s.Walk(t.Context(), func(policy.Account) error { return enough }); !errors.Is(err, enough) {
				t.Errorf("%s: %v", name, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Walk(ctx, func(policy.Account) error { return nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		}
		queries.List = "SELECT p.mail AS address FROM people p WHERE p.mail > :after OR 1 = 1 ORDER BY p.mail LIMIT :limit"
		if err := source(t, url, Options{Queries: queries}).Walk(t.Context(), func(policy.Account) error { return nil }); !errors.Is(err, ErrQuery) {
			t.Errorf("pages that don't get on: %v", err)
		}
	})
}

func TestWrongQueriesAreRefused(t *testing.T) {
	t.Parallel()
	account := "SELECT mail AS address FROM people WHERE mail = :address"
	for want, queries := range map[string]Queries{
		"there is none for account":                                 {},
		"account: it doesn't use :address or :local":                {Account: "SELECT mail AS address FROM people"},
		"account: it has no parameter :limit: use :address, :local": {Account: "SELECT mail AS address FROM people WHERE mail = :address LIMIT :limit"},
		"alias: it doesn't begin with SELECT":                       {Account: account, Alias: "UPDATE people SET mail = :address"},
		"domain: it doesn't use :domain":                            {Account: account, Domain: "SELECT 1 AS domain"},
		"search: it doesn't use :limit":                             {Account: account, Search: "SELECT mail AS address FROM people WHERE mail LIKE :pattern"},
		"list: it needs both :after and :limit, or neither":         {Account: account, List: "SELECT mail AS address FROM people LIMIT :limit"},
		"list: it has more than one statement":                      {Account: account, List: "SELECT mail AS address FROM people; DROP TABLE people"},
	} {
		_, err := Open(Options{Address: database.Address{Kind: database.SQLite, File: "none.db"}, Queries: queries})
		if !errors.Is(err, ErrQuery) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestTheDatabaseChecksQueries(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind) {
		url := load(t, kind, houseTables)
		good := houseQueries(kind)
		for want, change := range map[string]func(q *Queries){
			`account: its column "mail" is not known: give it one of the names address, login`: func(q *Queries) { q.Account = "SELECT mail FROM people WHERE mail = :address" },
			`account: it has no column "address"`:                                              func(q *Queries) { q.Account = "SELECT login FROM people WHERE mail = :address" },
			"ask the query alias":                                                              func(q *Queries) { q.Alias = "SELECT target FROM nowhere WHERE a = :address" },
			`domain: its column "target" is not known`:                                         func(q *Queries) { q.Domain = "SELECT main AS domain, plan AS target FROM domains WHERE name = :domain" },
			"ask the query list":                                                               func(q *Queries) { q.List = "SELECT mail AS address FROM people ORDER BY" },
		} {
			queries := good
			change(&queries)
			err := source(t, url, Options{Queries: queries}).Check(t.Context())
			if !errors.Is(err, ErrQuery) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
		// It is also refused at the first use.
		s := source(t, url, Options{Queries: Queries{Account: "SELECT mail FROM people WHERE mail = :address"}})
		if _, err := s.Account(t.Context(), settings.MustAddress("a@example.com")); !errors.Is(err, ErrQuery) {
			t.Errorf("at the first use: %v", err)
		}
	})
}

func TestNothingIsEverWritten(t *testing.T) {
	t.Parallel()
	url := load(t, database.PostgreSQL, houseTables+"INSERT INTO people VALUES ('a@example.com', '', '', '', '', '', '', '');"+
		"CREATE FUNCTION empty() RETURNS text LANGUAGE sql AS 'DELETE FROM people RETURNING mail'")
	for _, account := range []string{
		"WITH gone AS (DELETE FROM people WHERE mail = :address RETURNING mail) SELECT mail AS address FROM gone",
		"SELECT empty() AS address WHERE :address <> ''",
	} {
		s := source(t, url, Options{Queries: Queries{Account: account}})
		if _, err := s.Account(t.Context(), settings.MustAddress("a@example.com")); err == nil || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("%s: %v", account, err)
		}
	}
}

// An error of the database may repeat what was asked; it ends in a log.
func TestErrorsDontNameAnybody(t *testing.T) {
	t.Parallel()
	s := source(t, load(t, database.PostgreSQL, houseTables), Options{Queries: Queries{Account: "SELECT mail AS address FROM people WHERE CAST(:address AS text)::int = 1"}})
	_, err := s.Account(t.Context(), settings.MustAddress("somebody@example.com"))
	if err == nil || strings.Contains(err.Error(), "somebody") || !strings.Contains(err.Error(), "the query account") {
		t.Errorf("%v", err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t testing.TB) *testkit.DatabaseServer{
		"PostgreSQL": func(t testing.TB) *testkit.DatabaseServer { return testkit.StartPostgreSQL(t).DatabaseServer },
		"MariaDB":    func(t testing.TB) *testkit.DatabaseServer { return testkit.StartMariaDB(t).DatabaseServer },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			url := server.Create(t)
			server.Run(t, url, houseTables+"INSERT INTO people VALUES ('a@example.com', '', '', '', '', '', '', '')")
			s := source(t, url, Options{Queries: houseQueries(parse(t, url).Kind), Timeout: 10 * time.Second, Connections: 4})
			quick := source(t, url, Options{Queries: houseQueries(parse(t, url).Kind), Timeout: 200 * time.Millisecond})
			address := settings.MustAddress("a@example.com")
			works := func(when string) {
				t.Helper()
				done := make(chan error)
				for range 4 {
					go func() {
						_, err := s.Account(t.Context(), address)
						done <- err
					}()
				}
				for range 4 {
					if err := <-done; err != nil {
						t.Errorf("%s: %v", when, err)
					}
				}
			}
			works("at first")
			if _, err := quick.Account(t.Context(), address); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			server.Freeze(t)
			for range 3 {
				if _, err := quick.Account(t.Context(), address); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("frozen: %v", err)
				}
			}
			server.Thaw(t)
			works("after it went on")
			for _, end := range []func(testing.TB){server.Stop, server.Kill} {
				end(t)
				if _, err := s.Account(t.Context(), address); err == nil || errors.Is(err, directory.ErrNotFound) {
					t.Errorf("down: %v", err)
				}
				if err := s.Ping(t.Context()); err == nil {
					t.Error("down, and it answers")
				}
				server.Start(t)
				works("after a new start")
				if err := s.Ping(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestASlowQueryIsEnded(t *testing.T) {
	t.Parallel()
	for kind, slow := range map[database.Kind]string{
		database.SQLite:     "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT MAX(n) AS address FROM c WHERE :address <> ''",
		database.PostgreSQL: "SELECT pg_sleep(600)::text AS address WHERE :address <> ''",
		database.MySQL:      "SELECT SLEEP(600) AS address FROM people WHERE :address <> ''",
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			url := load(t, kind, houseTables+"INSERT INTO people VALUES ('a@example.com', '', '', '', '', '', '', '')")
			s := source(t, url, Options{Queries: Queries{Account: slow}, Timeout: 200 * time.Millisecond})
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if _, err := s.Account(ctx, settings.MustAddress("a@example.com")); err == nil || errors.Is(err, directory.ErrNotFound) || ctx.Err() != nil {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}
