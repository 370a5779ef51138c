package server

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/autodiscover"
	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
	"autoconfig/mobileconfig"
	"autoconfig/policy"
	"autoconfig/settings"
	"autoconfig/thunderbird"
)

// Site is what the help desk and the API read and change.
type Site interface {
	admin.Store
	Accounts(ctx context.Context, domain, after string, limit int) ([]policy.Account, error)
	// Domain is one domain by its primary name.
	Domain(ctx context.Context, name string) (policy.Domain, error)
	// Domains are at most limit domains whose names come after the given one, in their
	// order, and are among within; nil is all of them.
	Domains(ctx context.Context, within []string, after string, limit int) ([]policy.Domain, error)
	// Unwritable is since when nothing can be written, and why; nil while it can.
	Unwritable() (since time.Time, why error)
}

//go:embed openapi.json
var openAPI []byte

func (s *Server) apiRoutes(e *echo.Echo) {
	s.get(e, "/openapi.json", func(c echo.Context) error { return c.JSONBlob(http.StatusOK, openAPI) })
	api := e.Group("/api/v1", s.bounded, s.problems, s.sameHost, s.limiter.Refuse(s.Now), wellFormed, s.program)
	on := func(method, path, scope string, h echo.HandlerFunc) { api.Add(method, path, h, needs(scope)) }
	on(http.MethodGet, "/links", "links:read", s.apiLinks)
	on(http.MethodPost, "/links", "links:write", s.apiMakeLink)
	on(http.MethodGet, "/links/:id", "links:read", s.apiLink)
	on(http.MethodDelete, "/links/:id", "links:write", s.apiRevokeLink)
	on(http.MethodGet, "/accounts", "accounts:read", s.apiAccounts)
	on(http.MethodGet, "/accounts/:address", "accounts:read", s.apiAccount)
	on(http.MethodPut, "/accounts/:address", "accounts:write", s.apiPutAccount)
	on(http.MethodDelete, "/accounts/:address", "accounts:write", s.apiRemoveAccount)
	on(http.MethodGet, "/overrides/:address", "accounts:read", s.apiOverride)
	on(http.MethodPut, "/overrides/:address", "accounts:write", s.apiPutOverride)
	on(http.MethodDelete, "/overrides/:address", "accounts:write", s.apiRemoveOverride)
	on(http.MethodGet, "/domains", "domains:read", s.apiDomains)
	on(http.MethodGet, "/domains/:domain", "domains:read", s.apiDomain)
	on(http.MethodPut, "/domains/:domain", "domains:write", s.apiPutDomain)
	on(http.MethodDelete, "/domains/:domain", "domains:write", s.apiRemoveDomain)
	on(http.MethodGet, "/decisions/:address", "decisions:read", s.apiDecision)
	on(http.MethodGet, "/renders/:format/:address", "renders:read", s.apiRender)
	on(http.MethodGet, "/audit", "audit:read", s.apiAudit)
	if s.Checks != nil {
		on(http.MethodGet, "/checks", "checks:read", s.listChecks)
		on(http.MethodGet, "/checks/:domain", "checks:read", s.showCheck)
	}
	api.RouteNotFound("/*", func(echo.Context) error { return directory.ErrNotFound })
}

var (
	errNoToken   = errors.New("no token, or one that isn't known")
	errScope     = errors.New("the token doesn't have the scope")
	errJSON      = errors.New("not the JSON that is expected")
	errBadFormat = errors.New("not a format")
)

// program lets in whoever has a token (RFC 6750, section 2.1). One that is right
// works whatever others of the same address have sent: where many programs come
// through one proxy, a stranger would lock them all out. It has 128 random bits.
func (s *Server) program(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		scheme, text, _ := strings.Cut(c.Request().Header.Get("Authorization"), " ")
		t, err := s.Desk.Program(ctx, strings.TrimSpace(text))
		if errors.Is(err, staff.ErrUnknown) || !strings.EqualFold(scheme, "Bearer") {
			if client := web.ClientOf(c); text != "" && (s.tokens.Spent(ctx, client) || !s.tokens.Failed(ctx, client)) {
				return web.ErrTooMany
			}
			return errNoToken
		} else if err != nil {
			return unavailable(err)
		}
		c.Set(actorKey, t.Actor())
		c.Set(tokenKey, t.ID)
		return next(c)
	}
}

const tokenKey = "token"

func needs(scope string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !actor(c).May(scope) {
				return fmt.Errorf("%w: %s", errScope, scope)
			}
			return next(c)
		}
	}
}

// problem is an error as RFC 9457 has it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Code is ours, for programs; Detail is for people.
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// apiRefusals maps errors to what a program is told; the first that matches holds.
// An empty detail is the error's own text, which is meant for programs' authors.
var apiRefusals = []struct {
	err    error
	status int
	code   string
	detail string
}{
	{errNoToken, http.StatusUnauthorized, "unauthorized", "Send a token that is valid: Authorization: Bearer autoconfig_…"},
	{errScope, http.StatusForbidden, "scope", ""},
	{staff.ErrForbidden, http.StatusForbidden, "forbidden", "The token doesn't serve this domain."},
	{errOtherHost, http.StatusForbidden, "host", "This service isn't reached by that name."},
	{web.ErrTooMany, http.StatusTooManyRequests, "rate", "Too many requests; try again in a minute."},
	{errTooLarge, http.StatusRequestEntityTooLarge, "size", "A body has at most 64 KiB."},
	{links.ErrOther, http.StatusUnprocessableEntity, "idempotency", ""},
	{links.ErrOrder, http.StatusUnprocessableEntity, "order", ""},
	{mobileconfig.ErrPlaintext, http.StatusUnprocessableEntity, "format", "This account can't be set up by a profile."},
	{mobileconfig.ErrAuth, http.StatusUnprocessableEntity, "format", "This account can't be set up by a profile."},
	{autodiscover.ErrPlaintext, http.StatusUnprocessableEntity, "format", "Autodiscover can't say how this account is set up."},
	{autodiscover.ErrAuth, http.StatusUnprocessableEntity, "format", "Autodiscover can't say how this account is set up."},
	{thunderbird.ErrLogin, http.StatusUnprocessableEntity, "format", ""},
	{thunderbird.ErrAndroidAuth, http.StatusUnprocessableEntity, "format", ""},
	{thunderbird.ErrAndroidAddress, http.StatusUnprocessableEntity, "format", ""},
	{directory.ErrExists, http.StatusConflict, "exists", ""},
	{admin.ErrOutside, http.StatusConflict, "outside", "the account is kept in another source, which is only read: lay an override over it"},
	{admin.ErrOurs, http.StatusBadRequest, "json", ""},
	{admin.ErrNoSource, http.StatusBadRequest, "json", ""},
	{admin.ErrNoServer, http.StatusBadRequest, "json", ""},
	{directory.ErrHasAccounts, http.StatusConflict, "has_accounts", ""},
	{directory.ErrNoSuchDomain, http.StatusNotFound, "not_found", ""},
	{errJSON, http.StatusBadRequest, "json", ""},
	{errBadFormat, http.StatusNotFound, "format", "The formats are: thunderbird, pox, mobileconfig, thunderbird-android."},
	{errBadText, http.StatusBadRequest, "text", "The request has a text that is not UTF-8, or has a NUL character."},
	{errBadLimit, http.StatusBadRequest, "limit", "The limit must be 1 to 1000."},
	{errNoDomainName, http.StatusBadRequest, "domain", "That is not a domain name."},
	{settings.ErrAddress, http.StatusBadRequest, "address", ""},
	{admin.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "The service can't answer now; try again in a minute."},
	{errUnavailable, http.StatusServiceUnavailable, "unavailable", "The service can't answer now; try again in a minute."},
}

// problems answers errors as RFC 9457 has them.
func (s *Server) problems(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := s.guarded(next, c)
		if err == nil || c.Response().Committed {
			return err
		}
		p := s.problemOf(c, err)
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		switch p.Status {
		case http.StatusUnauthorized:
			h.Set("WWW-Authenticate", `Bearer realm="autoconfig"`)
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			h.Set("Retry-After", "60")
		}
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		return c.Blob(p.Status, "application/problem+json", text)
	}
}

func (s *Server) problemOf(c echo.Context, err error) problem {
	p := problem{Type: "about:blank", Status: http.StatusInternalServerError, Code: "internal", Detail: "Something went wrong here."}
	var wrong settings.Problems
	routed := new(echo.HTTPError)
	i := apiRefusal(err)
	if i < 0 && !errors.As(err, &wrong) && !isNotFound(err) && !errors.As(err, &routed) {
		if down := s.blamed(err); apiRefusal(down) >= 0 {
			i = apiRefusal(down)
			s.logFailure(c, apiRefusals[i].status, err)
			err = down
		}
	}
	switch {
	case i >= 0:
		r := apiRefusals[i]
		p.Status, p.Code, p.Detail = r.status, r.code, r.detail
		if p.Detail == "" {
			p.Detail = err.Error()
		}
	case errors.As(err, &wrong):
		p.Status, p.Code, p.Detail = http.StatusUnprocessableEntity, "invalid", wrong.Error()
	case isNotFound(err):
		p.Status, p.Code, p.Detail = http.StatusNotFound, "not_found", "There is no such thing here, or the token doesn't serve its domain."
	case errors.As(err, &routed):
		p.Status, p.Code, p.Detail = routed.Code, "method", http.StatusText(routed.Code)+"."
	default:
		s.logFailure(c, p.Status, err)
	}
	p.Title = http.StatusText(p.Status)
	return p
}

func apiRefusal(err error) int {
	for i, r := range apiRefusals {
		if errors.Is(err, r.err) {
			return i
		}
	}
	return -1
}

// readJSON reads a body strictly: unknown members are mistakes.
func readJSON(c echo.Context, into any) error {
	decoder := json.NewDecoder(c.Request().Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	switch {
	case web.IsTooLarge(err):
		return errTooLarge
	case err != nil:
		return fmt.Errorf("%w: %w", errJSON, err)
	case decoder.Decode(&struct{}{}) != io.EOF:
		return fmt.Errorf("%w: there is more behind it", errJSON)
	}
	return nil
}

// limit is how much of a list is asked for.
func limitOf(c echo.Context) (int, error) {
	text := c.QueryParam("limit")
	if text == "" {
		return checksAtOnce, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > checksMost {
		return 0, errBadLimit
	}
	return n, nil
}

// pathAddress is the address in a path.
func pathAddress(c echo.Context) (settings.Address, error) {
	return settings.ParseAddress(unescaped(c.Param("address")))
}

// servedDomain finds a domain by any of its names, if the actor serves it.
func (s *Server) servedDomain(c echo.Context, name string) (*directory.Entry, error) {
	parsed, err := settings.ParseDomain(name)
	if err != nil {
		return nil, errNoDomainName
	}
	entry, err := s.domain(c.Request().Context(), parsed)
	if err == nil && !actor(c).Serves(entry.Terms.Name) {
		err = directory.ErrNotFound
	}
	return entry, err
}
