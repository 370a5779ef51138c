package operator

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/trace"
	"autoconfig/internal/web"
)

// Options are what a Private needs. Zero values are good but for Directory.
type Options struct {
	Directory *directory.Directory
	// Checks are the last results of checking domains; nil for none.
	Checks Checks
	// Problems is what is wrong with the service and what it stands on, as somebody
	// finds out now and then; nil for nothing.
	Problems *Problems
	// Unwritable is since when nothing can be written to our own database, and why; nil
	// while it can. It is never so if nil.
	Unwritable func() (since time.Time, why error)
	// Trace is the last requests of each domain; nil for none.
	Trace *trace.Trace
	// AdminHosts are the names by which the private listener answers beside addresses,
	// localhost and StaffURL's.
	AdminHosts []string
}

// Checks gives the last results of checking domains.
type Checks interface {
	Check(ctx context.Context, name string) (doctor.Result, error)
	// Checks are those of domains, by their primary names, or of all if it is nil.
	Checks(ctx context.Context, domains []string, after string, limit int) ([]doctor.Result, error)
	// AllChecks are all of them. An error is the last that is yielded.
	AllChecks(ctx context.Context) iter.Seq2[doctor.Result, error]
}

// Private is the private listener.
type Private struct {
	*web.App
	Options
}

// New prepares a Private.
func New(app *web.App, o Options) *Private { return &Private{App: app, Options: o} }

var errHost = errors.New("a name that the private listener isn't known by")

var refusals = []web.Refusal{
	{
		Err: errHost, Status: http.StatusForbidden,
		Text: "The private listener isn't reached by that name; admin_hosts permits it.",
	},
}

// Handler is that of the private listener, with more routes if the help desk and the
// API have no listener of their own.
func (s *Private) Handler(more ...web.Routes) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(directoryCollector{s.Directory}, problemCollector{s})
	e := s.NewEcho(refusals...)
	// scrapes would fill the log
	web.Around(e, s.Observe(slog.LevelDebug, refusals...), s.StrictTransport(), web.PrivateHeaders,
		web.OnlyHosts(s.isKnownHost, errHost))
	web.Get(e, "/", s.homePage(len(more) > 0), s.Bounded, web.RequireUTF8)
	web.Get(e, "/healthz", healthz)
	web.Get(e, "/readyz", s.readyz)
	web.Get(e, "/trace", s.lastRequests, s.Bounded)
	web.Get(e, "/tls/ask", s.tlsAsk, s.Bounded)
	web.Get(e, "/metrics", echo.WrapHandler(s.MetricsHandler(registry)))
	if s.Checks != nil {
		registry.MustRegister(&checkCollector{checks: s.Checks, down: s.DatabaseDown})
		web.Get(e, "/checks", s.checksPage, s.Bounded, web.RequireUTF8)
		web.Get(e, "/checks/:domain", s.checkPage, s.Bounded)
	}
	for _, add := range more {
		add(e)
	}
	s.Assets(e)
	return s.App.Private.Handler(e, web.MaxStaffBody, "/healthz", "/readyz", "/metrics")
}

// isKnownHost tells whether the private listener answers by a name. It does by every
// address: the Host of a page that was bent to us is its name. So Prometheus and
// Kubernetes, which ask by address, need no entry.
func (s *Private) isKnownHost(host string) bool {
	if host == "" { // HTTP/1.0, as some load balancers speak; no browser leaves it out
		return true
	}
	name := web.BareName(host)
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	same := func(known string) bool { return strings.EqualFold(name, known) }
	return same("localhost") || same(s.StaffURL.Hostname()) || slices.ContainsFunc(s.AdminHosts, same)
}
