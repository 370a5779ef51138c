package server_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

// fileSource is a source in an SQLite file with Postfixadmin's tables.
func fileSource(t testing.TB, accounts []policy.Account) directory.Source {
	t.Helper()
	address := "sqlite:" + filepath.Join(t.TempDir(), "panel.db")
	parsed, err := database.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(parsed, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), postfixadminTables(accounts)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return sqlSource(t, address, "postfixadmin", postfixadminQuery, time.Minute)
}

// A search while a source is down says so, and nothing that isn't known then, also
// for a whole address.
func TestSearchSaysWhichSourceIsDown(t *testing.T) {
	t.Parallel()
	site, accounts := elsewhere(t, "panel")
	for i := range site.Domains {
		site.Domains[i].Sources = nil
	}
	down := sqlSource(t, "mysql://reader@127.0.0.1:1/mailcow", "mailcow", "", time.Second)
	o := servertest.Ground{Site: &site, Sources: []directory.SourceOptions{{Name: "panel", Source: fileSource(t, accounts)}, {Name: "old-panel", Source: down}}}.Office(t)
	eva := o.SignedIn(t, "eva", staff.Staff, "*")
	for path, want := range map[string]string{
		"?q=boss": ">boss@example.com<", "?q=boss%40example.com": ">boss@example.com<", "?q=zzzz": "", "?q=nobody%40example.com": "",
	} {
		r, body := eva.Get("/helpdesk/" + path)
		if r.StatusCode != http.StatusOK || !strings.Contains(body, "couldn&#39;t be searched: old-panel.") || !strings.Contains(body, want) || strings.Contains(body, "Nothing is known") {
			t.Errorf("%s: %s\n%s", path, r.Status, body)
		}
	}
	if r, body := eva.Get("/helpdesk/account?address=nobody%40example.com"); r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "isn&#39;t answering") {
		t.Errorf("its page: %s\n%s", r.Status, body)
	}
}

// A person whose account can't be looked up gets a page that says so, in the
// person's language, and never the text that is for programs.
func TestPeopleAreToldToTryAgain(t *testing.T) {
	t.Parallel()
	site, _ := elsewhere(t, "panel")
	down := sqlSource(t, "mysql://reader@127.0.0.1:1/mailcow", "mailcow", "", time.Second)
	o := servertest.Ground{Site: &site, Sources: []directory.SourceOptions{{Name: "panel", Source: down}}}.Office(t)
	token, _, err := o.Keeper.Make(t.Context(), links.Order{Address: settings.MustAddress("workshop@example.com"), Domain: "example.com", By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, ask := range [][3]string{
		{http.MethodPost, "/", "address=workshop%40example.com"},
		{http.MethodGet, "/s/" + token, ""},
		{http.MethodPost, "/s/" + token, "do=settings"},
		{http.MethodGet, "/s/" + token + "/profile", ""},
	} {
		r := o.Ask(t, ask[0], ask[1], ask[2], "Content-Type", formType, "Accept-Language", "de")
		if body := text(r); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || !strings.Contains(body, "in einigen Minuten") || strings.Contains(body, "</none>") {
			t.Errorf("%s %s: %s\n%s", ask[0], ask[1], r.Status, body)
		}
	}
}

// The pages of accounts that are kept elsewhere, of their overrides, and of a
// source that is down, on every screen: axe-core finds nothing, and nothing is
// wider than the screen.
func TestStaffPagesOfSourcesInARealBrowser(t *testing.T) {
	t.Parallel()
	site, accounts := elsewhere(t, "panel")
	for i, d := range site.Domains {
		if d.Name == "example.com" {
			site.Domains[i].Sources = []string{"panel", "old-panel"}
		}
	}
	accounts = append(accounts, policy.Account{
		Address: settings.MustAddress("department-of-administration-and-services.workshop@example.com"), Name: "Department of Administration and Services, Workshop and Stores",
		Groups: []string{"kiosk", "administration", "everybody-at-the-second-site"}, Quota: 200_000_000, Devices: policy.OneDevice,
	})
	down := sqlSource(t, "mysql://reader@127.0.0.1:1/mailcow", "mailcow", "", time.Second)
	o := servertest.Ground{Site: &site, Sources: []directory.SourceOptions{{Name: "panel", Source: fileSource(t, accounts)}, {Name: "old-panel", Source: down}}}.Office(t)
	over := policy.Override{Address: settings.MustAddress("boss@example.com"), Protocol: settings.POP3, Devices: policy.OneDevice, Note: "reads on the train, ticket 4711: https://tickets.example.com/queues/postmaster/4711", ChangedBy: "command", ChangedAt: time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)}
	if err := o.Store.PutOverride(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	password, second := o.Add(t, "eva", staff.Admin, "*")
	b := testkit.StartBrowser(t)
	b.Open(t, o.Staff.URL+"/helpdesk/", testkit.Desktop,
		chromedp.SendKeys("#name", "eva"), chromedp.SendKeys("#password", password+kb.Enter), chromedp.WaitVisible("#code"), chromedp.SendKeys("#code", staff.Code(second, time.Now())+kb.Enter), chromedp.WaitVisible("#q"))
	for _, page := range []struct {
		path, name string
		want       []string
	}{
		{"?q=o", "source-found", []string{"boss@example.com", "These sources couldn't be searched: old-panel."}},
		{"?q=zzzz", "source-failed", []string{"These sources couldn't be searched: old-panel."}},
		{"account?address=chef%40example.com", "source-account", []string{"Alias of", "boss@example.com", "Source", "panel", "Override", "POP3", "ticket 4711"}},
		{"account?address=department-of-administration-and-services.workshop%40example.com", "source-long", []string{"Source", "everybody-at-the-second-site"}},
		{"account?address=nobody%40example.com", "source-down", []string{"isn't answering"}},
	} {
		for _, screen := range servertest.Screens() {
			var shown string
			b.Open(t, o.Staff.URL+"/helpdesk/"+page.path, screen, chromedp.ActionFunc(func(ctx context.Context) error {
				return network.SetExtraHTTPHeaders(network.Headers{}).Do(ctx)
			}), servertest.Visible("h1"), servertest.Inspect(t, page.name, screen), chromedp.Evaluate(`document.querySelector("main").innerText`, &shown))
			for _, want := range page.want {
				if !strings.Contains(shown, want) {
					t.Errorf("%s shows no %q:\n%s", page.path, want, shown)
				}
			}
		}
	}
	for _, screen := range servertest.Screens() {
		b.Open(t, o.Public.URL, screen, chromedp.SendKeys("#address", "nobody@example.com"), chromedp.Submit("#address"), chromedp.WaitNotPresent("#address"), servertest.Inspect(t, "setup-later", screen))
	}
}
