package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/links"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/policy/policytest"
	"autoconfig/settings"
	"autoconfig/templates"
)

// What `explain --json` and the API both say of an address, they say by the same
// names and with the same values; that the help desk agrees with the API is held in
// the server's tests.
func TestExplainAndTheAPISayTheSame(t *testing.T) {
	t.Parallel()
	demo, _, err := config.ReadSite("demo.yaml", config.Demo)
	if err != nil {
		t.Fatal(err)
	}
	sites := []policy.Site{demo}
	for seed := range 8 {
		sites = append(sites, policytest.Site().Example(seed))
	}
	for _, site := range sites {
		explained, ask := answering(t, site)
		for _, address := range typed(site) {
			here, there := explained(address), ask(address)
			for _, name := range []string{"login", "outgoing_login", "misled", "by_hand", "unsuitable", "decision", "incoming", "outgoing", "mailbox"} {
				if here[name] == nil || there[name] == nil {
					t.Errorf("%s: %s is missing: %v, %v", address, name, here[name], there[name])
				}
			}
			for name := range there { // each thing that the API says, explain says as well
				if diff := cmp.Diff(there[name], here[name]); diff != "" {
					t.Errorf("%s: %s (-API +explain)\n%s", address, name, diff)
				}
			}
		}
	}
}

// typed are addresses of a site as people may type them.
func typed(site policy.Site) []settings.Address {
	var all []settings.Address
	for _, a := range site.Accounts {
		all = append(append(all, a.Address, a.Address.WithDomain("example.net")), a.Addresses...)
	}
	return append(all, settings.MustAddress("nobody@example.com"), settings.MustAddress("Nobody+tag@example.net"))
}

// answering is a site with its two doors.
func answering(t *testing.T, site policy.Site) (explained, asked func(settings.Address) map[string]any) {
	t.Helper()
	db, err := store.Open(t.Context(), database.Address{Kind: database.SQLite, File: ":memory:"}, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Replace(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	secret := []byte("a secret of the test")
	desk, err := staff.NewDesk(db, secret, false)
	if err != nil {
		t.Fatal(err)
	}
	app := &application{store: db, directory: newDirectory(db, nil, 0, logger)}
	s, err := servertest.New(servertest.Options{
		Directory: app.directory, PublicURL: &url.URL{Scheme: "https", Host: "setup.example.com"}, Logger: logger,
		Links: &links.Keeper{Store: db, Secret: secret}, Failures: db, Secret: secret, Site: db, Desk: desk,
		StaffURL: &url.URL{Scheme: "http", Host: "127.0.0.1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := desk.MakeToken(t.Context(), staff.Actor{}, staff.Token{Name: "panel", Scopes: []string{"decisions:read"}, Domains: []string{"*"}, ExpiresAt: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	handler := s.Staff()
	catalogue, err := templates.NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	read := func(raw []byte) map[string]any {
		var object map[string]any
		if err := json.Unmarshal(raw, &object); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		return object
	}
	explained = func(address settings.Address) map[string]any {
		found, err := app.look(&call{Context: t.Context()}, address)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(explain(found, catalogue))
		if err != nil {
			t.Fatal(err)
		}
		return read(raw)
	}
	asked = func(address settings.Address) map[string]any {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/api/v1/decisions/"+url.PathEscape(address.String()), nil)
		r.Header.Set("Authorization", "Bearer "+token)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, r)
		raw, _ := io.ReadAll(recorder.Body)
		if recorder.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", address, recorder.Code, raw)
		}
		return read(raw)
	}
	return explained, asked
}
