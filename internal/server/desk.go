package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/admin"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

// Staff is the handler of the help desk's pages and of the API, where they have a
// listener of their own.
func (s *Server) Staff() http.Handler {
	e := s.newEcho()
	e.Use(s.observe(slog.LevelInfo), s.strictTransport, privateHeaders, onlyHosts(s.ourHost, errOtherHost))
	s.staffRoutes(e)
	s.assets(e)
	return s.crowds.staff.Handler(e, web.MaxStaffBody)
}

func (s *Server) staffRoutes(e *echo.Echo) {
	if s.Desk == nil {
		return
	}
	s.apiRoutes(e)
	pages := e.Group("/helpdesk", s.bounded, s.staffErrors, s.sameHost, s.sameOrigin, form, wellFormed)
	read := func(path string, h echo.HandlerFunc, around ...echo.MiddlewareFunc) {
		pages.Match([]string{http.MethodGet, http.MethodHead}, path, h, around...)
	}
	read("/sign-in", s.signInPage)
	pages.POST("/sign-in", s.signIn)
	if s.oidc != nil {
		read("/oidc", s.beginOIDC)
		read("/oidc/callback", s.endOIDC)
	}
	read("/enrol", s.enrolPage, s.anybodySignedIn)
	pages.POST("/enrol", s.enrol, s.anybodySignedIn)
	pages.POST("/sign-out", s.signOut, s.anybodySignedIn)

	read("", func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/helpdesk/") })
	read("/", s.searchPage, s.signedIn)
	read("/account", s.accountPage, s.signedIn)
	read("/links", s.linksPage, s.signedIn)
	pages.POST("/links", s.makeLink, s.signedIn)
	read("/links/:id", s.lifePage, s.signedIn)
	pages.POST("/links/:id/revoke", s.revokeLink, s.signedIn)
	read("/own", s.ownPage, s.signedIn)
	pages.POST("/own", s.changePassword, s.signedIn)
	read("/people", s.peoplePage, s.signedIn, s.adminsOnly)
	pages.POST("/people", s.addPerson, s.signedIn, s.adminsOnly)
	pages.POST("/people/:id/remove", s.removePerson, s.signedIn, s.adminsOnly)
	pages.POST("/people/:id/reset", s.resetPerson, s.signedIn, s.adminsOnly)
	read("/audit", s.auditPage, s.signedIn, s.adminsOnly)
	read("/audit.csv", s.auditExport, s.signedIn, s.adminsOnly)
}

// sameHost refuses names that aren't ours, so that a page elsewhere can't reach
// this listener by a name that it gave our address (DNS rebinding).
func (s *Server) sameHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !s.ourHost(c.Request().Host) {
			return errOtherHost
		}
		return next(c)
	}
}

func (s *Server) ourHost(host string) bool {
	if strings.EqualFold(host, s.StaffURL.Host) {
		return true
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if !isLoopback(s.StaffURL.Hostname()) {
		return false
	}
	return isLoopback(strings.Trim(host, "[]"))
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// sameOrigin refuses what another site's page sends (CSRF), by the headers that
// browsers add.
func (s *Server) sameOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	var protection http.CrossOriginProtection
	return func(c echo.Context) error {
		if err := protection.Check(c.Request()); err != nil {
			return errOtherOrigin
		}
		return next(c)
	}
}

// The keys under which a request's person is kept.
const (
	personKey  = "person"
	sessionKey = "session"
)

func person(c echo.Context) staff.Person { p, _ := c.Get(personKey).(staff.Person); return p }

// signedIn lets in whoever is signed in with everything that it takes.
func (s *Server) signedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return s.anybodySignedIn(func(c echo.Context) error {
		if session, _ := c.Get(sessionKey).(staff.Session); session.Enrolling {
			return c.Redirect(http.StatusSeeOther, "/helpdesk/enrol")
		}
		return next(c)
	})
}

// anybodySignedIn lets in also those who have no second factor yet.
func (s *Server) anybodySignedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		token, err := c.Cookie(s.sessionCookie())
		if err != nil {
			return c.Redirect(http.StatusSeeOther, "/helpdesk/sign-in")
		}
		p, session, err := s.Desk.Who(c.Request().Context(), token.Value)
		if errors.Is(err, staff.ErrUnknown) {
			return c.Redirect(http.StatusSeeOther, "/helpdesk/sign-in")
		} else if err != nil {
			return unavailable(err)
		}
		c.Set(personKey, p)
		c.Set(sessionKey, session)
		return next(c)
	}
}

func (s *Server) adminsOnly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if person(c).Role != staff.Admin {
			return staff.ErrForbidden
		}
		return next(c)
	}
}

// sessionCookie is the cookie's name: where there is TLS, one that no other host
// and no plain connection can set (RFC 6265bis, section 4.1.3.2).
func (s *Server) sessionCookie() string {
	if s.StaffURL.Scheme == "https" {
		return "__Host-helpdesk"
	}
	return "helpdesk"
}

func (s *Server) setSession(c echo.Context, token string) {
	cookie := &http.Cookie{Name: s.sessionCookie(), Value: token, Path: "/", HttpOnly: true, Secure: s.StaffURL.Scheme == "https", SameSite: http.SameSiteLaxMode} //nolint:gosec // plain http only on loopback
	if token == "" {
		cookie.MaxAge = -1
	}
	c.SetCookie(cookie)
}

// staffFrame is around the pages of whoever is signed in.
func (s *Server) staffFrame(c echo.Context) frame {
	f := s.newFrame(c, brand{Name: s.pages.Title()}, "")
	if session, _ := c.Get(sessionKey).(staff.Session); session.Person != "" && !session.Enrolling {
		a := person(c).Actor()
		f.Actor = &a
	}
	for name, values := range c.QueryParams() {
		if name != "lang" && len(values) == 1 {
			f.Again = append(f.Again, field{name, values[0]})
		}
	}
	if c.Request().Method == http.MethodPost {
		f.Method = "" // what is shown only once can't be asked for again
	}
	return f
}

// wrongPage says that something didn't work.
type wrongPage struct {
	frame
	Text string
}

// staffErrors shows errors as pages.
func (s *Server) staffErrors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := s.guarded(next, c)
		if err == nil || c.Response().Committed {
			return err
		}
		status, text := staffRefusal(err)
		if status == http.StatusInternalServerError {
			status, text = staffRefusal(s.blamed(err))
			s.logFailure(c, status, err)
		}
		f := s.staffFrame(c)
		return s.sendFramed(c, status, "wrong", f, wrongPage{f, text})
	}
}

func staffRefusal(err error) (status int, text string) {
	routed := new(echo.HTTPError)
	switch {
	case errors.Is(err, staff.ErrForbidden), errors.Is(err, errOtherHost), errors.Is(err, errOtherOrigin):
		return http.StatusForbidden, "staff.error.forbidden"
	case isNotFound(err), errors.As(err, &routed) && routed.Code == http.StatusNotFound:
		return http.StatusNotFound, "staff.error.not_found"
	case isBad(err):
		return http.StatusBadRequest, "staff.error.bad"
	case errors.Is(err, web.ErrTooMany), errors.Is(err, staff.ErrBusy):
		return http.StatusTooManyRequests, "staff.busy"
	case errors.Is(err, context.Canceled): // whoever asked has gone: nothing to log
		return statusGone, "staff.error.unavailable"
	case errors.Is(err, errUnavailable), errors.Is(err, admin.ErrUnavailable):
		return http.StatusServiceUnavailable, "staff.error.unavailable"
	case errors.As(err, &routed):
		return routed.Code, "staff.error.bad"
	}
	return http.StatusInternalServerError, "staff.error.failed"
}
