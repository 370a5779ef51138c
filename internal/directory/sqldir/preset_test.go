package sqldir

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/policy"
)

// presetCase is what a preset's tables in testdata must give.
type presetCase struct {
	anna     string            // what is known of anna@example.com, which all have
	accounts map[string]string // others; all have an alias, one to several, one that leads away and a catch-all
	domains  map[string]string
	search   map[string]string
	list     string
	names    string // of domains, as they are listed
}

const annaKnown = "anna@example.com Anna Müller 524288KB"

var presetCases = map[string]presetCase{
	"postfixadmin": {
		anna:     annaKnown,
		accounts: map[string]string{"bert@example.com": "bert@example.com Bert", "gone@example.com": "-", "carl@closed.example": "-", "old@example.com": "-", "anna@example.net": annaKnown + " (anna@example.net)"},
		domains:  map[string]string{"example.com": "example.com", "example.net": "example.com", "closed.example": "-", "relayed.example": "-", "all": "-", "other.example": "-"},
		search:   map[string]string{"ANNA@": "anna@example.com", "bert": "bert@example.com", "gone": "", "carl": ""},
		list:     "anna@example.com, bert@example.com",
		names:    "example.com, example.net=example.com",
	},
	"mailcow": {
		anna: annaKnown,
		accounts: map[string]string{
			"bert@example.com": "bert@example.com Bert pop3", "dora@example.com": "dora@example.com Dora imap", "gone@example.com": "-",
			"nologin@example.com": "-", "room@example.com": "-", "carl@closed.example": "-", "old@example.com": "-", "info@example.net": annaKnown + " (info@example.net)",
		},
		domains: map[string]string{"example.com": "example.com", "example.net": "example.com", "closed.example": "-", "other.example": "-"},
		search:  map[string]string{"ANNA@": "anna@example.com", "bert": "bert@example.com", "gone": "", "room": "", "carl": ""},
		list:    "anna@example.com, bert@example.com, dora@example.com",
		names:   "example.com, example.net=example.com",
	},
	"iredmail": {
		anna: annaKnown,
		accounts: map[string]string{
			"bert@example.com": "bert@example.com Bert pop3", "dora@example.com": "dora@example.com Dora imap", "gone@example.com": "-",
			"carl@closed.example": "-", "old@example.com": "-", "list@example.com": "-", "anna@example.net": annaKnown + " (anna@example.net)",
		},
		domains: map[string]string{"example.com": "example.com", "example.net": "example.com", "closed.example": "-", "relayed.example": "-", "other.example": "-"},
		search:  map[string]string{"ANNA@": "anna@example.com", "bert": "bert@example.com", "gone": "", "carl": ""},
		list:    "anna@example.com, bert@example.com, dora@example.com",
		names:   "example.com, example.net=example.com",
	},
	"modoboa": {
		anna: annaKnown,
		accounts: map[string]string{
			"bert@example.com": "bert@example.com Bert 3145728KB", "gone@example.com": "-", "admin@example.com": "-", "carl@closed.example": "-",
			"old@example.com": "-", "expired@example.com": "-", "anna@example.net": annaKnown + " (anna@example.net)",
		},
		domains: map[string]string{"example.com": "example.com", "example.net": "example.com", "closed.example": "-", "relayed.example": "-", "other.example": "-"},
		search:  map[string]string{"ANNA@": "anna@example.com", "anna m": "anna@example.com", "bert": "bert@example.com", "gone": "", "carl": ""},
		list:    "anna@example.com, bert@example.com",
		names:   "example.com, example.net=example.com",
	},
	"ispconfig": {
		anna: annaKnown,
		accounts: map[string]string{
			"bert@example.com": "bert@example.com Bert web1bert pop3", "dora@example.com": "dora@example.com Dora imap", "gone@example.com": "gone@example.com Gone",
			"locked@example.com": "-", "carl@closed.example": "-", "old@example.com": "-", "anna@example.net": annaKnown + " (anna@example.net)",
		},
		domains: map[string]string{"example.com": "example.com", "example.net": "example.com", "closed.example": "-", "other.example": "-"},
		search:  map[string]string{"ANNA@": "anna@example.com", "web1": "bert@example.com", "gone": "gone@example.com", "locked": "", "carl": ""},
		list:    "anna@example.com, bert@example.com, dora@example.com, gone@example.com",
		names:   "example.com, example.net=example.com",
	},
	"mailu": {
		anna: annaKnown,
		accounts: map[string]string{
			"bert@example.com": "bert@example.com Bert pop3", "dora@example.com": "dora@example.com Dora imap", "gone@example.com": "-",
			"anna@example.net": annaKnown + " (anna@example.net)",
		},
		domains: map[string]string{"example.com": "example.com", "example.net": "example.com", "other.example": "-"},
		search:  map[string]string{"ANNA@": "anna@example.com", "bert": "bert@example.com", "gone": ""},
		list:    "anna@example.com, bert@example.com, dora@example.com",
		names:   "example.com, example.net=example.com",
	},
	"virtual": {
		anna:     "anna@example.com",
		accounts: map[string]string{"anna@example.org": "anna@example.org", "anna@example.net": "-"},
		domains:  map[string]string{"example.com": "example.com", "example.org": "example.org", "example.net": "-"},
		search:   map[string]string{"ANNA@": "anna@example.com anna@example.org", "bert": "bert@example.com"},
		list:     "anna@example.com, anna@example.org, bert@example.com",
		names:    "example.com, example.org",
	},
}

func TestPresets(t *testing.T) {
	t.Parallel()
	for _, info := range Presets() {
		want, tested := presetCases[info.Name]
		if !tested || info.Version == "" || info.Doc == "" || len(info.Kinds) == 0 {
			t.Errorf("%+v has no case or says too little", info)
		}
		for _, kind := range info.Kinds {
			t.Run(info.Name+"/"+string(kind), func(t *testing.T) {
				t.Parallel()
				tables, err := os.ReadFile(fmt.Sprintf("testdata/presets/%s.%s.sql", info.Name, kind))
				if err != nil {
					t.Fatal(err)
				}
				url := load(t, kind, string(tables))
				queries, ok := Preset(info.Name, kind)
				if !ok {
					t.Fatal("there is no preset")
				}
				s := source(t, url, Options{Queries: queries})
				if err := s.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
				testPreset(t, s, want)
				testAgreement(t, s)
				if t.Failed() {
					return
				}
				if more := presetFillers[info.Name]; kind == database.MySQL && more != "" {
					servers.MariaDB(t).Run(t, url, more)
				}
				testIndex(t, s.account, url)
				if info.Name != "virtual" { // see there
					testIndex(t, s.alias, url)
				}
			})
		}
	}
	if _, ok := Preset("mailcow", database.SQLite); ok {
		t.Error("a preset for a database that the system doesn't have")
	}
}

// testAgreement holds that what one query finds, the others find as well: an account
// that is listed or searched for is known by its address as the same, and a domain
// that is listed is known by its name.
func testAgreement(t *testing.T, s *Source) {
	t.Helper()
	same := func(a policy.Account) {
		t.Helper()
		if got, err := s.Account(t.Context(), a.Address); err != nil || got.Address != a.Address || a.Login != "" && got.Login != a.Login || a.Protocol != "" && got.Protocol != a.Protocol {
			t.Errorf("%+v is listed or found, and looked up as %+v, %v", a, got, err)
		}
	}
	if err := s.Walk(t.Context(), func(a policy.Account) error { same(a); return nil }); err != nil {
		t.Error(err)
	}
	found, err := s.Search(t.Context(), "@", nil, 100)
	if err != nil {
		t.Error(err)
	}
	for _, a := range found {
		same(a)
	}
	if err := s.Domains(t.Context(), func(n directory.SourceName) error {
		if got, err := s.Domain(t.Context(), n.Name); err != nil || got != n.Domain {
			t.Errorf("the domain %+v is listed, and looked up as %+v, %v", n, got, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func testPreset(t *testing.T, s *Source, want presetCase) {
	t.Helper()
	accounts := map[string]string{
		"anna@example.com":   want.anna,
		"ANNA@Example.COM":   want.anna,
		"info@example.com":   want.anna + " (info@example.com)",
		"team@example.com":   "-",
		"away@example.com":   "-",
		"nobody@example.com": "-",
		"änna@example.com":   "-",
		"日本@example.com":     "-",
		"%@example.com":      "-",
		"anna@other.example": "-",
	}
	for address, known := range want.accounts {
		accounts[address] = known
	}
	for address, known := range accounts {
		if got := look(t, s, address); got != known {
			t.Errorf("%s: %q, want %q", address, got, known)
		}
	}
	for name, primary := range want.domains {
		if got := domainOf(t, s, name); got != primary {
			t.Errorf("domain %s: %q, want %q", name, got, primary)
		}
	}
	searches := map[string]string{"日本": "", "%": "", "_": "", `\`: ""}
	for text, found := range want.search {
		searches[text] = found
	}
	for text, found := range searches {
		if got := searched(t, s, text, nil, 10); got != found {
			t.Errorf("search %q: %q, want %q", text, got, found)
		}
	}
	if got := searched(t, s, "anna", []string{"other.example", "example.com"}, 10); got != "anna@example.com" {
		t.Errorf("search within domains: %q", got)
	}
	if got := searched(t, s, "anna", []string{"other.example"}, 10); got != "" {
		t.Errorf("search in another domain: %q", got)
	}
	if got := searched(t, s, "@", nil, 1); got != "anna@example.com" {
		t.Errorf("search for one: %q", got)
	}
	if got := listedDomains(t, s); got != want.names {
		t.Errorf("domains: %q, want %q", got, want.names)
	}
	if got := walked(t, s); got != want.list {
		t.Errorf("list: %q, want %q", got, want.list)
	}
	if stats := s.Stats(); stats.Ambiguous != 0 || stats.Unusable != 0 || stats.Dropped != 0 {
		t.Errorf("%+v", stats)
	}
}

// presetFillers make the tables of a join so large that MariaDB doesn't rather read
// them from end to end.
var presetFillers = map[string]string{
	"ispconfig": `
INSERT INTO mail_domain (server_id, domain, active) SELECT 1, CONCAT('d', seq, '.example'), 'y' FROM seq_1_to_2000;
INSERT INTO mail_user (server_id, email) SELECT 1, CONCAT('u', seq, '@example.com') FROM seq_1_to_2000;
INSERT INTO mail_forwarding (server_id, source, type, active) SELECT 1, CONCAT('f', seq, '@example.com'), 'forward', 'y' FROM seq_1_to_2000;
ANALYZE TABLE mail_domain, mail_user, mail_forwarding;`,
	"modoboa": `
INSERT INTO core_user (username, first_name, last_name, email, is_active) SELECT CONCAT('u', seq), '', '', CONCAT('u', seq, '@example.com'), 1 FROM seq_1_to_2000;
INSERT INTO admin_mailbox (address, quota, use_domain_quota, domain_id, user_id) SELECT CONCAT('u', seq), 0, 0, 1, 1000 + seq FROM seq_1_to_2000;
INSERT INTO admin_alias (id, address, enabled, internal) SELECT 1000 + seq, CONCAT('f', seq, '@example.com'), 1, 0 FROM seq_1_to_2000;
INSERT INTO modoboa_admin_aliasrecipient (address, alias_id) SELECT 'anna@example.com', 1000 + seq FROM seq_1_to_2000;
ANALYZE TABLE core_user, admin_mailbox, admin_domain, admin_alias, modoboa_admin_aliasrecipient;`,
}

// testIndex looks at how the database finds a mailbox or an alias: by an index,
// whatever the number of rows.
func testIndex(t *testing.T, q *query, url string) {
	t.Helper()
	explain, scan := "EXPLAIN ", regexp.MustCompile(`Seq Scan`)
	switch q.kind {
	case database.PostgreSQL:
		url += "&enable_seqscan=off" // or it takes the shorter way with few rows
	case database.MySQL:
		scan = regexp.MustCompile(`\|(ALL|index)\|`)
	case database.SQLite:
		explain, scan = "EXPLAIN QUERY PLAN ", regexp.MustCompile(`SCAN`)
	}
	db, err := database.Open(parse(t, url), database.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	text, args := q.sql(map[string]any{"address": "anna@example.com", "local": "anna", "domain": "example.com"})
	rows, err := db.Pool().QueryContext(t.Context(), explain+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			t.Fatal(err)
		}
		for _, value := range values {
			v := *value.(*any)
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			fmt.Fprintf(&plan, "|%v", v)
		}
		plan.WriteString("|\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if plan.Len() == 0 || scan.MatchString(plan.String()) {
		t.Errorf("%s looks into a whole table:\n%s", q.name, plan.String())
	}
}
