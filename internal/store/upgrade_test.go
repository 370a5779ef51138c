package store_test

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"autoconfig/internal/database"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
)

// A database of each schema that there was is brought up to date, with what is in it.
func TestEachSchemaIsUpgraded(t *testing.T) {
	t.Parallel()
	all := laterMigrations(t)
	maps.DeleteFunc(all, func(name string, _ *fstest.MapFile) bool { return strings.Contains(name, "90000_") })
	var numbers []string // of all migrations, in their order
	for name := range all {
		if number, _, _ := strings.Cut(filepath.Base(name), "_"); !slices.Contains(numbers, number) {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	if len(numbers) < 4 {
		t.Fatalf("only %q", numbers)
	}
	onEachPlaceAt(t, numbers[:len(numbers)-1], func(t *testing.T, p place, until string) {
		some := maps.Clone(all)
		maps.DeleteFunc(some, func(name string, _ *fstest.MapFile) bool { return filepath.Base(name)[:len(until)] > until })
		options := store.Options{Folder: p.folder}
		older, err := store.Open(t.Context(), database.MustParse(p.address), options.WithMigrations(some))
		if err != nil {
			t.Fatal(err)
		}
		eva := staff.Person{ID: "1", Subject: "eva", Name: "eva", Role: staff.Admin, Domains: []string{"*"}, Password: "x", TOTPKey: []byte{0, 0xff}, MadeAt: when}
		allGood(t, older.AddPerson(t.Context(), eva))
		schema := func(s *store.Store) string {
			t.Helper()
			var file bytes.Buffer
			about, err := s.Backup(t.Context(), &file, store.BackupOptions{})
			if err != nil || about.Rows["people"] != 1 {
				t.Fatalf("%+v, %v", about, err)
			}
			return fmt.Sprintf("%05d", about.Schema)
		}
		if got := schema(older); got != until {
			t.Fatalf("the older schema is %s, not %s", got, until)
		}
		id, err := older.SiteID(t.Context())
		allGood(t, err, older.Close())
		s := p.open(t)
		if got, want := schema(s), numbers[len(numbers)-1]; got != want {
			t.Errorf("the schema is %s after the upgrade, want %s", got, want)
		}
		if now, err := s.SiteID(t.Context()); err != nil || now != id {
			t.Errorf("the site is %s after the upgrade, not %s: %v", now, id, err)
		}
		if got, err := s.PersonBySubject(t.Context(), "", "eva"); err != nil || !reflect.DeepEqual(got, eva) {
			t.Errorf("%+v, %v", got, err)
		}
		replace(t, s, demo(t)) // everything that a new schema has can be used
	})
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
