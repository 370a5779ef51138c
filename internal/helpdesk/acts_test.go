package helpdesk_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

var errInjected = errors.New("a failure of the test")

// frail is a store that fails when it is told so: where an entry is written, or after
// everything that is done together was done.
type frail struct {
	*store.Store
	entry, end atomic.Bool
}

func (f *frail) AddEntry(ctx context.Context, e staff.Entry) error {
	if f.entry.Load() {
		return errInjected
	}
	return f.Store.AddEntry(ctx, e)
}

func (f *frail) Together(ctx context.Context, do func(ctx context.Context) error) error {
	return f.Store.Together(ctx, func(ctx context.Context) error {
		if err := do(ctx); err != nil || !f.end.Load() {
			return err
		}
		return errInjected
	})
}

// frailOffice is an office whose store is frail, and a second connection to look at it.
func frailOffice(t *testing.T, g servertest.Ground, change ...func(*servertest.Options)) (*servertest.Office, *frail, *database.DB) {
	t.Helper()
	f := &frail{}
	o := g.Office(t, append([]func(*servertest.Options){func(options *servertest.Options) {
		f.Store = options.Links.Store.(*store.Store)
		options.Links.Store, options.Desk.Store, options.Site = f, f, f
	}}, change...)...)
	address, err := database.Parse(g.Database)
	if err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(address, database.Options{Folder: g.Folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return o, f, db
}

// panel is a source with one account.
type panel struct{ directory.Source }

func (panel) Account(_ context.Context, address settings.Address) (policy.Account, error) {
	if address.String() != "outside@example.com" {
		return policy.Account{}, directory.ErrNotFound
	}
	return policy.Account{Address: address}, nil
}

func (panel) Domain(context.Context, string) (directory.SourceDomain, error) {
	return directory.SourceDomain{}, directory.ErrNotFound
}

func (panel) Ping(context.Context) error { return nil }

func (panel) Close() error { return nil }

// rows are those of a question, each with its values in a line.
func rows(t *testing.T, db *database.DB, query string) (all []string) {
	t.Helper()
	found, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	columns, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for found.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new([]byte)
		}
		if err := found.Scan(values...); err != nil {
			t.Fatal(err)
		}
		var line []string
		for _, v := range values {
			line = append(line, string(*v.(*[]byte)))
		}
		all = append(all, strings.Join(line, "|"))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// state is what acts change, without the entries.
func state(t *testing.T, db *database.DB, without string) string {
	t.Helper()
	var all []string
	for _, table := range []string{"meta", "domains", "domain_names", "accounts", "addresses", "digests", "overrides", "links", "people", "recovery_codes", "passkeys", "sessions", "tokens"} {
		if table == without {
			continue
		}
		list := rows(t, db, "SELECT * FROM "+table)
		slices.Sort(list)
		all = append(all, table+":\n"+strings.Join(list, "\n"))
	}
	return strings.Join(all, "\n")
}

// act is something that a person or a program does through one door.
type act struct {
	action string
	do     func() (status int)
	// only says that it changes nothing but the log: somebody looked.
	only bool
	// without is a table that also tells of what was tried: a code is used up.
	without string
}

// Whatever is done through the pages and the API has its entry: an act whose entry
// can't be written isn't done, and an act that isn't done has none.
func TestAnActAndItsEntryAreOne(t *testing.T) {
	servertest.OnEachGround(t, &databases, func(t *testing.T, g servertest.Ground) {
		site := servertest.TestSite(t)
		g.Site = &site
		g.Sources = []directory.SourceOptions{{Name: "panel", Source: panel{}}}
		o, f, db := frailOffice(t, g)
		done := map[string]bool{}
		for _, a := range actsOf(t, o) {
			done[a.action] = true
			entries := `SELECT action, actor_id FROM audit ORDER BY id`
			before, logged := state(t, db, a.without), rows(t, db, entries)
			for name, failure := range map[string]*atomic.Bool{"the entry": &f.entry, "the end": &f.end} {
				failure.Store(true)
				status := a.do()
				failure.Store(false)
				if status < 500 {
					t.Errorf("%s, where %s fails: %d", a.action, name, status)
				}
				if after := state(t, db, a.without); after != before {
					t.Errorf("%s, where %s fails, was done:\n%s\n%s", a.action, name, before, after)
				}
				if now := rows(t, db, entries); len(now) != len(logged) {
					t.Errorf("%s, where %s fails, was written down: %v", a.action, name, now[len(logged):])
				}
			}
			if status := a.do(); status >= 400 {
				t.Errorf("%s: %d", a.action, status)
			}
			if after := state(t, db, a.without); (after == before) != a.only {
				t.Errorf("%s: something has changed: %v", a.action, after != before)
			}
			now := rows(t, db, entries)[len(logged):]
			if len(now) != 1 || !strings.HasPrefix(now[0], a.action+"|") || strings.HasSuffix(now[0], "|") {
				t.Errorf("%s is written down as %q", a.action, now)
			}
		}
		for _, action := range actionsIn(t, "../staff") {
			if !done[action] && !slices.Contains([]string{"token made"}, action) { // by commands alone
				t.Errorf("%s is not among the acts that are tried", action)
			}
		}
	})
}

// actionsIn are the actions that code writes down. Refusals aren't acts.
func actionsIn(t *testing.T, folders ...string) (all []string) {
	t.Helper()
	written := regexp.MustCompile(`Action: "([^"]+)"`)
	for _, folder := range folders {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, found := range written.FindAllStringSubmatch(string(text), -1) {
				all = append(all, found[1])
			}
		}
	}
	if len(all) < 5 {
		t.Errorf("only %v", all)
	}
	return all
}

func actsOf(t *testing.T, o *servertest.Office) []act {
	t.Helper()
	p := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...)
	v := o.SignedIn(t, "eva", staff.Admin, "*")
	made := func(note string) string {
		_, l, err := o.Keeper.Make(t.Context(), links.Order{Address: settings.MustAddress("office@example.com"), Domain: "example.com", By: "x", Note: note})
		if err != nil {
			t.Fatal(err)
		}
		return l.ID
	}
	other := func(name string) staff.Person {
		_, person, err := o.Desk.Add(t.Context(), staff.Actor{ID: "x"}, name, staff.Staff, []string{"*"})
		if err != nil {
			t.Fatal(err)
		}
		return person
	}
	byProgram, byPerson := made("a"), made("b")
	resetted, removed := other("otto"), other("paul")
	api := func(method, path string, body any) func() int {
		return func() int { status, _ := p.Ask(method, path, body); return status }
	}
	post := func(path string, form url.Values) func() int {
		return func() int { r, _ := v.Post(path, form); return r.StatusCode }
	}
	get := func(path string) func() int {
		return func() int { r, _ := v.Get(path); return r.StatusCode }
	}
	all := []act{
		{action: "link made", do: api("POST", "/links", map[string]any{"address": "office@example.com"})},
		{action: "link revoked", do: api("DELETE", "/links/"+byProgram, nil)},
		{action: "account added", do: api("PUT", "/accounts/new%40example.com", map[string]any{"protocol": "pop3"})},
		{action: "account changed", do: api("PUT", "/accounts/new%40example.com", map[string]any{"protocol": "imap"})},
		{action: "account removed", do: api("DELETE", "/accounts/new%40example.com", nil)},
		{action: "override changed", do: api("PUT", "/overrides/outside%40example.com", map[string]any{"protocol": "pop3"})},
		{action: "override removed", do: api("DELETE", "/overrides/outside%40example.com", nil)},
		{action: "domain added", do: api("PUT", "/domains/new.example", map[string]any{"plan": "standard"})},
		{action: "domain changed", do: api("PUT", "/domains/new.example", map[string]any{"plan": "standard", "aliases": []string{"alias.example"}})},
		{action: "domain removed", do: api("DELETE", "/domains/new.example", nil)},
		{action: "account shown", only: true, do: get("/helpdesk/account?address=office%40example.com")},
		{action: "audit log exported", only: true, do: get("/helpdesk/audit.csv")},
		{action: "link made", do: post("/helpdesk/links", url.Values{"address": {"office@example.com"}, "hours": {"1"}, "uses": {"1"}, "once": {"7"}})},
		{action: "link revoked", do: post("/helpdesk/links/"+byPerson+"/revoke", nil)},
		{action: "person added", do: post("/helpdesk/people", url.Values{"name": {"rosa"}, "role": {"staff"}, "domains": {"*"}})},
		{action: "password reset", do: post("/helpdesk/people/"+resetted.ID+"/reset", nil)},
		{action: "person removed", do: post("/helpdesk/people/"+removed.ID+"/remove", nil)},
	}
	return append(all, actsAlone(t, o, v)...)
}

// actsAlone are those of people for themselves.
func actsAlone(t *testing.T, o *servertest.Office, eva *servertest.Visitor) []act {
	t.Helper()
	password, added, err := o.Desk.Add(t.Context(), staff.Actor{ID: "x"}, "zoe", staff.Staff, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	zoe := o.Visitor(t)
	key := staff.NewTOTPKey()
	sealed := base64.RawURLEncoding.EncodeToString(o.Desk.Seal(append([]byte(added.ID), key...)))
	own := func(f func(zoe staff.Person) error) func() int {
		return func() int {
			now, err := o.Desk.Store.Person(t.Context(), added.ID)
			if err == nil {
				err = f(now)
			}
			if err != nil {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		}
	}
	return []act{
		{action: "signed in", do: func() int {
			r, _ := zoe.Post("/helpdesk/sign-in", url.Values{"name": {"zoe"}, "password": {password}})
			return r.StatusCode
		}},
		{action: "second factor set up", do: func() int {
			r, _ := zoe.Post("/helpdesk/enrol", url.Values{"sealed": {sealed}, "code": {staff.Code(key, time.Now())}})
			return r.StatusCode
		}},
		{action: "recovery codes made", do: func() int {
			r, _ := zoe.Post("/helpdesk/own/codes", url.Values{"password": {password}})
			return r.StatusCode
		}},
		{action: "passkey added", do: own(func(zoe staff.Person) error { // behind its own steps
			return o.Desk.AddPasskey(t.Context(), zoe, staff.Passkey{ID: []byte("key"), Data: []byte("{}")})
		})},
		{action: "signed in", do: own(func(zoe staff.Person) error {
			_, err := o.Desk.SignInPasskey(t.Context(), zoe, staff.Passkey{
				ID: []byte("key"), Person: zoe.ID, Data: []byte("{}"), ChallengedAt: time.Now(),
			})
			return err
		})},
		{action: "passkey removed", do: func() int {
			r, _ := zoe.Post("/helpdesk/own/passkeys/"+b64([]byte("key"))+"/remove", nil)
			return r.StatusCode
		}},
		{action: "password changed", do: func() int {
			r, _ := zoe.Post("/helpdesk/own", url.Values{"old": {password}, "new": {"a much longer password"}})
			return r.StatusCode
		}},
		{action: "signed out", do: func() int { r, _ := eva.Post("/helpdesk/sign-out", nil); return r.StatusCode }},
		{action: "signed in", do: func() int { // by an identity provider, behind its own steps
			_, _, err := o.Desk.SignInExternal(t.Context(), "https://id.example", "17", "Eva", staff.Staff, []string{"*"})
			if err != nil {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		}},
	}
}

// Two people of one name are two actors, on the page, in the export and for programs.
func TestActorsAreToldApart(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	v := o.SignedIn(t, "eva", staff.Admin, "*")
	local, err := o.Desk.Store.PersonBySubject(t.Context(), "", "eva")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{"local": local.ID}
	for _, issuer := range []string{"https://id.example/one", "https://id.example/two/"} {
		_, p, err := o.Desk.SignInExternal(t.Context(), issuer, "17", "eva", staff.Admin, []string{"*"})
		if err != nil {
			t.Fatal(err)
		}
		ids[strings.Trim(strings.TrimPrefix(issuer, "https://"), "/")] = p.ID
	}
	_, page := v.Get("/helpdesk/audit")
	_, table := v.Get("/helpdesk/audit.csv")
	_, list := servertest.NewProgram(t, o, []string{"*"}, staff.Scopes...).Ask("GET", "/audit", nil)
	for issuer, id := range ids {
		if want := "staff:eva <small>(" + issuer + ", " + id + ")</small>"; !strings.Contains(page, want) {
			t.Errorf("the page has no %s:\n%s", want, page)
		}
		if !strings.Contains(table, ","+id+",") || !strings.Contains(fmt.Sprint(list), id) {
			t.Errorf("no %s in\n%s\n%v", id, table, list)
		}
	}
	if !strings.Contains(table, ",https://id.example/two/\n") {
		t.Errorf("no issuer in\n%s", table)
	}
}
