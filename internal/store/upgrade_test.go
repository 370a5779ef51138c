package store_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/certificates"
	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/post"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
)

var update = flag.Bool("update", false, "write a dump of the present schema, where there is none yet")

// schemas is where the dumps are: NNNNN.KIND.sql, each written by the program of its
// time with something in every table.
const schemas = "testdata/schemas"

// versions are the numbers of all migrations, in their order.
func versions(t *testing.T) (numbers []string) {
	t.Helper()
	files, err := fs.Glob(store.Embedded, "migrations/sqlite/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		number, _, _ := strings.Cut(filepath.Base(file), "_")
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	return numbers
}

// load makes a database of a dump.
func (p place) load(t *testing.T, dumped string) {
	t.Helper()
	switch {
	case p.folder != "":
		if _, err := p.raw(t).Pool().ExecContext(t.Context(), dumped); err != nil {
			t.Fatal(err)
		}
	case strings.HasPrefix(p.address, "postgres:"):
		servers.PostgreSQL(t).Run(t, p.address, dumped)
	default:
		servers.MariaDB(t).Run(t, p.address, dumped)
	}
}

// structure is what a dump says of tables and indexes, without rows and the next number
// of a column that counts.
func structure(dumped string) (lines []string) {
	row := false // which has line breaks in it
	for line := range strings.Lines(dumped) {
		row = row || strings.HasPrefix(line, "INSERT ")
		if row {
			row = !strings.HasSuffix(line, ");\n")
		} else if !strings.HasPrefix(line, "SELECT pg_catalog.setval(") {
			lines = append(lines, nextNumber.ReplaceAllString(line, ""))
		}
	}
	return lines
}

var nextNumber = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

// A database of each schema that there was, as it was written at that time, is brought
// up to date with everything in it.
func TestEachSchemaIsUpgraded(t *testing.T) {
	t.Parallel()
	numbers := versions(t)
	onEachPlaceAt(t, numbers, func(t *testing.T, p place, schema string) {
		dumped := readDump(t, schema)
		p.load(t, dumped)
		before := everyRow(t, p)
		if len(before) < 18 {
			t.Fatalf("there are only %d tables", len(before))
		}
		s := p.open(t)
		after := everyRow(t, p)
		for table, rows := range before {
			if table == "meta" || table == "autoconfig_schema" || table == "sqlite_sequence" {
				continue // the upgrade may add to them
			}
			if len(rows) == 0 {
				t.Errorf("%s: the dump has no row", table)
			}
			if !slices.Equal(after[table], rows) {
				t.Errorf("%s: after the upgrade\n%s\nnot\n%s", table, after[table], rows)
			}
		}
		for _, row := range before["meta"] {
			if !slices.Contains(after["meta"], row) {
				t.Errorf("meta: %s is gone: %s", row, after["meta"])
			}
		}
		var file bytes.Buffer
		about, err := s.Backup(t.Context(), &file, store.BackupOptions{})
		if want := numbers[len(numbers)-1]; err != nil || fmt.Sprintf("%05d", about.Schema) != want {
			t.Errorf("the schema is %d, not %s: %v", about.Schema, want, err)
		}
		asBefore(t, s)
		replace(t, s, demo(t)) // everything that a new schema has can be used
	})
}

// asBefore reads what fill has put in, by the ways that the service reads it.
func asBefore(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	site := stored(t, s)
	if len(site.Accounts) != 3 || len(site.Domains) != 2 || len(site.Overrides) != 1 || site.Overrides[0].Note != "on the ph\u00f6ne" {
		t.Errorf("the site is %+v", site)
	}
	lookUpAll(t, s, site)
	if p, err := s.PersonBySubject(ctx, "", "eva"); err != nil || !bytes.Equal(p.TOTPKey, []byte{0, 0xff, '"', 'a'}) || p.Role != staff.Admin {
		t.Errorf("%+v, %v", p, err)
	}
	if token, err := s.TokenByHash(ctx, []byte("a hash that is text, and one that")); err != nil || token.Name != "panel" {
		t.Errorf("%+v, %v", token, err)
	}
	if d, err := s.PACC(ctx, "example.net"); err != nil || string(d.Waiting) != "{\n}" {
		t.Errorf("%+v, %v", d, err)
	}
	if at, err := s.ForgivenAt(ctx, "link", []byte{0, 1, 0xff}); err != nil || !at.After(backupTime) {
		t.Errorf("a failure is forgiven at %s, %v", at, err)
	}
	if entries, err := s.Entries(ctx, staff.EntryFilter{Limit: 9}); err != nil || len(entries) != 3 {
		t.Errorf("%+v, %v", entries, err)
	}
	err := s.AddEntry(ctx, staff.Entry{At: backupTime, Actor: "x", Action: "x"})
	entries, also := s.Entries(ctx, staff.EntryFilter{Limit: 9})
	if err := errors.Join(err, also); err != nil || len(entries) != 4 || entries[0].Actor != "x" {
		t.Errorf("with another entry: %+v, %v", entries, err)
	}
}

// Whoever changes the schema adds a migration and a dump of what it makes. A migration
// that somebody may have run is never changed.
func TestEachSchemaHasItsDump(t *testing.T) {
	t.Parallel()
	numbers := versions(t)
	onEachPlaceAt(t, numbers, func(t *testing.T, p place, schema string) {
		file := dumpFile(t, schema)
		if _, err := os.Stat(file); *update && errors.Is(err, fs.ErrNotExist) && schema == numbers[len(numbers)-1] {
			fillAll(t, p.open(t))
			if err := os.WriteFile(file, []byte(dump(t, p)), 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
		all := laterMigrations(t)
		for name := range all {
			if filepath.Base(name)[:len(schema)] > schema {
				delete(all, name)
			}
		}
		s, err := store.Open(t.Context(), database.MustParse(p.address), store.Options{Folder: p.folder}.WithMigrations(all))
		if err != nil {
			t.Fatal(err)
		}
		allGood(t, s.Close())
		if got, want := structure(dump(t, p)), structure(readDump(t, schema)); !slices.Equal(got, want) {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			t.Errorf("the migrations up to %s make\n%s\nwhere %s has\n%s\nadd a migration instead of changing one", schema, strings.Join(got[i:min(i+3, len(got))], ""), file, strings.Join(want[i:min(i+3, len(want))], ""))
		}
	})
}

// fillAll puts something into every table.
func fillAll(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	fill(t, s)
	allGood(t, s.AddFailure(ctx, "link", []byte{0, 1, 0xff}, backupTime, backupTime.Add(time.Hour), time.Second),
		s.WantSpecialNames(ctx, backupTime, []string{"autoconfig."}))
	c, found, err := s.ClaimCertificate(ctx, certificates.Ahead, false, "me", backupTime, backupTime.Add(time.Minute))
	if err != nil || !found {
		t.Fatal(found, err)
	}
	c.Chain, c.Key, c.NotAfter = []byte("-----BEGIN CERTIFICATE-----\n"), []byte{0, 1, 255}, backupTime.Add(time.Hour)
	allGood(t, s.PutCertificate(ctx, "me", c), s.AddOrder(ctx, "example.com", certificates.Ahead, backupTime),
		s.PutChallenge(ctx, c.Name, certificates.Challenge{Kind: "http-01", Token: "t", KeyAuthorization: "t.k"}, backupTime),
		s.PutACMEAccount(ctx, "https://ca.example/directory", []byte{0, 255}),
		s.PutNames(ctx, "panel", []string{"panel"}, []directory.SourceName{
			{Name: "listed.example", Domain: directory.SourceDomain{Name: "listed.example", Plan: "standard"}},
		}))
	allGood(t, s.PutRecoveryCodes(ctx, "p1", [][]byte{{0, 1, 0xff}}), s.AddPasskey(ctx, staff.Passkey{
		ID: []byte{0, 2, 0xff}, Person: "p1", Name: "é; '\n", Data: []byte(`{"id":"x"}`), MadeAt: backupTime, ChallengedAt: backupTime,
	}))
	putMessages(t, s, 2, func(m *post.Message) { m.Reason = "é; '\n" })
	putTold(t, s)
}

// dumpFile is where the dump of a schema is for the kind of database of a test.
func dumpFile(t *testing.T, schema string) string {
	return filepath.Join(schemas, schema+"."+filepath.Base(t.Name())+".sql")
}

func readDump(t *testing.T, schema string) string {
	t.Helper()
	text, err := os.ReadFile(dumpFile(t, schema))
	if err != nil {
		t.Fatalf("%v; write it: go test ./internal/store -run TestEachSchemaHasItsDump -update", err)
	}
	return string(text)
}

// everyRow has the rows of each table as text, sorted.
func everyRow(t *testing.T, p place) map[string][]string {
	t.Helper()
	text := dump(t, p)
	all := map[string][]string{}
	for _, line := range structure(text) {
		if name, is := strings.CutPrefix(line, "CREATE TABLE "); is {
			name = strings.TrimPrefix(strings.TrimPrefix(name, "IF NOT EXISTS "), "public.")
			all[strings.Trim(name[:strings.IndexAny(name, " (")], "\"`")] = nil
		}
	}
	for _, statement := range strings.Split(text, "INSERT INTO ")[1:] {
		statement, _, _ = strings.Cut(statement, ");\n")
		name, values, _ := strings.Cut(strings.TrimPrefix(statement, "public."), " VALUES")
		name = strings.Trim(name, "\"`")
		all[name] = append(all[name], values)
	}
	for _, rows := range all {
		slices.Sort(rows)
	}
	return all
}

// onEachPlaceAt runs a test on each kind of database for each schema.
func onEachPlaceAt(t *testing.T, schemas []string, test func(t *testing.T, p place, schema string)) {
	t.Helper()
	for _, schema := range schemas {
		t.Run(schema, func(t *testing.T) {
			t.Parallel()
			onEachPlace(t, func(t *testing.T, p place) { test(t, p, schema) })
		})
	}
}
