package store_test

import (
	"errors"
	"log/slog"
	"testing"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/settings"
)

// What this version can't read, as a newer one may write it that runs beside it, is
// refused by itself: the database isn't down for it, and everybody else is served.
func TestADocumentThatCantBeRead(t *testing.T) {
	t.Parallel()
	onEachPlace(t, func(t *testing.T, p place) {
		s := p.open(t)
		replace(t, s, demo(t, account("good@example.com"), account("odd@example.com")))
		address, err := database.Parse(p.address)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := database.Open(address, database.Options{Folder: p.folder})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = raw.Close() }()
		for _, statement := range []string{
			`UPDATE accounts SET document = '{"address": {"newer": true}}' WHERE address = 'odd@example.com'`,
			`UPDATE domains SET document = '[]' WHERE name = 'example.org'`,
		} {
			if _, err := raw.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		d := directory.New(directory.Options{Store: s, Logger: slog.New(slog.DiscardHandler)})
		entry, err := d.Domain(t.Context(), "example.com")
		if err != nil {
			t.Fatal(err)
		}
		for range 10 { // more than a source may fail in a row
			if _, err := d.Lookup(t.Context(), entry, settings.MustAddress("odd@example.com")); !errors.Is(err, directory.ErrUnusable) {
				t.Errorf("an account: %v", err)
			}
			if _, err := d.Domain(t.Context(), "example.org"); !errors.Is(err, directory.ErrUnusable) {
				t.Errorf("a domain: %v", err)
			}
		}
		if err := d.Health().Err; err != nil {
			t.Errorf("the database is taken for down: %v", err)
		}
		if found, err := d.Lookup(t.Context(), entry, settings.MustAddress("good@example.com")); err != nil || !found.Known {
			t.Errorf("somebody else: %v", err)
		}
	})
}
