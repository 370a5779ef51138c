package web

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/templates"
)

// Options are what the handlers of one configuration have in common. Zero values are
// good but for PublicURL.
type Options struct {
	// PublicURL is where this service is reached from outside: scheme and host
	// only. URLs in answers are made from it, never from a request.
	PublicURL *url.URL
	// StaffURL is where the help desk's pages are reached; the loopback address if
	// nil.
	StaffURL *url.URL
	// TrustedProxies are the networks from which it is believed who the client is and
	// how it came: by X-Forwarded-For and X-Forwarded-Proto, or as Forwarded says.
	TrustedProxies []netip.Prefix
	// Forwarded says that they write Forwarded (RFC 7239) instead of X-Forwarded-*.
	Forwarded bool
	// Rate bounds the requests of one client.
	Rate Rate
	// HSTS is for how long browsers come by https alone; 0 makes them forget it.
	HSTS time.Duration
	// Drain is how long the service goes on when it is told to stop.
	Drain time.Duration
	// Templates is the operator's folder of texts, pages and assets; nil for none.
	Templates fs.FS
	// DatabaseDown tells whether our own database couldn't be asked at the last try.
	// It is never so if nil.
	DatabaseDown func() bool
}

// App is what the handlers of one configuration stand on.
type App struct {
	Options
	*Front
	Pages   *templates.Pages
	limiter *limiter
	kept    keptPages
}

// NewApp prepares an App. An error is a mistake in the operator's templates.
func NewApp(f *Front, o Options) (*App, error) {
	if o.StaffURL == nil {
		o.StaffURL = &url.URL{Scheme: "http", Host: "127.0.0.1"}
	}
	if o.DatabaseDown == nil {
		o.DatabaseDown = func() bool { return false }
	}
	pages, err := templates.NewPages(o.Templates)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	return &App{Options: o, Front: f, Pages: pages, limiter: f.limiterOf(o.Rate)}, nil
}

// Routes adds routes to a listener's.
type Routes func(*echo.Echo)

// NewEcho has no routes yet. What a table doesn't know is told as an App tells it.
func (a *App) NewEcho(table ...Refusal) *echo.Echo {
	e := echo.New()
	e.HideBanner = true
	e.HidePort = true
	e.HTTPErrorHandler = func(err error, c echo.Context) { a.refuse(table, err, c) }
	// Without these two, echo believes any forged header (GHSA-246p-cpwv-v3jq).
	e.IPExtractor = a.clientAddress
	e.SchemeExtractor = echo.ExtractSchemeDirect()
	return e
}

// Around puts middleware around all routes, also around what is said where there is none.
// The chain is made once: echo's own Use makes it anew for each request, a closure for
// each link.
func Around(e *echo.Echo, links ...echo.MiddlewareFunc) {
	chain := func(c echo.Context) error { return c.Handler()(c) }
	for _, link := range slices.Backward(links) {
		chain = link(chain)
	}
	e.Use(func(echo.HandlerFunc) echo.HandlerFunc { return chain })
}

// Get adds a route that is read.
func Get(e *echo.Echo, path string, handler echo.HandlerFunc, around ...echo.MiddlewareFunc) {
	e.Match([]string{http.MethodGet, http.MethodHead}, path, handler, around...)
}
