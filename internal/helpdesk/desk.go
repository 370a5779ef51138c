// Package helpdesk is the pages for those who help: they sign in, look accounts up, and
// make setup links. What they may do is in [admin].
package helpdesk

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/admin"
	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/lookup"
	"autoconfig/internal/post"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

// Options are what a Desk needs.
type Options struct {
	Directory *directory.Directory
	// Links are the setup links.
	Links *links.Keeper
	// Staff are who may sign in.
	Staff *staff.Desk
	// Admin does what they may do.
	Admin *admin.Admin
	// OIDC is the identity provider; nil for none.
	OIDC *OIDC
}

// Desk is the help desk's pages.
type Desk struct {
	*web.App
	lookup.Lookup
	Links            *links.Keeper
	Desk             *staff.Desk
	admin            *admin.Admin
	signIns, devices *web.Attempts
	oidc             *identity
	passkeys         *passkeys // nil where browsers allow none
}

// What one client may get wrong.
var (
	// signIns are passwords, codes and answers of an identity provider.
	signIns = web.Rate{PerSecond: 0.1, Burst: 20}
	// deviceSignIns are those of a browser that has signed in under the name before:
	// they count apart, and a stranger's failures don't keep it out.
	deviceSignIns = web.Rate{PerSecond: 1. / 180, Burst: 5}
)

// New prepares a Desk.
func New(app *web.App, o Options) *Desk {
	s := &Desk{
		App: app, Lookup: lookup.Lookup{Directory: o.Directory}, Links: o.Links, Desk: o.Staff, admin: o.Admin,
		signIns: app.Attempts("sign-in", signIns), devices: app.Attempts("device", deviceSignIns),
	}
	s.passkeys = newPasskeys(app.StaffURL, app.Pages.Title(), o.Staff, app.Now)
	if o.OIDC != nil {
		s.oidc = &identity{OIDC: *o.OIDC, now: app.Now, logger: app.Logger}
	}
	return s
}

// refusals are what staff are told of errors that only they meet.
var refusals = []web.Refusal{
	{Err: staff.ErrForbidden, Status: http.StatusForbidden, Page: "staff.error.forbidden"},
	{Err: staff.ErrUnknown, Status: http.StatusNotFound, Page: "staff.error.not_found"},
	{Err: links.ErrUnknown, Status: http.StatusNotFound, Page: "staff.error.not_found"},
	{Err: admin.ErrLanguage, Status: http.StatusBadRequest, Page: "staff.error.bad"}, // no form sends one
	{Err: admin.ErrOurs, Status: http.StatusBadRequest, Page: "staff.error.bad"},     // nor offers it
	{Err: links.ErrOrder, Status: http.StatusBadRequest, Page: "staff.error.bad"},
	{Err: post.ErrItself, Status: http.StatusUnprocessableEntity, Page: "staff.error.itself"},
	{Err: post.ErrOften, Status: http.StatusTooManyRequests, Page: "staff.error.often"},
	{Err: post.ErrFull, Status: http.StatusServiceUnavailable, Page: "staff.error.full"},
	{Err: post.ErrOff, Status: http.StatusConflict, Page: "staff.error.no_mail"},
	{Err: links.ErrSpent, Status: http.StatusConflict, Page: "staff.error.not_found"},
	{Err: staff.ErrBusy, Status: http.StatusTooManyRequests, Page: "staff.busy"},
}

// Routes adds those of the pages.
func (s *Desk) Routes(e *echo.Echo) {
	pages := e.Group("/helpdesk", s.Bounded, s.ErrorPages(refusals, s.staffFrame), s.SameHost, web.SameOrigin, web.Form,
		web.RequireUTF8)
	read := func(path string, h echo.HandlerFunc, around ...echo.MiddlewareFunc) {
		pages.Match([]string{http.MethodGet, http.MethodHead}, path, h, around...)
	}
	read("/sign-in", s.signInPage)
	pages.POST("/sign-in", s.signIn)
	read("/code", s.codePage)
	pages.POST("/code", s.enterCode)
	pages.POST("/passkey", s.enterPasskey)
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
	pages.POST("/account/override", s.putOverride, s.signedIn)
	read("/links", s.linksPage, s.signedIn)
	pages.POST("/links", s.makeLink, s.signedIn)
	read("/links/:id", s.lifePage, s.signedIn)
	pages.POST("/links/:id/revoke", s.revokeLink, s.signedIn)
	pages.POST("/links/:id/send", s.sendLink, s.signedIn)
	read("/own", s.ownPage, s.signedIn)
	pages.POST("/own", s.changePassword, s.signedIn)
	pages.POST("/own/codes", s.makeRecoveryCodes, s.signedIn)
	read("/own/passkey", s.newPasskeyPage, s.signedIn)
	pages.POST("/own/passkey", s.askForPasskey, s.signedIn)
	pages.POST("/own/passkeys", s.addPasskey, s.signedIn)
	pages.POST("/own/passkeys/:id/remove", s.removePasskey, s.signedIn)
	read("/people", s.peoplePage, s.signedIn, s.adminsOnly)
	pages.POST("/people", s.addPerson, s.signedIn, s.adminsOnly)
	pages.POST("/people/:id/remove", s.removePerson, s.signedIn, s.adminsOnly)
	pages.POST("/people/:id/reset", s.resetPerson, s.signedIn, s.adminsOnly)
	read("/audit", s.auditPage, s.signedIn, s.adminsOnly)
	read("/audit.csv", s.auditExport, s.signedIn, s.adminsOnly)
}

// The keys under which a request's person is kept.
const (
	personKey  = "person"
	sessionKey = "session"
)

func person(c echo.Context) staff.Person { p, _ := c.Get(personKey).(staff.Person); return p }

// signedIn lets in whoever is signed in with everything that it takes.
func (s *Desk) signedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return s.anybodySignedIn(func(c echo.Context) error {
		if session, _ := c.Get(sessionKey).(staff.Session); session.Enrolling {
			return c.Redirect(http.StatusSeeOther, "/helpdesk/enrol")
		}
		return next(c)
	})
}

// byItself is a header of requests that page.js makes while nobody does anything. They
// don't prolong the session.
const byItself = "Autoconfig-By-Itself"

// anybodySignedIn lets in also those who have no second factor yet.
func (s *Desk) anybodySignedIn(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		token, err := c.Cookie(s.sessionCookie())
		if err != nil {
			return c.Redirect(http.StatusSeeOther, "/helpdesk/sign-in"+askedFor(c))
		}
		find := s.Desk.SessionPerson
		if c.Request().Header.Get(byItself) != "" {
			find = s.Desk.WatchedSession
		}
		p, session, err := find(c.Request().Context(), token.Value)
		if errors.Is(err, staff.ErrUnknown) {
			return c.Redirect(http.StatusSeeOther, "/helpdesk/sign-in"+askedFor(c))
		} else if err != nil {
			return directory.Unavailable(err)
		}
		c.Set(personKey, p)
		c.Set(sessionKey, session)
		return next(c)
	}
}

func (s *Desk) adminsOnly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if person(c).Role != staff.Admin {
			return staff.ErrForbidden
		}
		return next(c)
	}
}

// sessionCookie is the cookie's name: where there is TLS, one that no other host
// and no plain connection can set (RFC 6265bis, section 4.1.3.2).
func (s *Desk) sessionCookie() string {
	if s.StaffURL.Scheme == "https" {
		return "__Host-helpdesk"
	}
	return "helpdesk"
}

func (s *Desk) setSession(c echo.Context, token string) { s.setCookie(c, "", token, 0) }

// setCookie sets one of our cookies, by what its name ends in, for some time, or until the
// browser is closed (0); an empty value removes it.
func (s *Desk) setCookie(c echo.Context, ending, value string, life time.Duration) {
	//nolint:gosec // plain http only on loopback
	cookie := &http.Cookie{
		Name: s.sessionCookie() + ending, Value: value, Path: "/", HttpOnly: true, MaxAge: int(life.Seconds()),
		Secure: s.StaffURL.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	c.SetCookie(cookie)
}

// tabOf is the part of the navigation that a route belongs to: an account is found by
// searching.
func tabOf(route string) string {
	for _, tab := range []string{"links", "people", "audit", "own"} {
		if strings.HasPrefix(route, "/helpdesk/"+tab) {
			return tab
		}
	}
	return "search"
}

// staffFrame is around the pages of whoever is signed in.
func (s *Desk) staffFrame(c echo.Context) web.Frame {
	f := s.NewFrame(c, web.Brand{Name: s.Pages.Title()}, "")
	if session, _ := c.Get(sessionKey).(staff.Session); session.Person != "" && !session.Enrolling {
		f.Actor = &web.SignedIn{Admin: person(c).Actor().Admin, Tab: tabOf(c.Path())}
	}
	for name, values := range c.QueryParams() {
		if name != "lang" && len(values) == 1 {
			f.Again = append(f.Again, web.Field{Name: name, Value: values[0]})
		}
	}
	if c.Request().Method == http.MethodPost {
		f.Method = "" // what is shown only once can't be asked for again
	}
	return f
}
