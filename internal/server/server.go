package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"autoconfig/autodiscover"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/lookup"
	"autoconfig/internal/trace"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
	"autoconfig/pacc"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// Options are what a Public needs. Zero values are good but for Directory.
type Options struct {
	Directory *directory.Directory
	// Links are the setup links; nil for none.
	Links *links.Keeper
	// Signer gives the identity that signs profiles; nil, or a nil identity,
	// means that profiles go out unsigned.
	Signer func() *mobileconfig.Identity
	// Trace remembers the last requests of each domain; nil for none.
	Trace *trace.Trace
	// Challenge is what a name answers to an ACME server; nil if nothing is got there.
	Challenge func(ctx context.Context, name, token string) (answer string, found bool)
}

// Public is what strangers reach.
type Public struct {
	*web.App
	lookup.Lookup
	links   *links.Keeper
	signer  func() *mobileconfig.Identity
	proof   func(ctx context.Context, name, token string) (answer string, found bool)
	answers map[answerKind]prometheus.Counter
	guesses *web.Attempts
	buffers sync.Pool // of *[]byte, for documents
	asked   askedCounters
	trace   *trace.Trace
	// described are the profiles' texts.
	described descriptions
}

// linkGuesses are links that nobody made.
var linkGuesses = web.Rate{PerSecond: 0.2, Burst: 20}

// New prepares a Public.
func New(app *web.App, o Options) *Public {
	serverless := app.Counter("autoconfig_protocols_without_server_total",
		"Look-ups of accounts whose source decides a protocol that the domain has no server for.", "protocol")
	answers := app.Counter("autoconfig_answers_total", "Configurations given, by format and incoming protocol.", "format", "protocol")
	counted := map[answerKind]prometheus.Counter{}
	for _, format := range []string{formatAutoconfig, formatAutodiscover, formatProfile, formatPACC} {
		for _, p := range []settings.Protocol{settings.IMAP, settings.POP3} {
			counted[answerKind{format, p}] = answers.WithLabelValues(format, string(p))
		}
	}
	return &Public{
		App: app, links: o.Links, signer: o.Signer, proof: o.Challenge,
		Lookup: lookup.Lookup{Directory: o.Directory, Refused: func(p settings.Protocol) {
			serverless.WithLabelValues(string(p)).Inc()
		}},
		answers: counted,
		guesses: app.Attempts("link", linkGuesses),
		buffers: sync.Pool{New: func() any { return new([]byte) }},
		asked: askedCounters{all: app.Counter("autoconfig_client_requests_total",
			"Requests for a configuration by the kind of program (a guess by the User-Agent), format and outcome.",
			"client", "format", "outcome")},
		trace:     o.Trace,
		described: descriptions{text: app.Pages.Text, kept: map[description]string{}},
	}
}

// The formats in which configurations are given.
const (
	formatAutoconfig   = "autoconfig"
	formatAutodiscover = "autodiscover"
	formatProfile      = "mobileconfig"
	formatPACC         = "pacc"
	formatJSON         = "autodiscover_json" // which says only where Autodiscover is
	formatPage         = "page"              // the setup page
)

type answerKind struct {
	format   string
	protocol settings.Protocol
}

// answered counts a configuration that is given.
func (s *Public) answered(format string, p settings.Protocol) { s.answers[answerKind{format, p}].Inc() }

var (
	errNoAddress = errors.New("no address was given")
	errPostOnly  = errors.New("a request to Autodiscover without an address must be posted")
	errNoService = errors.New("the domain has no such service")
)

// refusals are what mail programs are told of errors that only they meet.
var refusals = []web.Refusal{
	{Err: errNoAddress, Status: http.StatusBadRequest, Text: "The request has no emailaddress."},
	{Err: errTwoAddresses, Status: http.StatusBadRequest, Text: "The request names two addresses."},
	{Err: errTwoValues, Status: http.StatusBadRequest, Text: "The request gives one parameter twice."},
	{Err: errPlusInFront, Status: http.StatusBadRequest, Text: "The emailaddress begins with a plus sign, which may be a blank: write it as %2B."},
	{Err: errSeparator, Status: http.StatusBadRequest, Text: "Parameters are separated by & alone."},
	{Err: errCoding, Status: http.StatusUnsupportedMediaType, Text: "Send the request uncompressed, or with the content coding gzip or deflate."},
	{Err: errBroken, Status: http.StatusBadRequest, Text: "The request's body is cut off or damaged."},
	{Err: errNoService, Status: http.StatusNotFound, Text: "This domain has no such service."},
	{Err: thunderbird.ErrLogin, Status: http.StatusNotFound, Text: "There is no configuration for this address in this format."},
	{Err: mobileconfig.ErrPlaintext, Status: http.StatusUnprocessableEntity, Text: "This account can't be set up by a profile."},
	{Err: mobileconfig.ErrAuth, Status: http.StatusUnprocessableEntity, Text: "This account can't be set up by a profile."},
	{Err: errPostOnly, Status: http.StatusMethodNotAllowed, Text: "Send an Autodiscover request by POST.", Allow: http.MethodPost},
	{Err: autodiscover.ErrNoLogin, Status: http.StatusMethodNotAllowed, Text: "Send an Autodiscover request by POST.", Allow: http.MethodPost},
}

// Handler is that of the public listener. knownPlain says that whatever arrives on it
// came over plain http, with no proxy in between.
func (s *Public) Handler(knownPlain bool) http.Handler {
	e := s.NewEcho(refusals...)
	web.Around(e, s.Observe(slog.LevelInfo, refusals...), s.StrictTransport(lookup.SpecialNames...), web.PublicHeaders, s.Limit, s.overTLS(knownPlain))

	for _, path := range autoconfigPaths {
		web.Get(e, path, s.autoconfig)
	}
	web.Get(e, providerDatabasePath+":domain", s.providerDatabase)

	e.POST(autodiscover.Path, s.autodiscover)
	web.Get(e, autodiscover.Path, s.autodiscoverGet)
	web.Get(e, autodiscover.PathJSON, s.autodiscoverJSON)
	web.Get(e, autodiscover.PathJSON+"/v1.0/:address", s.autodiscoverJSON)

	for _, path := range profilePaths {
		web.Get(e, path, s.profile)
	}

	web.Get(e, pacc.Path, s.pacc)

	for _, service := range []string{"caldav", "carddav", "jmap"} {
		// CalDAV clients send PROPFIND before anything else (RFC 6764, section 6).
		e.Match(wellKnownMethods, "/.well-known/"+service, s.wellKnown(service))
	}

	if s.proof != nil {
		web.Get(e, challengePath+":token", s.challenge, s.Bounded)
	}

	web.Get(e, "/", s.setupForm, s.toPeople, web.Form)
	e.POST("/", s.setupAnswer, s.toPeople, web.Form)
	s.Assets(e)
	if s.links != nil {
		web.Get(e, "/s/:token", s.link, s.toPeople, s.Bounded, web.Form)
		e.POST("/s/:token", s.useLink, s.toPeople, s.Bounded, web.Form)
		web.Get(e, "/s/:token/profile", s.linkProfile, s.toPeople, s.Bounded, web.Form)
	}
	h := s.App.Public.Handler(e, max(web.MaxForm, autodiscover.MaxBody))
	h.Handler = foldedPaths{h.Handler}
	return h
}

var wellKnownMethods = []string{http.MethodGet, http.MethodHead, http.MethodOptions, echo.PROPFIND}
