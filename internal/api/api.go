// Package api answers programs that hold a token, as openapi.json says. What they may do
// is in [admin].
package api

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/autodiscover"
	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/links"
	"autoconfig/internal/lookup"
	"autoconfig/internal/post"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// Site is what programs read of our own database.
type Site interface {
	Accounts(ctx context.Context, domain, after string, limit int) ([]policy.Account, error)
	// Domain is one domain by its primary name.
	Domain(ctx context.Context, name string) (policy.Domain, error)
	// Domains are at most limit domains whose names come after the given one, in their
	// order, and are among within; nil is all of them.
	Domains(ctx context.Context, within []string, after string, limit int) ([]policy.Domain, error)
	// ListedDomains are those that only sources list, in the same way; ListedName is one
	// name of them, and ListedAliases are the other names of some.
	ListedDomains(ctx context.Context, within []string, after string, limit int) ([]directory.ListedName, error)
	ListedName(ctx context.Context, name string) (directory.ListedName, error)
	ListedAliases(ctx context.Context, domains []string) (map[string][]string, error)
	// Plans and Providers are all of them, in their order.
	Plans(ctx context.Context) ([]policy.Plan, error)
	Providers(ctx context.Context) ([]settings.Provider, error)
}

// Options are what an API needs.
type Options struct {
	Directory *directory.Directory
	Site      Site
	// Checks are the last results of checking domains; nil for none.
	Checks Checks
	// Links are the setup links.
	Links *links.Keeper
	// Staff has the tokens and the audit log.
	Staff *staff.Desk
	// Admin does what tokens permit.
	Admin *admin.Admin
	// Plan is what a domain's names should publish.
	Plan func(ctx context.Context, name string) (*doctor.Plan, error)
	// Importer imports accounts; nil for none.
	Importer Importer
}

// API answers those who hold a token.
type API struct {
	*web.App
	lookup.Lookup
	Site     Site
	Checks   Checks
	Links    *links.Keeper
	Desk     *staff.Desk
	admin    *admin.Admin
	importer Importer
	plan     func(ctx context.Context, name string) (*doctor.Plan, error)
	tokens   *web.Attempts
}

// tokenGuesses are tokens that nobody made.
var tokenGuesses = web.Rate{PerSecond: 0.1, Burst: 20}

// New prepares an API.
func New(app *web.App, o Options) *API {
	return &API{
		App: app, Lookup: lookup.Lookup{Directory: o.Directory}, Site: o.Site, Checks: o.Checks, Links: o.Links,
		Desk: o.Staff, admin: o.Admin, plan: o.Plan, importer: o.Importer, tokens: app.Attempts("token", tokenGuesses),
	}
}

//go:embed openapi.json
var openAPI []byte

// Routes adds those of the API and of its description.
func (s *API) Routes(e *echo.Echo) {
	web.Get(e, "/openapi.json", func(c echo.Context) error {
		return web.Blob(c, http.StatusOK, echo.MIMEApplicationJSON, openAPI)
	})
	api := e.Group("/api/v1", s.Bounded, s.ProblemDetails(refusals), s.SameHost, s.LimitTold, web.RequireUTF8,
		s.requireToken)
	known := methods{}
	on := func(method, path, scope string, h echo.HandlerFunc) {
		known.add(method, path)
		api.Add(method, path, h, requireScope(scope))
	}
	known.add(http.MethodGet, "/token")
	api.GET("/token", s.showToken)
	on(http.MethodGet, "/links", "links:read", s.listLinks)
	on(http.MethodPost, "/links", "links:write", s.makeLink)
	on(http.MethodGet, "/links/:id", "links:read", s.showLink)
	on(http.MethodDelete, "/links/:id", "links:write", s.revokeLink)
	on(http.MethodGet, "/messages", "messages:read", s.listMessages)
	on(http.MethodPost, "/messages", "messages:write", s.sendMessage)
	on(http.MethodGet, "/messages/:id", "messages:read", s.showMessage)
	on(http.MethodGet, "/accounts", "accounts:read", s.listAccounts)
	on(http.MethodGet, "/accounts/:address", "accounts:read", s.showAccount)
	on(http.MethodPut, "/accounts/:address", "accounts:write", s.changeAccount)
	on(http.MethodPatch, "/accounts/:address", "accounts:write", s.changeAccount)
	on(http.MethodDelete, "/accounts/:address", "accounts:write", s.removeAccount)
	if s.importer != nil {
		on(http.MethodPost, "/imports/accounts", "accounts:write", s.importAccounts)
	}
	on(http.MethodGet, "/overrides/:address", "accounts:read", s.showOverride)
	on(http.MethodPut, "/overrides/:address", "accounts:write", s.changeOverride)
	on(http.MethodPatch, "/overrides/:address", "accounts:write", s.changeOverride)
	on(http.MethodDelete, "/overrides/:address", "accounts:write", s.removeOverride)
	on(http.MethodGet, "/domains", "domains:read", s.listDomains)
	on(http.MethodGet, "/domains/:domain", "domains:read", s.showDomain)
	on(http.MethodPut, "/domains/:domain", "domains:write", s.changeDomain)
	on(http.MethodPatch, "/domains/:domain", "domains:write", s.changeDomain)
	on(http.MethodGet, "/domains/:domain/dns", "domains:read", s.showRecords)
	on(http.MethodGet, "/plans", "domains:read", s.listPlans)
	on(http.MethodGet, "/plans/:name", "domains:read", s.showPlan)
	on(http.MethodPut, "/plans/:name", "domains:write", s.changePlan)
	on(http.MethodPatch, "/plans/:name", "domains:write", s.changePlan)
	on(http.MethodGet, "/providers", "domains:read", s.listProviders)
	on(http.MethodGet, "/providers/:id", "domains:read", s.showProvider)
	on(http.MethodPut, "/providers/:id", "domains:write", s.changeProvider)
	on(http.MethodPatch, "/providers/:id", "domains:write", s.changeProvider)
	on(http.MethodGet, "/sources", "checks:read", s.listSources)
	on(http.MethodDelete, "/domains/:domain", "domains:write", s.removeDomain)
	on(http.MethodGet, "/decisions/:address", "decisions:read", s.showDecision)
	on(http.MethodGet, "/renders/:format/:address", "renders:read", s.render)
	on(http.MethodGet, "/audit", "audit:read", s.listAudit)
	if s.Checks != nil {
		on(http.MethodGet, "/checks", "checks:read", s.listChecks)
		on(http.MethodGet, "/checks/:domain", "checks:read", s.showCheck)
		on(http.MethodPost, "/checks/:domain", "checks:write", s.orderCheck)
	}
	api.RouteNotFound("/*", known.refuse)
}

var (
	errNoToken   = errors.New("no token, or one that isn't known")
	errScope     = errors.New("the token doesn't have the scope")
	errJSON      = errors.New("unexpected JSON")
	errBadFormat = errors.New("not a format")
	errBadLimit  = errors.New("not a limit")
	errBadFilter = errors.New("not a value to filter by")
	errNoDomain  = errors.New("no domain is named")
)

// requireToken lets in only those who hold a token (RFC 6750, section 2.1). One that is right
// works whatever others of the same address have sent: where many programs come
// through one proxy, a stranger would lock them all out. It has 128 random bits.
func (s *API) requireToken(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		scheme, text, _ := strings.Cut(c.Request().Header.Get("Authorization"), " ")
		t, err := s.Desk.AuthenticateToken(ctx, strings.TrimSpace(text))
		if errors.Is(err, staff.ErrUnknown) || !strings.EqualFold(scheme, "Bearer") {
			if client := web.ClientOf(c); text != "" && (s.tokens.Spent(ctx, client) || !s.tokens.Failed(ctx, client)) {
				return web.ErrTooMany
			}
			return errNoToken
		} else if err != nil {
			return directory.Unavailable(err)
		}
		c.Set(actorKey, t.Actor())
		c.Set(tokenKey, t)
		return next(c)
	}
}

// The keys under which a request's actor and token are kept.
const (
	actorKey = "actor"
	tokenKey = "token"
)

// actor is who sends a request: the token's.
func actor(c echo.Context) staff.Actor { a, _ := c.Get(actorKey).(staff.Actor); return a }

func requireScope(scope string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !actor(c).May(scope) {
				return fmt.Errorf("%w: %s", errScope, scope)
			}
			return next(c)
		}
	}
}

// refusals are what programs are told of errors that only they meet. Details are for
// programs' authors.
var refusals = []web.Refusal{
	{
		Err: errNoToken, Status: http.StatusUnauthorized, Code: "unauthorized",
		Detail: "Send a token that is valid: Authorization: Bearer autoconfig_…",
	},
	{Err: errScope, Status: http.StatusForbidden, Code: "scope"},
	{
		Err: staff.ErrForbidden, Status: http.StatusForbidden, Code: "forbidden",
		Detail: "The token doesn't serve this domain.",
	},
	{Err: staff.ErrUnknown, Status: http.StatusNotFound, Code: "not_found", Detail: web.NotHere},
	{Err: links.ErrUnknown, Status: http.StatusNotFound, Code: "not_found", Detail: web.NotHere},
	{Err: post.ErrUnknown, Status: http.StatusNotFound, Code: "not_found", Detail: web.NotHere},
	{
		Err: links.ErrSpent, Status: http.StatusConflict, Code: "spent",
		Detail: "The link was used, has expired or was revoked: make another one.",
	},
	{Err: post.ErrOff, Status: http.StatusConflict, Code: "no_mail"},
	{Err: post.ErrItself, Status: http.StatusUnprocessableEntity, Code: "itself"},
	{Err: post.ErrAgain, Status: http.StatusConflict, Code: "again"},
	{Err: post.ErrOften, Status: http.StatusTooManyRequests, Code: "often"},
	{Err: post.ErrFull, Status: http.StatusServiceUnavailable, Code: "full"},
	{Err: links.ErrOther, Status: http.StatusUnprocessableEntity, Code: "idempotency"},
	{Err: links.ErrOrder, Status: http.StatusUnprocessableEntity, Code: "order"},
	{
		Err: mobileconfig.ErrPlaintext, Status: http.StatusUnprocessableEntity, Code: "format",
		Detail: "This account can't be set up by a profile.",
	},
	{
		Err: mobileconfig.ErrAuth, Status: http.StatusUnprocessableEntity, Code: "format",
		Detail: "This account can't be set up by a profile.",
	},
	{
		Err: autodiscover.ErrPlaintext, Status: http.StatusUnprocessableEntity, Code: "format",
		Detail: "Autodiscover can't say how this account is set up.",
	},
	{
		Err: autodiscover.ErrAuth, Status: http.StatusUnprocessableEntity, Code: "format",
		Detail: "Autodiscover can't say how this account is set up.",
	},
	{Err: thunderbird.ErrLogin, Status: http.StatusUnprocessableEntity, Code: "format"},
	{Err: thunderbird.ErrAndroidAuth, Status: http.StatusUnprocessableEntity, Code: "format"},
	{Err: thunderbird.ErrAndroidAddress, Status: http.StatusUnprocessableEntity, Code: "format"},
	{Err: directory.ErrExists, Status: http.StatusConflict, Code: "exists"},
	{
		Err: admin.ErrOutside, Status: http.StatusConflict, Code: "outside",
		Detail: "the account comes from a source, which this service only reads: use /overrides instead",
	},
	{Err: admin.ErrOurs, Status: http.StatusBadRequest, Code: "json"},
	{Err: admin.ErrNoServer, Status: http.StatusBadRequest, Code: "json"},
	{Err: admin.ErrNoSource, Status: http.StatusBadRequest, Code: "json"},
	{Err: directory.ErrHasAccounts, Status: http.StatusConflict, Code: "has_accounts"},
	{Err: directory.ErrNoSuchDomain, Status: http.StatusNotFound, Code: "not_found"},
	{Err: errJSON, Status: http.StatusBadRequest, Code: "json"},
	{
		Err: errMethod, Status: http.StatusMethodNotAllowed, Code: "method",
		Detail: "The header Allow has this path's methods.",
	},
	{
		Err: errChanged, Status: http.StatusPreconditionFailed, Code: "changed",
		Detail: "It is not as the request's condition (If-Match, If-None-Match) wants it: read it again.",
	},
	{Err: errLines, Status: http.StatusUnprocessableEntity, Code: "lines"},
	{Err: admin.ErrMeanwhile, Status: http.StatusConflict, Code: "meanwhile"},
	{Err: admin.ErrNoChecks, Status: http.StatusConflict, Code: "no_checks"},
	{Err: admin.ErrLanguage, Status: http.StatusUnprocessableEntity, Code: "language"},
	{
		Err: errBadFilter, Status: http.StatusBadRequest, Code: "filter",
		Detail: "A list is filtered by one of the states that openapi.json names, or by a time such as 2026-11-26T12:00:00Z.",
	},
	{Err: errNoDomain, Status: http.StatusBadRequest, Code: "domain", Detail: "Say which domain: ?domain="},
	{
		Err: errBadFormat, Status: http.StatusNotFound, Code: "format",
		Detail: "The formats are: thunderbird, pox, mobileconfig, thunderbird-android.",
	},
	{
		Err: staff.ErrMark, Status: http.StatusBadRequest, Code: "after",
		Detail: "The value of after must be one that this list gave. Leave it out to begin with the first page.",
	},
	{Err: errBadLimit, Status: http.StatusBadRequest, Code: "limit", Detail: "The limit must be 1 to 1000."},
}

// limitOf is how much of a list is asked for.
func limitOf(c echo.Context) (int, error) {
	text := c.QueryParam("limit")
	if text == "" {
		return listAtOnce, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > listMost {
		return 0, errBadLimit
	}
	return n, nil
}

// pathAddress is the address in a path.
func pathAddress(c echo.Context) (settings.Address, error) {
	return settings.ParseAddress(unescaped(c.Param("address")))
}

// servedDomain finds a domain by any of its names, if the actor serves it.
func (s *API) servedDomain(c echo.Context, name string) (*directory.Entry, error) {
	parsed, err := settings.ParseDomain(name)
	if err != nil {
		return nil, web.ErrNoDomainName
	}
	entry, err := s.Domain(c.Request().Context(), parsed)
	if err == nil && !actor(c).Serves(entry.Terms.Name) {
		err = directory.ErrNotFound
	}
	return entry, err
}
