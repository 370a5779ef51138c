package server_test

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
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/store"
	"autoconfig/internal/web"
	"autoconfig/policy"
)

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

// testSite is the demo site with more domains and accounts.
func testSite(t testing.TB) policy.Site {
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

// world is a service with a store.
type world struct {
	server    *servertest.Service
	store     *store.Store
	directory *directory.Directory
}

// ground is what a world stands on. The zero one is the test site in memory.
type ground struct {
	database, folder string
	site             *policy.Site
	sources          []directory.SourceOptions
	logger           *slog.Logger
}

// newWorld is a world with a store in memory.
func newWorld(t testing.TB, change ...func(*servertest.Options)) *world {
	t.Helper()
	return ground{}.world(t, change...)
}

func (g ground) world(t testing.TB, change ...func(*servertest.Options)) *world {
	t.Helper()
	if g.database == "" {
		g.database = "sqlite::memory:"
	}
	if g.site == nil {
		site := testSite(t)
		g.site = &site
	}
	if g.logger == nil {
		g.logger = slog.New(slog.DiscardHandler)
	}
	db, err := store.Open(t.Context(), database.MustParse(g.database), store.Options{Folder: g.folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Replace(t.Context(), *g.site); err != nil {
		t.Fatal(err)
	}
	w := &world{store: db}
	w.directory = directory.New(directory.Options{Store: db, Sources: g.sources, Logger: g.logger})
	options := servertest.Options{
		Directory: w.directory,
		PublicURL: &url.URL{Scheme: "https", Host: "setup.example.com"},
		Logger:    g.logger,
		Links:     &links.Keeper{Store: db, Secret: []byte("a secret of the test")},
		Failures:  db,
		Secret:    []byte("a secret of the test"),
		Now:       func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
	}
	for _, f := range change {
		f(&options)
	}
	if w.server, err = servertest.New(options); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask sends one request to the public listener, of which the scheme isn't known.
func (w *world) ask(t testing.TB, method, target, body string, header ...string) *http.Response {
	t.Helper()
	return do(w.server.Public(false), method, target, body, header...)
}

// do sends a request whose target is http://host/path?query, as it is.
func do(h http.Handler, method, target, body string, header ...string) *http.Response {
	rest := strings.TrimPrefix(target, "http://")
	host, path, _ := strings.Cut(rest, "/")
	r := httptest.NewRequestWithContext(context.Background(), method, "http://placeholder/", strings.NewReader(body))
	u, err := url.Parse("http://placeholder/" + path)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", target, err))
	}
	r.URL, r.Host = u, host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return record(h, r)
}

func record(h http.Handler, r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return recorder.Result()
}

func text(r *http.Response) string {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	return string(body)
}

// serve runs the service on real sockets until the test ends.
func (w *world) serve(t testing.TB, l web.Listeners) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.server.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
