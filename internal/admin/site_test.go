package admin_test

import (
	"context"
	"testing"

	"autoconfig/internal/admin"
	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

// raced is a store in which somebody else adds an account as soon as the site was read.
type raced struct {
	*store.Store
	done bool
}

func (r *raced) Site(ctx context.Context) (policy.Site, error) {
	site, err := r.Store.Site(ctx)
	if err == nil && !r.done {
		r.done = true
		err = r.PutAccount(ctx, policy.Account{Address: settings.MustAddress("between@example.com")})
	}
	return site, err
}

// What is said and written down of a site that is applied is what was done, also where
// somebody has changed something between.
func TestWhatIsAppliedIsWhatIsWrittenDown(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), database.Address{Kind: database.SQLite, File: "test.db"}, store.Options{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	site, _, err := config.ReadSite("demo.yaml", config.Demo)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Replace(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	acts := admin.Admin{Store: &raced{Store: db}, Directory: directory.New(directory.Options{Store: db})}
	changes, err := acts.Apply(t.Context(), admin.CommandLine(), site)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := changes.Summary(), "1 account remove"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	entries, err := db.Entries(t.Context(), staff.EntryFilter{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Action != "site applied" || entries[0].Detail != "1 account remove" {
		t.Errorf("%+v is written down", entries)
	}
}
