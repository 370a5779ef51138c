// Package autoconfig_test guards the code layout: who may import whom.
package autoconfig_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// room is what a folder may import beside the standard library.
type room struct {
	ours  []string
	third []string
	// pure rooms are the top ring: no I/O, clock, network or randomness.
	pure bool
}

// rooms is the table of docs/contributors.md. A new arrow is a line here, with
// its reason in the commit.
var rooms = map[string]room{
	"settings": {pure: true, third: []string{"golang.org/x/net/idna", "golang.org/x/text/unicode/norm"}},
	"policy":   {pure: true, ours: []string{"settings"}},
	// a generator for property tests, which no shipped package imports
	"policy/policytest": {ours: []string{"settings", "policy"}, third: []string{"pgregory.net/rapid"}},
	"thunderbird":       {pure: true, ours: []string{"settings"}, third: []string{"github.com/beevik/etree", "golang.org/x/net/html/charset", "golang.org/x/text"}},
	// requests come in whatever encoding their declaration names
	"autodiscover": {pure: true, ours: []string{"settings"}, third: []string{"github.com/beevik/etree", "golang.org/x/text/encoding/ianaindex"}},
	// pkcs7 writes the signing time itself; nothing else of mobileconfig has a clock.
	"mobileconfig": {pure: true, ours: []string{"settings"}, third: []string{"howett.net/plist", "github.com/smallstep/pkcs7"}},
	"pacc":         {pure: true, ours: []string{"settings"}},
	// which logins Thunderbird's reader changes
	"clients": {pure: true, ours: []string{"settings", "thunderbird"}},
	// readers of XML as the programs have them: expat with JXON, GMarkup
	"clients/reading": {
		pure: true, ours: []string{"settings"}, third: []string{"golang.org/x/net/html/charset", "golang.org/x/text"},
	},
	"templates": {ours: []string{"settings"}, third: []string{"github.com/nicksnyder/go-i18n/v2/i18n", "golang.org/x/text"}},

	// database has the form of a database's address
	"internal/config": {ours: []string{"settings", "policy", "internal/suggest", "internal/database"}, third: []string{"github.com/goccy/go-yaml"}},
	// how the three kinds of databases are opened, for the rooms that speak SQL: store, directory/sqldir, migrate
	"internal/database":          {third: []string{"modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/go-sql-driver/mysql"}},
	"internal/directory":         {ours: []string{"settings", "policy", "clients"}, third: []string{"github.com/maypok86/otter/v2"}},
	"internal/directory/sqldir":  {ours: []string{"settings", "policy", "internal/directory", "internal/database"}},
	"internal/directory/ldapdir": {ours: []string{"settings", "policy", "internal/directory"}, third: []string{"github.com/go-ldap/ldap/v3"}},
	"internal/links":             {ours: []string{"settings", "clients"}, third: []string{"rsc.io/qr"}},
	"internal/staff":             {ours: []string{"settings", "internal/seal"}, third: []string{"golang.org/x/crypto/argon2", "golang.org/x/time/rate"}},
	"internal/store":             {ours: []string{"settings", "policy", "internal/certificates", "internal/database", "internal/directory", "internal/doctor", "internal/links", "internal/post", "internal/staff", "internal/webhook"}, third: []string{"github.com/pressly/goose/v3"}},
	// what may be done, for all doors: it asks the store and the directory
	"internal/admin": {ours: []string{"settings", "policy", "templates", "internal/config", "internal/directory", "internal/links", "internal/lookup", "internal/post", "internal/staff", "internal/suggest"}},
	// messages to people by mail: go-mail writes them and speaks SMTP
	"internal/post": {ours: []string{"settings", "templates", "internal/queue", "internal/seal"}, third: []string{"github.com/wneessen/go-mail"}},
	// tells the operator's programs by signed POSTs, for the checks (doctor) and for links
	"internal/webhook": {ours: []string{"internal/links", "internal/queue"}},
	// rounds, pauses and reasons, for what works off a queue (doctor, post, webhook)
	"internal/queue": {},
	// gets, keeps and renews TLS certificates from an ACME server
	"internal/certificates": {ours: []string{"internal/seal"}, third: []string{"github.com/maypok86/otter/v2", "github.com/mholt/acmez/v3", "golang.org/x/sync/errgroup"}},
	// what the database keeps and shouldn't show (certificates, post, staff)
	"internal/seal": {},
	// sockets and notifications of systemd
	"internal/systemd": {third: []string{"golang.org/x/sys/unix"}},
	// a log that never makes anybody wait, for cmd to wire
	"internal/logs": {},
	// what was probably meant, for mistakes in configurations (config) and tables (migrate)
	"internal/suggest": {},
	"internal/migrate": {ours: []string{"internal/suggest", "settings", "policy", "thunderbird", "clients/reading", "internal/database"}},
	// what is to be said of an address, a digest or a host: for strangers and for staff
	"internal/lookup": {ours: []string{"settings", "thunderbird", "autodiscover", "pacc", "internal/directory"}},
	"internal/guide": {
		ours: []string{"settings", "policy", "thunderbird", "mobileconfig", "clients", "internal/directory", "internal/links", "internal/lookup"},
	},
	// connections, limits, refusals and pages of all listeners: what the rooms of
	// strangers, of staff and of the operator stand on
	"internal/web": {
		ours: []string{"settings", "templates", "internal/directory"},
		third: []string{
			"github.com/labstack/echo/v4", "github.com/maypok86/otter/v2", "github.com/pires/go-proxyproto", "github.com/prometheus/client_golang",
			"golang.org/x/sync/errgroup", "golang.org/x/time/rate",
		},
	},
	// the last requests of each domain
	"internal/trace": {ours: []string{"settings", "clients"}},
	"internal/operator": {
		ours:  []string{"settings", "mobileconfig", "internal/directory", "internal/doctor", "internal/lookup", "internal/trace", "internal/web"},
		third: []string{"github.com/labstack/echo/v4", "github.com/prometheus/client_golang"},
	},
	// What strangers reach. Behind the wall, which [TestStrangersAreBehindAWall] holds, are
	// staff, their acts and our own database.
	"internal/server": {
		ours: []string{
			"settings", "thunderbird", "autodiscover", "mobileconfig", "pacc", "clients",
			"templates", "internal/directory", "internal/guide", "internal/links", "internal/lookup", "internal/trace", "internal/web",
		},
		third: []string{"github.com/labstack/echo/v4", "github.com/prometheus/client_golang"},
	},
	"internal/helpdesk": {
		ours: []string{
			"settings", "policy", "clients",
			"internal/admin", "internal/directory", "internal/guide", "internal/links", "internal/lookup", "internal/post", "internal/staff", "internal/web",
		},
		third: []string{"github.com/go-webauthn/webauthn", "github.com/coreos/go-oidc/v3", "golang.org/x/oauth2", "github.com/labstack/echo/v4"},
	},
	"internal/api": {
		ours: []string{
			"settings", "policy", "thunderbird", "autodiscover", "mobileconfig", "clients",
			"internal/admin", "internal/directory", "internal/doctor", "internal/guide", "internal/links", "internal/lookup", "internal/post", "internal/staff", "internal/web",
		},
		third: []string{"github.com/labstack/echo/v4"},
	},
	// the whole service put together for tests, which no shipped package imports
	"internal/server/servertest": {
		ours: []string{
			"settings", "policy", "mobileconfig", "internal/admin", "internal/api", "internal/config", "internal/database", "internal/directory",
			"internal/doctor", "internal/helpdesk", "internal/links", "internal/operator", "internal/post", "internal/server", "internal/staff",
			"internal/store", "internal/testkit", "internal/trace", "internal/web",
		},
		third: []string{"github.com/chromedp", "github.com/getkin/kin-openapi"},
	},
	"internal/doctor": {
		ours:  []string{"settings", "policy", "pacc", "thunderbird", "autodiscover", "clients", "clients/reading", "internal/doctor/probe", "internal/queue", "internal/webhook"},
		third: []string{"github.com/miekg/dns", "golang.org/x/net/publicsuffix"},
	},
	// asks name servers and web servers, for the checks and the simulations, which have no part in each other
	"internal/doctor/probe": {third: []string{"github.com/miekg/dns"}},
	"internal/doctor/simulate": {
		ours:  []string{"settings", "thunderbird", "autodiscover", "mobileconfig", "clients", "clients/reading", "internal/doctor/probe"},
		third: []string{"github.com/miekg/dns", "golang.org/x/net/publicsuffix"},
	},
	// a real ACME server: most tests don't need it
	"internal/testkit/acme": {third: []string{"github.com/letsencrypt/pebble/v2"}},
	"internal/testkit":      {ours: []string{"settings"}, third: []string{"github.com/chromedp", "github.com/miekg/dns", "go.uber.org/goleak"}},
	// the strips of the docs: what a browser shows of the demo
	"scripts/pictures": {third: []string{"github.com/chromedp"}},
	// the benchmark of `make bench`: floors that know nothing, and what they sign with
	"scripts/bench": {ours: []string{"mobileconfig"}, third: []string{"github.com/labstack/echo/v4"}},
	"cmd/autoconfig": {
		ours: []string{
			"settings", "policy", "thunderbird", "autodiscover", "mobileconfig", "pacc", "clients", "templates",
			"internal/admin", "internal/config", "internal/database",
			"internal/directory", "internal/directory/sqldir", "internal/directory/ldapdir",
			"internal/doctor", "internal/doctor/probe", "internal/doctor/simulate",
			"internal/store", "internal/server", "internal/migrate", "internal/links",
			"internal/logs", "internal/operator", "internal/post", "internal/staff", "internal/web",
			"internal/api", "internal/helpdesk", "internal/certificates", "internal/lookup", "internal/systemd", "internal/suggest", "internal/trace", "internal/webhook",
		},
		third: []string{"github.com/alecthomas/kong", "golang.org/x/crypto/x509roots/fallback", "golang.org/x/sync/errgroup"},
	},
}

// impure are the packages that do I/O, read a clock or make randomness.
var impure = []string{"os", "net", "net/http", "io/fs", "database/sql", "crypto/rand", "math/rand", "syscall", "log/slog", "log", "embed"}

func TestEveryFolderImportsOnlyWhatItMay(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		folder := path.Dir(file.name)
		if folder == "." || strings.Contains(folder, "testdata") {
			continue
		}
		allowed, found := lookUp(folder)
		if !found {
			t.Errorf("%s: the folder %s is not in the table of imports_test.go", file.name, folder)
			continue
		}
		for _, imported := range file.imports {
			if reason := allowed.refuses(imported); reason != "" {
				t.Errorf("%s: %s %s", file.name, imported, reason)
			}
		}
	}
}

// What strangers reach has no way to staff, to what they may do, or to our own database:
// not through others either.
func TestStrangersAreBehindAWall(t *testing.T) {
	t.Parallel()
	imports := map[string][]string{}
	for _, file := range goFiles(t) {
		folder := path.Dir(file.name)
		imports[folder] = append(imports[folder], file.imports...)
	}
	reached := map[string]bool{}
	var reach func(folder string)
	reach = func(folder string) {
		if reached[folder] {
			return
		}
		reached[folder] = true
		for _, imported := range imports[folder] {
			if ours, isOurs := strings.CutPrefix(imported, "autoconfig/"); isOurs {
				reach(ours)
			}
		}
	}
	reach("internal/server")
	if !reached["internal/web"] || !reached["internal/directory"] {
		t.Fatal("the imports were not read")
	}
	for _, behind := range []string{"internal/staff", "internal/admin", "internal/store", "internal/api", "internal/helpdesk", "internal/database", "internal/post", "internal/webhook"} {
		if reached[behind] {
			t.Errorf("internal/server reaches %s", behind)
		}
	}
}

// A folder below a room belongs to it.
func lookUp(folder string) (room, bool) {
	for ; folder != "."; folder = path.Dir(folder) {
		if r, ok := rooms[folder]; ok {
			return r, true
		}
	}
	return room{}, false
}

func (r room) refuses(imported string) string {
	under := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return imported == p || strings.HasPrefix(imported, p+"/") })
	}
	ours, isOurs := strings.CutPrefix(imported, "autoconfig/")
	switch {
	case isOurs:
		if !slices.Contains(r.ours, ours) {
			return "is not a room that this one may enter"
		}
	case strings.Contains(strings.Split(imported, "/")[0], "."):
		if !under(r.third) {
			return "is a library that this room doesn't have"
		}
	case r.pure && slices.Contains(impure, imported):
		return "is I/O, and this room is pure"
	}
	return ""
}

func TestNoFileHasInit(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		for _, decl := range file.syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init() is magic that a reader doesn't see", file.name)
			}
		}
	}
}

func TestPureRoomsReadNoClock(t *testing.T) {
	t.Parallel()
	for _, file := range goFiles(t) {
		if r, _ := lookUp(path.Dir(file.name)); !r.pure {
			continue
		}
		ast.Inspect(file.syntax, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Sleep", "After"}, s.Sel.Name) {
					t.Errorf("%s reads the clock: time.%s", file.name, s.Sel.Name)
				}
			}
			return true
		})
	}
}

// What can't run here is skipped by testkit.Need alone, which says what to install and
// fails under CI=true.
func TestNoTestSkipsByItself(t *testing.T) {
	t.Parallel()
	mayCall := []string{
		"internal/testkit/need.go", "internal/testkit/namespace.go", // relays it
		"internal/testkit/namespace_test.go", // is about it
	}
	for _, file := range sources(t, func(string) bool { return true }) {
		if slices.Contains(mayCall, file.name) {
			continue
		}
		ast.Inspect(file.syntax, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name) {
				t.Errorf("%s skips by itself: testkit.Need", file.name)
			}
			return true
		})
	}
}

func TestEveryPackageSaysWhatItKnows(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, file := range goFiles(t) {
		folder := path.Dir(file.name)
		documented[folder] = documented[folder] || file.syntax.Doc != nil
	}
	for folder, yes := range documented {
		if !yes {
			t.Errorf("the package in %s has no package comment", folder)
		}
	}
}

type goFile struct {
	name    string
	imports []string
	syntax  *ast.File
}

// goFiles are the shipped ones: tests may use what they like.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	return sources(t, func(name string) bool { return !strings.HasSuffix(name, "_test.go") })
}

// sources are the files whose names are wanted.
func sources(t *testing.T, wanted func(name string) bool) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || !wanted(name) {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		f := goFile{name: filepath.ToSlash(name), syntax: syntax}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imported)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
