package server

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"autoconfig/autodiscover"
	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
	"autoconfig/pacc"
	"autoconfig/templates"
	"autoconfig/thunderbird"
)

// Options are what a Server needs. Zero values are good but for Directory and
// PublicURL.
type Options struct {
	Directory *directory.Directory
	// PublicURL is where this service is reached from outside: scheme and host
	// only. URLs in answers are made from it, never from a request.
	PublicURL *url.URL
	// Signer gives the identity that signs profiles; nil, or a nil identity,
	// means that profiles go out unsigned.
	Signer func() *mobileconfig.Identity
	// TrustedProxies are the networks from which X-Forwarded-For and
	// X-Forwarded-Proto are believed.
	TrustedProxies []netip.Prefix
	// Rate bounds the requests of one client.
	Rate web.Rate
	// Failures keep what clients got wrong, for all replicas; nil means that each
	// process counts by itself.
	Failures web.Failures
	// Secret is the root of the key by which clients are kept there.
	Secret []byte
	// Limits bound what clients hold at once.
	Limits web.Limits
	// Logger is slog.Default if nil.
	Logger *slog.Logger
	// LinesLost is how many lines the log had to drop; nil for a log that waits.
	LinesLost func() uint64
	// Now is time.Now if nil.
	Now func() time.Time
	// Checks are the last results of checking domains; nil for none.
	Checks Checks
	// Links are the setup links; nil for none.
	Links *links.Keeper
	// LinkLife and LinkUses are a link's where nothing else is asked for.
	LinkLife time.Duration
	LinkUses int
	// Desk is the help desk's staff, nil for none; Site is what they and programs
	// read and change.
	Desk *staff.Desk
	Site Site
	// StaffURL is where the help desk's pages are reached; the loopback address if
	// nil.
	StaffURL *url.URL
	// AdminHosts are the names by which the private listener answers beside addresses,
	// localhost and StaffURL's.
	AdminHosts []string
	// HSTS is for how long browsers come by https alone; 0 makes them forget it.
	HSTS time.Duration
	// StaffApart says that the pages have a listener of their own.
	StaffApart bool
	// OIDC is the help desk's identity provider; nil for none.
	OIDC *OIDC
	// Templates is the operator's folder of texts, pages and assets; nil for none.
	Templates fs.FS
	// Version is what the metrics say of the binary.
	Version string
	// Problems is what is wrong with the service and what it stands on, as somebody
	// finds out now and then; nil for nothing.
	Problems *Problems
	// Drain is how long it goes on when it is told to stop.
	Drain time.Duration
}

// Server holds the handlers of both listeners.
type Server struct {
	Options
	front     *front
	metrics   *metrics
	requests  *requestLog
	strangers *strangers
	crowds    crowds
	limiter   *web.Limiter
	guesses   *web.Attempts
	signIns   *web.Attempts
	devices   *web.Attempts
	tokens    *web.Attempts
	oidc      *identity
	pages     *templates.Pages
	admin     *admin.Admin // nil without a help desk
}

// New prepares a Server. An error is a mistake in the operator's templates.
func New(o Options) (*Server, error) { return build(o, nil) }

// build makes a Server, after another one if before isn't nil.
func build(o Options, before *Server) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{Options: o, requests: &requestLog{}, strangers: &strangers{}, limiter: web.NewLimiter(o.Rate)}
	pages, err := templates.NewPages(o.Templates)
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	s.pages = pages
	keeping := web.Keeping{Failures: o.Failures, Secret: o.Secret, Logger: o.Logger, Now: o.Now}
	s.guesses = web.NewAttempts("link", linkGuesses, keeping)
	s.signIns = web.NewAttempts("sign-in", signIns, keeping)
	s.devices = web.NewAttempts("device", deviceSignIns, keeping)
	s.tokens = web.NewAttempts("token", tokenGuesses, keeping)
	if s.StaffURL == nil {
		s.StaffURL = &url.URL{Scheme: "http", Host: "127.0.0.1"}
	}
	if o.OIDC != nil {
		s.oidc = &identity{OIDC: *o.OIDC, now: o.Now, logger: o.Logger}
	}
	if o.Desk != nil {
		s.admin = &admin.Admin{
			Store: o.Site, Directory: o.Directory, Links: o.Links, Desk: o.Desk, Catalogue: pages.Catalogue,
			PublicURL: o.PublicURL, LinkLife: o.LinkLife, LinkUses: o.LinkUses, Now: o.Now,
		}
	}
	if before != nil {
		s.takeOver(before)
		return s, nil
	}
	s.front = &front{face: &face{server: s}}
	s.metrics = newMetrics(s.front.latest, o.Version)
	s.crowds = s.newCrowds()
	if o.LinesLost != nil {
		s.metrics.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "autoconfig_log_lines_lost_total", Help: "Lines that were dropped because what the log is written to was blocked.",
		}, func() float64 { return float64(o.LinesLost()) }))
	}
	if o.Checks != nil {
		s.metrics.registry.MustRegister(&checkCollector{checks: o.Checks, latest: s.front.latest})
	}
	return s, nil
}

// takeOver takes over what another Server has counted and what it knows of clients.
func (s *Server) takeOver(before *Server) {
	s.front, s.metrics, s.requests = before.front, before.metrics, before.requests
	s.guesses, s.signIns, s.devices, s.tokens = before.guesses, before.signIns, before.devices, before.tokens
	s.strangers = before.strangers
	s.crowds = before.crowds // connections outlive a reload
	if s.Rate == before.Rate {
		s.limiter = before.limiter
	}
}

// Public is the handler of the public listener. knownPlain says that whatever
// arrives on it came over plain http, with no proxy in between.
func (s *Server) Public(knownPlain bool) http.Handler {
	e := s.newEcho()
	e.Pre(foldPath)
	e.Use(s.observe(slog.LevelInfo), s.strictTransport, publicHeaders, s.limiter.Refuse(s.Now), s.overTLS(knownPlain))

	s.get(e, thunderbird.Path, s.autoconfig)
	s.get(e, thunderbird.PathWellKnown, s.autoconfig)
	s.get(e, "/v1.1/:domain", s.providerDatabase)

	e.POST(autodiscover.Path, s.autodiscover)
	s.get(e, autodiscover.Path, s.autodiscoverGet)
	s.get(e, autodiscover.PathJSON, s.autodiscoverJSON)
	s.get(e, autodiscover.PathJSON+"/v1.0/:address", s.autodiscoverJSON)

	s.get(e, mobileconfig.Path, s.profile)
	s.get(e, "/mobileconfig", s.profile)
	s.get(e, "/mobileconfig/", s.profile) // automx2's, in the links that people have

	s.get(e, pacc.Path, s.pacc)

	for _, service := range []string{"caldav", "carddav", "jmap"} {
		// CalDAV clients send PROPFIND before anything else (RFC 6764, section 6).
		e.Match(wellKnownMethods, "/.well-known/"+service, s.wellKnown(service))
	}

	s.get(e, "/", s.setup, s.toPeople, form)
	e.POST("/", s.setUp, s.toPeople, form)
	s.assets(e)
	if s.Links != nil {
		s.get(e, "/s/:token", s.link, s.toPeople, s.bounded, form)
		e.POST("/s/:token", s.useLink, s.toPeople, s.bounded, form)
		s.get(e, "/s/:token/profile", s.linkProfile, s.toPeople, s.bounded, form)
	}
	return s.crowds.public.Handler(e, max(web.MaxForm, autodiscover.MaxBody))
}

var wellKnownMethods = []string{http.MethodGet, http.MethodHead, http.MethodOptions, echo.PROPFIND}

// Private is the handler of the private listener.
func (s *Server) Private() http.Handler {
	e := s.newEcho()
	e.Use(s.observe(slog.LevelDebug), s.strictTransport, privateHeaders, onlyHosts(s.isKnownHost, errPrivateHost)) // scrapes would fill the log
	s.get(e, "/healthz", s.healthz)
	s.get(e, "/readyz", s.readyz)
	s.get(e, "/metrics", echo.WrapHandler(s.metrics.handler()))
	if s.Checks != nil {
		s.get(e, "/checks", s.checksPage, s.bounded, wellFormed)
		s.get(e, "/checks/:domain", s.checkPage, s.bounded)
	}
	if !s.StaffApart {
		s.staffRoutes(e)
	}
	s.assets(e)
	return s.crowds.private.Handler(e, web.MaxStaffBody, "/healthz", "/readyz", "/metrics")
}

func (s *Server) assets(e *echo.Echo) {
	s.get(e, "/assets/:name", s.asset)
	s.get(e, "/assets/colour/:name", s.colour)
}

func (s *Server) get(e *echo.Echo, path string, handler echo.HandlerFunc, around ...echo.MiddlewareFunc) {
	e.Match([]string{http.MethodGet, http.MethodHead}, path, handler, around...)
}

func (s *Server) newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.refuse
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, prefix := range s.TrustedProxies {
		trust = append(trust, echo.TrustIPRange(ipNet(prefix)))
	}
	// Without these two, echo believes any forged header (GHSA-246p-cpwv-v3jq).
	e.IPExtractor = echo.ExtractIPDirect()
	e.SchemeExtractor = echo.ExtractSchemeDirect()
	if len(s.TrustedProxies) > 0 {
		e.IPExtractor = echo.ExtractIPFromXFFHeader(trust...)
		e.SchemeExtractor = echo.ExtractSchemeFromHeaders(trust...)
	}
	return e
}
