package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

// entries are the actions in the audit log, latest first.
func (o *office) entries(t *testing.T) []string {
	t.Helper()
	list, err := o.desk.Store.Entries(t.Context(), staff.EntryFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range list {
		actions = append(actions, e.Actor+": "+e.Action)
	}
	return actions
}

// clockThatStands forgives nothing, however slow the machine is.
func clockThatStands(o *servertest.Options) {
	now := time.Now()
	o.Now = func() time.Time { return now }
}

// twin is another replica on the same database.
func (w *world) twin(t *testing.T) *servertest.Service {
	t.Helper()
	s, err := servertest.New(w.server.Options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const wrongLink = "http://setup.example.com/s/00000000000000000000000000"

// What a client gets wrong at one replica counts at all of them.
func TestFailuresCountAtAllReplicas(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(t *testing.T) ground{
		"sqlite":     func(*testing.T) ground { return ground{} },
		"postgresql": func(t *testing.T) ground { return ground{database: databases.PostgreSQL(t).Create(t)} },
		"mariadb":    func(t *testing.T) ground { return ground{database: databases.MariaDB(t).Create(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			o := at(t).office(t, func(o *servertest.Options) { o.Now = func() time.Time { return now } })
			replicas := []*servertest.Service{o.server, o.twin(t)}
			for what, send := range map[string]struct {
				ask   func(s *servertest.Service) *http.Response
				wrong int
			}{
				"links": {func(s *servertest.Service) *http.Response { return do(s.Public(false), http.MethodGet, wrongLink, "") }, http.StatusNotFound},
				"sign-ins": {func(s *servertest.Service) *http.Response {
					return do(s.Staff(), http.MethodPost, o.staff.URL+"/helpdesk/sign-in", "name=nobody&password=x", "Content-Type", formType)
				}, http.StatusUnauthorized},
				"tokens": {func(s *servertest.Service) *http.Response {
					return do(s.Staff(), http.MethodGet, o.staff.URL+"/api/v1/links", "", "Authorization", "Bearer autoconfig_x")
				}, http.StatusUnauthorized},
			} {
				status := map[int]int{}
				for i := range 30 {
					status[send.ask(replicas[i%2]).StatusCode]++
				}
				if status[send.wrong] != 20 || status[http.StatusTooManyRequests] != 10 {
					t.Errorf("%s: %v", what, status)
				}
				if got := send.ask(o.twin(t)).StatusCode; got != http.StatusTooManyRequests {
					t.Errorf("%s: a replica that has just started: %d", what, got)
				}
			}
			if entries := o.entries(t); len(entries) != 20 {
				t.Errorf("%d entries in the audit log, want one for each sign-in that was tried", len(entries))
			}
			now = now.Add(time.Hour)
			if got := do(replicas[1].Public(false), http.MethodGet, wrongLink, "").StatusCode; got != http.StatusNotFound {
				t.Errorf("an hour later: %d", got)
			}
		})
	}
}

// brokenFailures are a database that is down.
type brokenFailures struct{}

var errDown = errors.New("down")

func (brokenFailures) ForgivenAt(context.Context, string, []byte) (time.Time, error) {
	return time.Time{}, errDown
}

func (brokenFailures) AddFailure(context.Context, string, []byte, time.Time, time.Time, time.Duration) error {
	return errDown
}

// A database that can't be asked locks nobody out, and lets nobody guess on.
func TestFailuresWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *servertest.Options) { o.Failures = brokenFailures{} })
	status := map[int]int{}
	for range 30 {
		status[w.ask(t, http.MethodGet, wrongLink, "").StatusCode]++
	}
	if status[http.StatusNotFound] != 20 || status[http.StatusTooManyRequests] != 10 {
		t.Errorf("%v", status)
	}
}

// countingFailures count the questions.
type countingFailures struct {
	web.Failures
	reads, writes int
}

func (c *countingFailures) ForgivenAt(ctx context.Context, kind string, client []byte) (time.Time, error) {
	c.reads++
	return c.Failures.ForgivenAt(ctx, kind, client)
}

func (c *countingFailures) AddFailure(ctx context.Context, kind string, client []byte, now, latest time.Time, each time.Duration) error {
	c.writes++
	if len(client) != 16 || strings.Contains(string(client), "192.0.2.1") {
		return errors.New("a client in clear")
	}
	return c.Failures.AddFailure(ctx, kind, client, now, latest, each)
}

// A client that is blocked costs the database nothing.
func TestABlockedClientCostsNothing(t *testing.T) {
	t.Parallel()
	counting := &countingFailures{}
	w := newWorld(t, func(o *servertest.Options) {
		counting.Failures = o.Failures
		o.Failures = counting
	})
	for range 500 {
		w.ask(t, http.MethodGet, wrongLink, "")
	}
	if counting.reads != 20 || counting.writes != 20 {
		t.Errorf("%d reads, %d writes", counting.reads, counting.writes)
	}
}

// A session is no place to guess the password, or a code: the same bounds hold as at
// the sign-in, and the log says so.
func TestGuessingAPasswordInASession(t *testing.T) {
	t.Parallel()
	o := newOffice(t, clockThatStands)
	v := o.signedIn(t, "eva", staff.Staff, "example.com")
	password := o.reset(t, "root")
	root := o.visitor(t)
	if r, _ := root.post("/helpdesk/sign-in", url.Values{"name": {"root"}, "password": {password}}); r.StatusCode != http.StatusSeeOther {
		t.Fatal(r.Status)
	}
	_, page := root.get("/helpdesk/enrol")
	sealed, _, _ := strings.Cut(strings.SplitAfter(page, `name="sealed" value="`)[1], `"`)
	for name, guess := range map[string]struct {
		visitor *visitor
		path    string
		form    url.Values
		entry   string
	}{
		"eva":  {v, "/helpdesk/own", url.Values{"old": {"x"}, "new": {"a longer password"}}, "staff:eva: password change refused"},
		"root": {root, "/helpdesk/enrol", url.Values{"sealed": {sealed}, "code": {"1"}}, "staff:root: second factor refused"},
	} {
		for range 5 {
			if r, _ := guess.visitor.post(guess.path, guess.form); r.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s: %s", guess.path, r.Status)
			}
		}
		p, err := o.desk.Store.PersonBySubject(t.Context(), "", name)
		if err != nil || !p.LockedUntil.After(time.Now()) {
			t.Errorf("%s isn't locked: %+v %v", name, p, err)
		}
		if entries := strings.Join(o.entries(t), "\n"); strings.Count(entries, guess.entry) != 5 {
			t.Errorf("%s: the log has\n%s", name, entries)
		}
	}
	known, unknown := map[int]int{}, map[int]int{}
	for range 40 {
		r, _ := v.post("/helpdesk/own", url.Values{"old": {"x"}, "new": {"a longer password"}})
		known[r.StatusCode]++
		r, _ = root.post("/helpdesk/enrol", url.Values{"sealed": {sealed}, "code": {"1"}})
		unknown[r.StatusCode]++
	}
	if known[http.StatusTooManyRequests] != 40 || unknown[http.StatusUnprocessableEntity] != 15 || unknown[http.StatusTooManyRequests] != 25 {
		t.Errorf("a browser that is known: %v, and one that isn't: %v", known, unknown)
	}
}

// Whoever is locked out can't change the password either, with the right one.
func TestALockHoldsInASession(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	password := o.reset(t, "eva")
	p, err := o.desk.Store.PersonBySubject(t.Context(), "", "eva")
	if err != nil {
		t.Fatal(err)
	}
	p.LockedUntil = time.Now().Add(time.Minute)
	if _, err := o.desk.ChangePassword(t.Context(), p, password, "a longer password"); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("the right password: %v", err)
	}
	key := staff.NewTOTPKey()
	if _, err := o.desk.Enrol(t.Context(), p, key, staff.Code(key, time.Now())); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("the right code: %v", err)
	}
}

// reset adds somebody without a second factor.
func (o *office) reset(t *testing.T, name string) (password string) {
	t.Helper()
	password, _, err := o.desk.Add(t.Context(), staff.Actor{}, name, staff.Staff, []string{"example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return password
}

// An answer of an identity provider to nothing that this browser began writes
// nothing; one that it did is limited like a password.
func TestCallbacksThatNobodyBegan(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	o := m.office(t, clockThatStands)
	v := o.visitor(t)
	for _, query := range []string{"", "?code=x", "?code=x&state=y", "?error=access_denied"} {
		for range 30 {
			if r, _ := v.get("/helpdesk/oidc/callback" + query); r.StatusCode != http.StatusUnauthorized {
				t.Fatalf("%q: %s", query, r.Status)
			}
		}
	}
	if entries := o.entries(t); len(entries) != 0 {
		t.Errorf("%q", entries)
	}
	status := map[int]int{}
	for range 30 {
		r, _ := v.get("/helpdesk/oidc/callback?error=access_denied&state=" + m.begin(t, v))
		status[r.StatusCode]++
	}
	if status[http.StatusUnauthorized] != 20 || status[http.StatusTooManyRequests] != 10 {
		t.Errorf("%v", status)
	}
	if entries := o.entries(t); len(entries) != 20 {
		t.Errorf("%d entries", len(entries))
	}
}
