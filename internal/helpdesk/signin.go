package helpdesk

import (
	"cmp"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"autoconfig/internal/directory"
	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

type signInPage struct {
	web.Frame
	SSO     bool
	Problem string
	Typed   string
	// Next is the page that was asked for before the sign-in.
	Next string
	// Passkey asks for one; nil where there can't be any.
	Passkey *question
}

// next is where a person goes after the sign-in: a page of the help desk, or its start.
// Nothing else passes, so that no link leads through the sign-in to another site.
func next(c echo.Context) string {
	u, err := url.Parse(c.FormValue("next"))
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/helpdesk/") ||
		path.Clean(u.Path)+"/" != strings.TrimRight(u.Path, "/")+"/" || strings.ContainsAny(u.Path, "\\\r\n") {
		return ""
	}
	return u.RequestURI()
}

// askedFor is the query of the sign-in that leads back to the page of a request.
func askedFor(c echo.Context) string {
	u := c.Request().URL
	if c.Request().Method != http.MethodGet || u.Path == "/helpdesk/" && u.RawQuery == "" {
		return ""
	}
	return leadingTo(u.RequestURI())
}

// signInFrame is around a step of the sign-in, also around one that was refused: another
// language doesn't lose where it leads.
func (s *Desk) signInFrame(c echo.Context) web.Frame {
	f := s.staffFrame(c)
	if page := next(c); f.Method == "" {
		f.Method = "get"
		if page != "" {
			f.Again = []web.Field{{Name: "next", Value: page}}
		}
	}
	return f
}

func (s *Desk) signInPage(c echo.Context) error {
	return s.showSignIn(c, http.StatusOK, signInPage{Frame: s.staffFrame(c)})
}

func (s *Desk) showSignIn(c echo.Context, status int, page signInPage) error {
	page.SSO, page.Next = s.oidc != nil, next(c)
	if s.passkeys != nil {
		q, err := s.passkeys.askSignIn()
		if err != nil {
			return err
		}
		page.Passkey = &q
	}
	return s.SendPage(c, status, "signin", page.Frame, page)
}

// signIn takes name and password. Whoever has a second factor is asked for its code on a
// page of its own: nobody else learns who has one.
func (s *Desk) signIn(c echo.Context) error {
	ctx := c.Request().Context()
	name := strings.TrimSpace(web.FirstBytes(c.FormValue("name"), 200))
	device := s.deviceOf(c, personDevice+name)
	try, err := s.beginSignIn(c, device)
	if err != nil {
		return err
	}
	in, err := s.Desk.SignIn(ctx, device != "", name, c.FormValue("password"))
	if errors.Is(err, staff.ErrSignIn) {
		try.Failed(ctx)
		// What isn't a name may be a password in the wrong field.
		if err := s.Desk.LogStranger(ctx, cmp.Or(in.Person.Name, "unknown name"), ""); err != nil {
			return directory.Unavailable(err)
		}
		return s.signInProblem(c, "staff.bad_sign_in", name)
	}
	try.Good()
	switch {
	case err != nil:
		return err
	case in.Half != "":
		s.setCookie(c, halfCookie, in.Half, staff.HalfLife)
		return c.Redirect(http.StatusSeeOther, "/helpdesk/code"+leadingTo(next(c)))
	}
	s.setSession(c, in.Token)
	return c.Redirect(http.StatusSeeOther, cmp.Or(next(c), "/helpdesk/"))
}

// halfCookie is what a browser keeps between the steps of a sign-in.
const halfCookie = "-half"

// leadingTo is the query that keeps the page that was asked for.
func leadingTo(page string) string {
	if page == "" {
		return ""
	}
	return "?next=" + url.QueryEscape(page)
}

type codePage struct {
	web.Frame
	Wrong bool
	Next  string
}

// halfway finds the person whose password was right; without one, the sign-in begins again.
func (s *Desk) halfway(c echo.Context) (p staff.Person, err error) {
	kept, err := c.Cookie(s.sessionCookie() + halfCookie)
	if err != nil {
		return p, staff.ErrUnknown
	}
	p, err = s.Desk.Halfway(c.Request().Context(), kept.Value)
	if err != nil && !errors.Is(err, staff.ErrUnknown) {
		err = directory.Unavailable(err)
	}
	return p, err
}

func (s *Desk) codePage(c echo.Context) error {
	_, err := s.halfway(c)
	if errors.Is(err, staff.ErrUnknown) {
		return c.Redirect(http.StatusSeeOther, "/helpdesk/sign-in"+leadingTo(next(c)))
	} else if err != nil {
		return err
	}
	return s.showCode(c, http.StatusOK, false)
}

func (s *Desk) showCode(c echo.Context, status int, wrong bool) error {
	f := s.signInFrame(c)
	return s.SendPage(c, status, "code", f, codePage{Frame: f, Wrong: wrong, Next: next(c)})
}

func (s *Desk) enterCode(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.halfway(c)
	if errors.Is(err, staff.ErrUnknown) {
		return s.signInProblem(c, "staff.second.late", "")
	} else if err != nil {
		return err
	}
	device := s.deviceOf(c, personDevice+p.Subject)
	try, err := s.beginSignIn(c, device)
	if err != nil {
		return err
	}
	token, err := s.Desk.SecondStep(ctx, device != "", p, c.FormValue("code"))
	if errors.Is(err, staff.ErrSignIn) {
		try.Failed(ctx)
		if err := s.Desk.LogStranger(ctx, p.Name, "second step"); err != nil {
			return directory.Unavailable(err)
		}
		return s.showCode(c, http.StatusUnauthorized, true)
	}
	try.Good()
	if err != nil {
		return err
	}
	s.setCookie(c, halfCookie, "", 0)
	s.setSession(c, token)
	s.setDevice(c, personDevice+p.Subject)
	return c.Redirect(http.StatusSeeOther, cmp.Or(next(c), "/helpdesk/"))
}

func (s *Desk) signInProblem(c echo.Context, problem, typed string) error {
	return s.showSignIn(c, http.StatusUnauthorized, signInPage{Frame: s.signInFrame(c), Problem: problem, Typed: typed})
}

// enterPasskey takes the answer of a passkey to the sign-in page's question.
func (s *Desk) enterPasskey(c echo.Context) error {
	if s.passkeys == nil {
		return staff.ErrUnknown
	}
	ctx := c.Request().Context()
	try, err := s.beginSignIn(c, "")
	if err != nil {
		return err
	}
	token, p, err := s.passkeys.signIn(ctx, c.FormValue("kept"), c.FormValue("answer"))
	switch {
	case errors.Is(err, errLate):
		try.Good()
		return s.signInProblem(c, "staff.second.late", "")
	case errors.Is(err, staff.ErrSignIn):
		try.Failed(ctx)
		s.Logger.Info("a passkey is refused", "error", err.Error())
		if err := s.Desk.LogStranger(ctx, cmp.Or(p.Name, "unknown name"), "passkey"); err != nil {
			return directory.Unavailable(err)
		}
		return s.signInProblem(c, "staff.passkey.bad", "")
	}
	try.Good()
	if err != nil {
		return err
	}
	s.setSession(c, token)
	s.setDevice(c, personDevice+p.Subject)
	return c.Redirect(http.StatusSeeOther, cmp.Or(next(c), "/helpdesk/"))
}

func (s *Desk) signOut(c echo.Context) error {
	token, err := c.Cookie(s.sessionCookie())
	if err == nil {
		err = s.Desk.SignOut(c.Request().Context(), person(c).Actor(), token.Value)
	}
	if err != nil {
		return err
	}
	s.setSession(c, "")
	return c.Redirect(http.StatusSeeOther, "/helpdesk/sign-in")
}

// enrolPage is where the second factor is set up: the key travels sealed in the
// form, and is kept once a code shows that it arrived.
type enrolPage struct {
	web.Frame
	QR     template.HTML
	Key    string
	Sealed string
	Wrong  bool
}

func (s *Desk) enrolPage(c echo.Context) error {
	if session, _ := c.Get(sessionKey).(staff.Session); !session.Enrolling {
		return c.Redirect(http.StatusSeeOther, "/helpdesk/")
	}
	return s.showEnrolment(c, http.StatusOK, staff.NewTOTPKey(), false)
}

func (s *Desk) showEnrolment(c echo.Context, status int, key []byte, wrong bool) error {
	f := s.staffFrame(c)
	code, err := links.QR(staff.TOTPKeyURL(s.Pages.Title(), person(c).Name, key))
	if err != nil {
		return err
	}
	return s.SendPage(c, status, "enrol", f, enrolPage{
		Frame: f, QR: template.HTML(code), Key: staff.TOTPKeyText(key), Wrong: wrong, //nolint:gosec // our own drawing
		Sealed: base64.RawURLEncoding.EncodeToString(s.Desk.Seal(append([]byte(person(c).ID), key...))),
	})
}

func (s *Desk) enrol(c echo.Context) error {
	p := person(c)
	if session, _ := c.Get(sessionKey).(staff.Session); !session.Enrolling {
		return staff.ErrForbidden
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.FormValue("sealed"))
	if err != nil {
		return web.ErrBadForm
	}
	plain, err := s.Desk.Unseal(sealed)
	if err != nil || len(plain) <= len(p.ID) || string(plain[:len(p.ID)]) != p.ID {
		return web.ErrBadForm
	}
	key := plain[len(p.ID):]
	ctx := c.Request().Context()
	var token string
	var codes []string
	err = s.proving(c, "second factor refused", func(p staff.Person) error {
		token, codes, err = s.Desk.Enrol(ctx, p, key, c.FormValue("code"))
		return err
	})
	if errors.Is(err, staff.ErrSignIn) {
		return s.showEnrolment(c, http.StatusUnprocessableEntity, key, true)
	} else if err != nil {
		return err
	}
	s.setSession(c, token)
	s.setDevice(c, personDevice+p.Subject)
	return s.showOnceTo(c, token, "/helpdesk/own", url.Values{"code": codes})
}

// proving does what takes a password or a code of somebody who is signed in. A wrong
// one counts as at the sign-in: else a session that was left open, or stolen, would
// be the place to guess.
func (s *Desk) proving(c echo.Context, refused string, f func(p staff.Person) error) error {
	ctx, p := c.Request().Context(), person(c)
	device := s.deviceOf(c, personDevice+p.Subject)
	try, err := s.beginSignIn(c, device)
	if err != nil {
		return err
	}
	if device != "" {
		p.LockedUntil = time.Time{} // the lock is for browsers that aren't known
	}
	err = f(p)
	if !errors.Is(err, staff.ErrSignIn) {
		try.Good()
		return err
	}
	try.Failed(ctx)
	if logErr := s.Desk.Log(ctx, p.Actor(), refused, p.Name, "", ""); logErr != nil {
		return directory.Unavailable(logErr)
	}
	return err
}
