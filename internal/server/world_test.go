package server_test

import (
	"net"
	"net/http"
	"testing"

	"autoconfig/internal/directory"
	"autoconfig/internal/server/servertest"
	"autoconfig/internal/store"
	"autoconfig/internal/web"
	"autoconfig/policy"
)

// world is a [servertest.World] by the names that the tests of this package use.
type world struct {
	*servertest.World
	server    *servertest.Service
	store     *store.Store
	directory *directory.Directory
}

func worldOf(w *servertest.World) *world { return &world{w, w.Server, w.Store, w.Directory} }

// newWorld is a world with a store in memory.
func newWorld(t testing.TB, change ...func(*servertest.Options)) *world {
	t.Helper()
	return worldOf(servertest.NewWorld(t, change...))
}

func worldOn(t testing.TB, g servertest.Ground, change ...func(*servertest.Options)) *world {
	t.Helper()
	return worldOf(g.World(t, change...))
}

// officeWorld is the world of an office.
func officeWorld(t *testing.T, change ...func(*servertest.Options)) *world {
	t.Helper()
	return worldOf(servertest.NewOffice(t, change...).World)
}

func testSite(t testing.TB) policy.Site { t.Helper(); return servertest.TestSite(t) }

func (w *world) ask(t testing.TB, method, target, body string, header ...string) *http.Response {
	t.Helper()
	return w.Ask(t, method, target, body, header...)
}

func (w *world) serve(t testing.TB, l web.Listeners) { t.Helper(); w.Serve(t, l) }

func do(h http.Handler, method, target, body string, header ...string) *http.Response {
	return servertest.Do(h, method, target, body, header...)
}

func record(h http.Handler, r *http.Request) *http.Response { return servertest.Record(h, r) }

func text(r *http.Response) string { return servertest.Text(r) }

func listen(t testing.TB, address string) net.Listener {
	t.Helper()
	return servertest.Listen(t, address)
}
