package servertest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/config"
	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/store"
	"autoconfig/internal/testkit"
	"autoconfig/internal/web"
	"autoconfig/policy"
)

// FormType is the media type of a form.
const FormType = "application/x-www-form-urlencoded"

// WrongLink is the URL of a link that nobody made.
const WrongLink = "http://setup.example.com/s/00000000000000000000000000"

// moreSites stand beside the demo site, one for each case that it hasn't.
const moreSites = `
  - name: login.example
    servers: {imap: {host: imap.login.example}, smtp: {host: smtp.login.example}}
    username: "{local}"
  - name: pop.example
    servers: {pop3: {host: pop.pop.example}, smtp: {host: smtp.pop.example}}
  - name: plain.example
    servers:
      imap: {host: imap.plain.example, port: 143, security: none, allow_plaintext: true}
      smtp: {host: smtp.plain.example}
  - name: starttls.example
    servers:
      imap: {host: imap.starttls.example, security: starttls}
      smtp: {host: smtp.starttls.example, security: starttls}
  - name: oauth.example
    servers:
      imap: {host: imap.oauth.example, auth: [OAUTHBEARER]}
      smtp: {host: smtp.oauth.example, auth: [OAUTHBEARER]}
  - name: quiet.example
    public_answers: default
    plan: standard
  - name: typed.example
    aliases: [typed.test]
    alias_login: typed
    plan: standard
  - name: müller.example
    plan: standard
  - name: several.example
    servers:
      imap:
        - {host: starttls.several.example, security: starttls}
        - {host: best.several.example}
        - {host: second.several.example}
      smtp: [{host: one.several.example}, {host: two.several.example}]
    services:
      caldav: "https://dav.several.example/"
      carddav: "https://dav.several.example/contacts/"
      webdav: "https://files.several.example/"
      jmap: "https://jmap.several.example/session"
      webmail: "https://mail.several.example/"
      managesieve: {host: imap.several.example}
`

const moreAccounts = `
  - {address: a&b@example.com, protocol: pop3}
  - {address: boss@example.com, login: "00123", name: The Boss, addresses: [chef@example.com]}
  - {address: nothing@example.com, name: Nothing Of Its Own, devices: several, groups: [staff], quota: 5GB}
  - {address: kiosk@quiet.example, groups: [kiosk], login: k1}
`

// TestSite is the demo site with more domains and accounts.
func TestSite(t testing.TB) policy.Site {
	t.Helper()
	text := string(config.Demo)
	text = strings.Replace(text, "\naccounts:", moreSites+"\naccounts:", 1)
	text = strings.TrimRight(text, "\n") + moreAccounts
	site, _, err := config.ReadSite("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// World is a service with a store.
type World struct {
	Server    *Service
	Store     *store.Store
	Directory *directory.Directory
}

// Ground is what a world stands on. The zero one is the test site in memory.
type Ground struct {
	Database, Folder string
	Site             *policy.Site
	Sources          []directory.SourceOptions
	Logger           *slog.Logger
}

// NewWorld is a world with a store in memory.
func NewWorld(t testing.TB, change ...func(*Options)) *World {
	t.Helper()
	return Ground{}.World(t, change...)
}

// World is the world on a ground.
func (g Ground) World(t testing.TB, change ...func(*Options)) *World {
	t.Helper()
	if g.Database == "" {
		g.Database = "sqlite::memory:"
	}
	if g.Site == nil {
		site := TestSite(t)
		g.Site = &site
	}
	if g.Logger == nil {
		g.Logger = slog.New(slog.DiscardHandler)
	}
	db, err := store.Open(t.Context(), database.MustParse(g.Database), store.Options{Folder: g.Folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Replace(t.Context(), *g.Site); err != nil {
		t.Fatal(err)
	}
	w := &World{Store: db}
	w.Directory = directory.New(directory.Options{Store: db, Sources: g.Sources, Logger: g.Logger})
	options := Options{
		Directory: w.Directory,
		PublicURL: &url.URL{Scheme: "https", Host: "setup.example.com"},
		Logger:    g.Logger,
		Links:     &links.Keeper{Store: db, Secret: []byte("a secret of the test")},
		Failures:  db,
		Secret:    []byte("a secret of the test"),
		Now:       func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
	}
	for _, f := range change {
		f(&options)
	}
	if w.Server, err = New(options); err != nil {
		t.Fatal(err)
	}
	return w
}

// Ask sends one request to the public listener, of which the scheme isn't known.
func (w *World) Ask(t testing.TB, method, target, body string, header ...string) *http.Response {
	t.Helper()
	return Do(w.Server.Public(false), method, target, body, header...)
}

// Do sends a request whose target is http://host/path?query, as it is.
func Do(h http.Handler, method, target, body string, header ...string) *http.Response {
	rest := strings.TrimPrefix(target, "http://")
	host, path, _ := strings.Cut(rest, "/")
	r := httptest.NewRequestWithContext(context.Background(), method, "http://placeholder/", strings.NewReader(body))
	u, err := url.Parse("http://placeholder/" + path)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", target, err))
	}
	r.URL, r.RequestURI, r.Host = u, "/"+path, host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return Record(h, r)
}

// Record is the answer to a request.
func Record(h http.Handler, r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return recorder.Result()
}

// Text is the body of an answer.
func Text(r *http.Response) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	return string(body)
}

// Serve runs the service on real sockets until the test ends.
func (w *World) Serve(t testing.TB, l web.Listeners) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Server.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Listen is a socket.
func Listen(t testing.TB, address string) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Twin is another replica on the same database.
func (w *World) Twin(t *testing.T) *Service {
	t.Helper()
	s, err := New(w.Server.Options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ClockThatStands forgives nothing, however slow the machine is.
func ClockThatStands(o *Options) {
	now := time.Now()
	o.Now = func() time.Time { return now }
}

// OnEachGround runs a test on a database of each kind that others can look into.
func OnEachGround(t *testing.T, databases *testkit.DatabaseServers, test func(t *testing.T, g Ground)) {
	t.Helper()
	t.Parallel()
	for name, at := range map[string]func(t *testing.T) Ground{
		"sqlite":     func(t *testing.T) Ground { return Ground{Database: "sqlite:test.db", Folder: t.TempDir()} },
		"postgresql": func(t *testing.T) Ground { return Ground{Database: databases.PostgreSQL(t).Create(t)} },
		"mariadb":    func(t *testing.T) Ground { return Ground{Database: databases.MariaDB(t).Create(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, at(t))
		})
	}
}
