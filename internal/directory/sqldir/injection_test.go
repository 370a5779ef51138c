package sqldir

import (
	"path/filepath"
	"strings"
	"testing"

	"autoconfig/internal/database"
	"autoconfig/settings"
)

// hostile are local parts that mean something to a database.
var hostile = []string{
	`'`, `''`, `'or'1'='1`, `"' OR 1=1 --"`, `"x' OR '1'='1"`, `"'; DROP TABLE people; --"`, `"\\' OR 1=1 -- "`, `"a\"b"`,
	`%`, `_`, `a%`, `a_`, `%25`, "`", `$1`, `?`, `#`, `--`, `/*`, `$$`, `x'y`, `{{x}}`, `a|b`, `"a;b"`, `"a\\b"`, `"a(b)"`, `":address"`, `'||'`, `'+'`,
	`ä`, `a`, `ａ`, `ß`, `ss`, `é`, `e`, `İ`, `ı`, `i`, `日本`, `Ω`, `"a "`, `"a  "`, `null`, `0`, `0x61`, `true`,
}

func quoted(kind database.Kind, text string) string {
	if kind == database.MySQL {
		text = strings.ReplaceAll(text, `\`, `\\`)
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// Each address finds its own row and nothing else: first where none of the others
// is there, then where all are.
func TestHostileAddressesAreOnlyAddresses(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind) {
		empty := house(t, kind, "INSERT INTO people VALUES ('victim@example.com', '', '', '', '', '', '', '')")
		// Exact, so that all can be in one table.
		tables := houseTables
		if kind == database.MySQL {
			tables = strings.ReplaceAll(houseTables, "mail VARCHAR(200) PRIMARY KEY", "mail VARCHAR(200) COLLATE utf8mb4_bin PRIMARY KEY")
		}
		var rows strings.Builder
		rows.WriteString(tables)
		for i, local := range hostile {
			key := settings.MustAddress(local + "@example.com").Key()
			rows.WriteString("INSERT INTO people VALUES (" + quoted(kind, key) + ", '', " + quoted(kind, "N"+hostileName(local)) + ", '', '', '', '', '');\n")
			rows.WriteString("INSERT INTO membership VALUES (" + quoted(kind, key) + ", " + quoted(kind, "g"+strings.NewReplacer(" ", "", ",", "").Replace(local)) + ");\n")
			if i == 0 {
				rows.WriteString("INSERT INTO domains VALUES ('example.com', 'example.com', '', '');\n")
			}
		}
		full := source(t, load(t, kind, rows.String()), Options{Queries: houseQueries(kind)})
		for _, local := range hostile {
			address := settings.MustAddress(local + "@example.com")
			if got := look(t, empty, address.String()); got != "-" {
				t.Errorf("%s, which isn't there: %q", local, got)
			}
			account, err := full.Account(t.Context(), address)
			if err != nil {
				t.Errorf("%s: %v", local, err)
				continue
			}
			group := "g" + strings.NewReplacer(" ", "", ",", "").Replace(local)
			if account.Address.Key() != address.Key() || account.Name != "N"+hostileName(local) || len(account.Groups) != 1 || account.Groups[0] != group {
				t.Errorf("%s: %q", local, describe(account))
			}
		}
		for _, name := range []string{"' or 1=1 --", "%", "_", `\`, "example.com'; --", ""} {
			if got := domainOf(t, full, name); got != "-" {
				t.Errorf("domain %q: %q", name, got)
			}
		}
		if got := walked(t, full); strings.Count(got, ", ") != len(hostile)-1 {
			t.Errorf("afterwards there are: %s", got)
		}
	})
}

// hostileName is the local part as a name, without the blanks around it.
func hostileName(local string) string { return strings.TrimSpace(local) }

// MariaDB's usual collations take one letter for another; we don't.
func TestAlikeLettersAreOthers(t *testing.T) {
	t.Parallel()
	s := house(t, database.MySQL, `
INSERT INTO people VALUES ('müller@example.com', '', '', '', '', '', '', ''), ('strasse@example.com', '', '', '', '', '', '', '');
INSERT INTO aliases VALUES ('löwe@example.com', 'strasse@example.com'), ('gruss@example.com', 'strasse@example.com')`)
	for address, want := range map[string]string{
		"müller@example.com": "müller@example.com", "muller@example.com": "-", "Müller@example.com": "müller@example.com", "MÜLLER@example.com": "-",
		"straße@example.com": "-", "strasse@example.com": "strasse@example.com", "stràsse@example.com": "-",
		"löwe@example.com": "strasse@example.com (löwe@example.com)", "lowe@example.com": "-", "grüss@example.com": "-",
	} {
		if got := look(t, s, address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if s.Stats().Disbelieved == 0 {
		t.Error("nothing was counted")
	}
}

func TestASearchIsForTheTextItself(t *testing.T) {
	t.Parallel()
	onEachKind(t, func(t *testing.T, kind database.Kind) {
		rows := "INSERT INTO people VALUES ('plain@example.com', '', 'Plain', '', '', '', '', '')"
		for mail, name := range map[string]string{
			"percent@example.com": "100% sure", "under@example.com": "a_b", "back@example.com": `c\d`, "quote@example.com": "O'Hara", "both@example.com": `x\%y`, "double@example.com": `"z"`,
		} {
			rows += ", (" + quoted(kind, mail) + ", '', " + quoted(kind, name) + ", '', '', '', '', '')"
		}
		s := house(t, kind, rows)
		for text, want := range map[string]string{
			"%": "both@example.com percent@example.com", "_": "under@example.com", `\`: "back@example.com both@example.com", "'": "quote@example.com",
			`\%`: "both@example.com", "0% S": "percent@example.com", "a%b": "", "a_b": "under@example.com", "axb": "", `"z"`: "double@example.com",
			"' OR 1=1 --": "", "%' OR '1'='1": "", "'; DROP TABLE people; --": "", `\' OR 1=1 -- `: "", "o'h": "quote@example.com",
		} {
			if got := searched(t, s, text, nil, 100); got != want {
				t.Errorf("%q: %q, want %q", text, got, want)
			}
		}
		if got := searched(t, s, "plain", []string{"' OR '1'='1"}, 100); got != "" {
			t.Errorf("in a hostile domain: %q", got)
		}
		if got := searched(t, s, "plain", nil, 100); got != "plain@example.com" {
			t.Errorf("afterwards: %q", got)
		}
	})
}

// Whatever stands before the @, only a row with that address is found.
func FuzzAccount(f *testing.F) {
	for _, local := range hostile {
		f.Add(local)
	}
	url := "sqlite:" + filepath.Join(f.TempDir(), "accounts.db")
	db, err := database.Open(parse(f, url), database.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(f.Context(), houseTables+"INSERT INTO people VALUES ('victim@example.com', '', '', '', '', '', '', '')"); err != nil {
		f.Fatal(err)
	}
	s := source(f, url, Options{Queries: houseQueries(database.SQLite)})
	f.Fuzz(func(t *testing.T, local string) {
		address, err := settings.ParseAddress(local + "@example.com")
		if err != nil {
			return
		}
		want := "-"
		if address.Key() == "victim@example.com" {
			want = "victim@example.com"
		}
		if got := look(t, s, address.String()); got != want {
			t.Fatalf("%q: %q before it is there", local, got)
		}
		if _, err := db.ExecContext(t.Context(), "INSERT OR IGNORE INTO people (mail) VALUES (?)", address.Key()); err != nil {
			t.Fatal(err)
		}
		account, err := s.Account(t.Context(), address)
		if err != nil || account.Address.Key() != address.Key() {
			t.Fatalf("%q: %v %v", local, account, err)
		}
		if want == "-" {
			if _, err := db.ExecContext(t.Context(), "DELETE FROM people WHERE mail = ?", address.Key()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
